import { randomUUID } from 'node:crypto';

/** The gateway refuses a request, or plays a fault, in YooKassa's own error shape. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';

  constructor(
    readonly status: number,
    readonly code: string,
    readonly description: string,
    readonly parameter?: string,
  ) {
    super(description);
  }
}

/** What YooKassa answers under every error status. */
export interface ErrorBody {
  type: 'error';
  id: string;
  code: string;
  description: string;
  parameter?: string;
}

export function errorBody(refusal: RequestRefused): ErrorBody {
  return {
    type: 'error',
    id: randomUUID(),
    code: refusal.code,
    description: refusal.description,
    parameter: refusal.parameter,
  };
}

export function invalidRequest(description: string, parameter?: string): RequestRefused {
  return new RequestRefused(400, 'invalid_request', description, parameter);
}

/** YooKassa's very words: merchants recognise this refusal by its description and parameter. */
export function keyUsedForAnotherRequest(): RequestRefused {
  return invalidRequest('Idempotence key duplicated', 'Idempotence-Key');
}

export function invalidCredentials(): RequestRefused {
  return new RequestRefused(
    401,
    'invalid_credentials',
    'The shop id or the secret key is wrong',
    'Authorization',
  );
}

export function notFound(what: string, parameter?: string): RequestRefused {
  return new RequestRefused(404, 'not_found', `${what} does not exist`, parameter);
}

export function methodNotAllowed(): RequestRefused {
  return new RequestRefused(405, 'method_not_allowed', 'This address does not take this method');
}

export function unsupportedMediaType(): RequestRefused {
  return new RequestRefused(
    415,
    'unsupported_media_type',
    'The body must be application/json',
    'Content-Type',
  );
}

export function internalServerError(): RequestRefused {
  return new RequestRefused(500, 'internal_server_error', 'Technical difficulties; the result is not known');
}
