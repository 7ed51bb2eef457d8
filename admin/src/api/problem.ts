import { HttpError } from 'react-admin';

interface FieldFault {
  field: string;
  message: string;
}

/** What the API answers when it refuses (RFC 9457); the members depend on the `code`. */
interface Problem {
  code?: string;
  error?: string;
  errors?: FieldFault[];
  items?: { product_id: number; requested: number; available?: number; returnable?: number }[];
  expected_stock?: number;
  actual_stock?: number;
}

/** Refusals that are about one field, although the API names none. */
const FIELD_OF_CODE: Record<string, string> = {
  sku_taken: 'sku',
  code_taken: 'code',
  email_taken: 'email',
  refund_too_large: 'amount',
  extension_too_long: 'seconds',
  stock_changed: 'quantity',
  insufficient_stock: 'quantity',
};

const HINTS: Record<string, string> = {
  version_conflict: 'Somebody else has changed it meanwhile: reload the page and change it again.',
  idempotency_in_progress: 'The same request is still being worked on: wait a moment and try again.',
  idempotency_key_reused:
    'This form was sent before with other values and has taken effect: reload the page.',
};

/** The error by which react-admin shows faults at their fields, and anything else as a notice. */
export async function problemOf(response: Response): Promise<HttpError> {
  const text = await response.text();
  return refusalOf(response.status, text, response.headers.get('Retry-After'));
}

/** The same, for an answer that `fetch` has not made. */
export function refusalOf(status: number, text: string, retryAfter: string | null = null): HttpError {
  const problem = parsed(text);
  const message = sentenceOf(problem, status, retryAfter);
  const errors = faultsOf(problem, message);
  return new HttpError(message, status, { ...problem, ...(errors && { errors }) });
}

/** The error of a call that has come to nothing: there was no answer. */
export function unreachable(): HttpError {
  return refusalOf(0, '{"error":"the service cannot be reached; try again"}');
}

/** The error of a call that has been waited for long enough. Not as if it had come to nothing: it is not made again by itself. */
export function unanswered(): HttpError {
  return refusalOf(504, '{"error":"the service takes too long to answer; try again"}');
}

function parsed(text: string): Problem {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return {};
  }
}

function sentenceOf({ code = '', error, items }: Problem, status: number, retryAfter: string | null): string {
  const said = sentence(error ?? `The service answered ${status}`);
  const [item, ...others] = items ?? [];
  if (code === 'insufficient_stock' && item && others.length === 0)
    return `Not enough stock: ${item.requested.toLocaleString()} wanted, ${(item.available ?? 0).toLocaleString()} there.`;
  if (code === 'insufficient_stock' && items?.length)
    return `Not enough stock. ${items.map(({ product_id, requested, available = 0 }) => `Product ${product_id}: ${requested} wanted, ${available} there.`).join(' ')}`;
  if (code === 'return_too_large' && items?.length)
    return `More than was sold. ${items.map(({ product_id, requested, returnable = 0 }) => `Product ${product_id}: ${requested} named, ${returnable} can still come back.`).join(' ')}`;
  if (status === 429 && retryAfter) return `Too many requests: try again in ${retryAfter} seconds.`;
  if (code === 'version_conflict') return HINTS[code] as string;
  return HINTS[code] ? `${said} ${HINTS[code]}` : said;
}

function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}

/** Messages by field, as react-hook-form names them. `root.serverError` makes react-admin show the notice as well. */
function faultsOf({ code = '', errors }: Problem, message: string): Record<string, unknown> | undefined {
  const field = FIELD_OF_CODE[code];
  if (field) return { [field]: message, root: { serverError: message } };
  const named = (errors ?? []).filter((fault) => fault.field !== '');
  if (named.length === 0) return undefined;
  return {
    ...Object.fromEntries(named.map((fault) => [fault.field, sentence(fault.message)])),
    root: { serverError: message },
  };
}
