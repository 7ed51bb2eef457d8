/** What stands in the log in place of a secret. */
const REDACTED = '[redacted]';

const SECRET_WORD =
  'pass(?:word|wd|phrase|code)|pwd|secret|token|api[-_]?key|private[-_]?key|access[-_]?key|credential|signature';
/** Members that hold a secret, whatever it is: by their name, in any notation and with any prefix. */
const SECRET_MEMBER = new RegExp(`authorization|cookie|${SECRET_WORD}|^auth$|^jwt$`, 'i');
/** A glance that lets most texts pass, above all the addresses of ordinary requests. */
const SUSPICIOUS = new RegExp(`:\\/\\/|bearer|basic|eyJ|hf_|[sr]k_|whsec_|${SECRET_WORD}`, 'i');
const SECRETS_IN_TEXT: readonly [RegExp, string][] = [
  // user:password@ in an address
  [/([a-z][a-z0-9+.-]{1,20}:\/\/)[^\s/@"']{1,500}@/gi, `$1${REDACTED}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  // "name":"value" in JSON
  [
    new RegExp(`("[\\w.-]{0,40}(?:${SECRET_WORD})[\\w.-]{0,40}"\\s?:\\s?")(?:[^"\\\\]|\\\\.)+`, 'gi'),
    `$1${REDACTED}`,
  ],
  // name=value in a query or a file
  [
    new RegExp(`([\\w.-]{0,40}(?:${SECRET_WORD})[\\w.-]{0,40}\\s?=\\s?["']?)[^\\s"'&,;}]+`, 'gi'),
    `$1${REDACTED}`,
  ],
  // Ours, Stripe's, and JSON Web Tokens, wherever they stand.
  [/\b(?:hf|sk|rk)_[\w-]{8,}|\bwhsec_[\w+/=-]{8,}|\beyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*)?/g, REDACTED],
];

/** Whatever is longer is cut off: nobody reads it, and each line would be searched for long. */
const TEXT_MAX_CHARACTERS = 8_192;
const DEPTH_MAX = 6;
const MEMBERS_MAX = 100;
/** What an error of a library carries along: the request with its credentials, sockets, the whole answer. */
const CARGO = new Set([
  'config',
  'request',
  'response',
  'req',
  'res',
  'socket',
  'agent',
  'headers',
  'rawHeaders',
]);

/** Without secrets, and without anything that a terminal would obey. Line breaks stay. */
export function redactedText(text: string): string {
  const cut = text.length > TEXT_MAX_CHARACTERS ? `${text.slice(0, TEXT_MAX_CHARACTERS)}…` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  const plain = cut.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, ' ');
  if (!SUSPICIOUS.test(plain)) return plain;
  return SECRETS_IN_TEXT.reduce((rest, [secret, instead]) => rest.replace(secret, instead), plain);
}

/** On one line: a message that holds what a stranger has sent must not look like two. */
export const redactedMessage = (text: string): string =>
  redactedText(text).replace(/[\n\t\u2028\u2029]+/g, ' ');

/** The members of a line of the log, without secrets, at any depth. The original stays as it is. */
export function redacted(members: Record<string, unknown>): Record<string, unknown> {
  return copyOf(members, 0, new Set()) as Record<string, unknown>;
}

function copyOf(value: unknown, depth: number, within: Set<object>): unknown {
  if (typeof value === 'string') return redactedText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return value;
  if (value instanceof URL) return redactedText(value.href);
  if (Buffer.isBuffer(value) || ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (within.has(value)) return '[circular]';
  if (depth >= DEPTH_MAX) return '[more]';
  within.add(value);
  const copy = Array.isArray(value)
    ? value.slice(0, MEMBERS_MAX).map((each) => copyOf(each, depth + 1, within))
    : value instanceof Error
      ? errorOf(value, depth, within)
      : membersOf(value, depth, within);
  within.delete(value);
  return copy;
}

function membersOf(value: object, depth: number, within: Set<object>): Record<string, unknown> {
  const members = value instanceof Map ? [...value] : Object.entries(value);
  return Object.fromEntries(
    members.slice(0, MEMBERS_MAX).map(([name, member]) => {
      const isSecret = SECRET_MEMBER.test(String(name)) && member !== null && typeof member !== 'boolean';
      return [name, isSecret ? REDACTED : copyOf(member, depth + 1, within)];
    }),
  );
}

function errorOf(error: Error, depth: number, within: Set<object>): Record<string, unknown> {
  const own = Object.entries(error).filter(([name]) => !CARGO.has(name));
  return {
    type: error.name,
    message: redactedText(error.message),
    stack: redactedText(error.stack ?? ''),
    ...membersOf(Object.fromEntries(own), depth, within),
    ...(error.cause === undefined ? {} : { cause: copyOf(error.cause, depth + 1, within) }),
  };
}
