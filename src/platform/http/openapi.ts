import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { OVERLOOKS_TOKEN, problemExample } from './docs.js';
import { exampleOf, resolved, type SchemaNode, type Schemas } from './openapi-examples.js';
import { addProblems, completeProblem, type ProblemMembers, problemSchema } from './openapi-problems.js';
import { ReadyAnswer } from './ready-answer.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;
type Content = Record<string, { schema?: SchemaNode; example?: unknown }>;

/** The OpenAPI 3.1 document of the application, generated from its code. Needs no database. */
export function describeApi(app: NestFastifyApplication, problems: ProblemMembers): OpenAPIObject {
  const outline = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Holdfast')
    .setDescription(
      'An order backend for web shops. It never sells what is not there, and it never charges twice.\n\n' +
        'A POST that creates or moves something takes an `Idempotency-Key`, and says so. Elsewhere, e.g. where a user registers, ' +
        'logs in or refreshes a session, a key has no effect. One that is empty or malformed is 400 everywhere.',
    )
    .setVersion('1')
    .addServer('/')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'access_token')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'For other systems, with scopes.' },
      'api_key',
    )
    .build();
  const document = SwaggerModule.createDocument(app, outline, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  const schemas = (document.components?.schemas ?? {}) as Schemas;
  addProblems(problems, schemas);
  for (const [path, item] of Object.entries(document.paths)) {
    for (const method of METHODS) {
      const operation = item[method];
      if (!operation) continue;
      completeCallers(operation);
      if (path.startsWith('/api/')) completeRefusals(operation, method);
      for (const { content } of Object.values(operation.responses) as { content?: Content }[]) {
        const refusal = content?.['application/problem+json'];
        if (refusal) completeProblem(refusal, schemas);
      }
      completeBodies(operation, schemas);
    }
  }
  return document;
}

/** The document as it is served and as it stands in docs/openapi.json. */
export function printApi(document: OpenAPIObject): string {
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** Refusals that are stated once here rather than on every route. What a route says of the same status goes before. */
function refuse(
  operation: Operation,
  status: number,
  codes: string | string[],
  detail: string,
  members: Record<string, unknown> = {},
): void {
  const all = [codes].flat();
  const example = problemExample(status, all[0] as string, detail, members);
  operation.responses[status] ??= {
    description: all.map((code) => `\`${code}\``).join(', '),
    content: { 'application/problem+json': { schema: problemSchema(all), example } },
  };
}

/** Who is not let in. A token that is there must be good on public routes as well, but for those that lead to one. */
function completeCallers(operation: Operation & { [OVERLOOKS_TOKEN]?: true }): void {
  const { security = [], [OVERLOOKS_TOKEN]: overlooksToken } = operation;
  delete operation[OVERLOOKS_TOKEN];
  if (security.length > 0) {
    const codes = ['unauthenticated', 'invalid_token', 'invalid_api_key'];
    refuse(operation, 401, codes, 'an access token is required');
    refuse(operation, 403, 'forbidden', 'this needs the access token of a user: an API key is not enough');
  } else if (!overlooksToken) {
    refuse(operation, 401, 'invalid_token', 'the access token is invalid or has expired');
  }
}

/** What every route of the API may answer besides its own. */
function completeRefusals(operation: Operation, method: (typeof METHODS)[number]): void {
  // Members that nobody reads are refused, too, and so is a malformed `Idempotency-Key` where one has no effect.
  const mayBringBody = method !== 'get';
  const takesInput = mayBringBody || (operation.parameters ?? []).length > 0;
  const fault = { field: 'limit', message: 'limit must be between 1 and 100' };
  if (takesInput) refuse(operation, 400, 'validation_failed', fault.message, { errors: [fault] });
  if (mayBringBody) {
    refuse(operation, 413, 'body_too_large', 'the body is too large');
    refuse(operation, 415, 'unsupported_media_type', 'the body must be application/json');
  }
  if (method === 'get') refuse(operation, 429, 'rate_limited', 'too many requests; try again in 17 seconds');
  refuse(operation, 500, 'internal_error', 'something went wrong on our side');
  refuse(operation, 503, 'database_unavailable', 'the database cannot be reached; try again');
  refuse(operation, 504, 'timeout', 'the request took too long; nothing was done');
}

/** Every JSON body gets an example, and a body whose members are all optional is itself optional. */
function completeBodies(operation: Operation, schemas: Schemas): void {
  const body = operation.requestBody as { required?: boolean; content: Content } | undefined;
  const json = body?.content['application/json']?.schema;
  if (body && json) body.required = (resolved(json, schemas).required ?? []).length > 0;
  const answers = Object.values(operation.responses) as { content?: Content }[];
  for (const content of [body?.content, ...answers.map((answer) => answer.content)]) {
    for (const media of Object.values(content ?? {})) {
      if (media.schema) media.example ??= exampleOf(media.schema, schemas);
    }
  }
}

const DOCS = /^\/docs(\/|\?|$)/;
// Swagger UI styles elements inline. It would also load whatever document `/docs?url=` names: only our own may be had.
const DOCS_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** Serves the document at `/openapi.json` and the interactive page at `/docs`. It is made when somebody asks for it first. */
export function serveDocs(app: NestFastifyApplication, problems: ProblemMembers): void {
  let document: OpenAPIObject | undefined;
  let ready: ReadyAnswer | undefined;
  const describe = () => {
    document ??= describeApi(app, problems);
    return document;
  };
  const print = () => {
    ready ??= new ReadyAnswer(printApi(describe()), 'everybody');
    return ready;
  };
  // The page carries the document itself, so there is only one address of it.
  SwaggerModule.setup('docs', app, describe, { customSiteTitle: 'Holdfast API', raw: false });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.get('/openapi.json', async (request: FastifyRequest, reply: FastifyReply) =>
    reply.send(await print().answer(request, reply)),
  );
  fastify.addHook('onRequest', (request: FastifyRequest, reply: FastifyReply, done: () => void) => {
    if (request.url.startsWith('/docs') && DOCS.test(request.url))
      reply.header('Content-Security-Policy', DOCS_POLICY);
    done();
  });
}
