import { applyDecorators, SetMetadata, type Type } from '@nestjs/common';
import { ApiExtension, ApiExtraModels, ApiHeader, ApiParam, ApiProperty, ApiResponse } from '@nestjs/swagger';
import { problemSchema } from './openapi-problems.js';

/** RFC 9457 problem details, and what Holdfast adds to all of them. */
export class ProblemView {
  @ApiProperty({ example: 'urn:holdfast:problem:not_found' }) type!: string;
  @ApiProperty({ example: 'Not Found' }) title!: string;
  @ApiProperty({ example: 404, type: 'integer' }) status!: number;
  @ApiProperty({ example: 'product not found' }) detail!: string;
  @ApiProperty({ example: '/api/v1/products/99' }) instance!: string;
  @ApiProperty({ example: 'not_found', description: 'Stable; act on this, not on the sentence.' })
  code!: string;
  @ApiProperty({ example: 'product not found', description: 'The same text as `detail`.' }) error!: string;
  @ApiProperty({ example: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d' }) request_id!: string;
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  413: 'Payload Too Large',
  415: 'Unsupported Media Type',
  422: 'Unprocessable Entity',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
};

/** Documents an answer of 2xx with its body. */
export const Answers = (status: number, type: Type, description = '') =>
  ApiResponse({ status, type, description: description || 'Done.' });

/**
 * Documents a refusal: its status and the codes that it may carry. Its example has the first; the members that this code has
 * are described elsewhere (`ProblemMembers`), and `members` are given where the example is to show others.
 */
export const Refuses = (
  status: number,
  codes: string | string[],
  detail: string,
  members: Record<string, unknown> = {},
) => {
  const all = [codes].flat();
  return applyDecorators(
    ApiExtraModels(ProblemView),
    ApiResponse({
      status,
      description: all.map((code) => `\`${code}\``).join(', '),
      content: {
        'application/problem+json': {
          schema: problemSchema(all),
          example: problemExample(status, all[0] as string, detail, members),
        },
      },
    }),
  );
};

/** The body that a refusal has, for the documentation. */
export function problemExample(
  status: number,
  code: string,
  detail: string,
  members: Record<string, unknown> = {},
) {
  return {
    type: `urn:holdfast:problem:${code}`,
    title: TITLES[status] ?? 'Error',
    status,
    detail,
    instance: '/api/v1/…',
    code,
    error: detail,
    request_id: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d',
    ...members,
  };
}

/** Documents a path parameter that is a UUID. */
export const TakesUuid = (name = 'id') =>
  ApiParam({
    name,
    schema: { type: 'string', format: 'uuid' },
    example: '01939b1e-7c1a-7000-8000-3f3f1a2b4c5d',
  });

/** Documents a path parameter that is an integer id. */
export const TakesId = (name = 'id') =>
  ApiParam({ name, schema: { type: 'integer', minimum: 1 }, example: 1 });

export const TAKES_IDEMPOTENCY_KEY = 'holdfast:takes-idempotency-key';

/** Says, and documents, that the route takes an `Idempotency-Key`, with the refusals that come with it. */
export const TakesIdempotencyKey = () =>
  applyDecorators(
    SetMetadata(TAKES_IDEMPOTENCY_KEY, true),
    ApiHeader({
      name: 'Idempotency-Key',
      required: false,
      description:
        '1 to 255 visible ASCII characters. The same key and body is answered the same, and done once.',
      schema: { type: 'string', minLength: 1, maxLength: 255 },
    }),
    Refuses(422, 'idempotency_key_reused', 'this idempotency key was already used with a different body'),
  );

export const OVERLOOKS_TOKEN = 'x-overlooks-token';

/** Says that the route refuses no bad access token. Only for where the document is made: it is not in it. */
export const OverlooksToken = () => ApiExtension(OVERLOOKS_TOKEN, true);
