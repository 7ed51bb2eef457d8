/** Stripe answers with an error, in its own shape. */
export class StripeSaysNo extends Error {
  constructor(
    readonly status: number,
    readonly error: { type: string; code?: string; [member: string]: unknown },
  ) {
    super(String(error.message ?? error.code));
  }
}

export const invalid = (message: string, more: object = {}) =>
  new StripeSaysNo(400, { type: 'invalid_request_error', message, ...more });

export const missing = (what: string, id: string) =>
  new StripeSaysNo(404, {
    type: 'invalid_request_error',
    code: 'resource_missing',
    message: `No such ${what}: '${id}'`,
  });

export const serverError = () =>
  new StripeSaysNo(500, { type: 'api_error', message: 'Something went wrong' });
