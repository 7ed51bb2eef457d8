import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { problemExample } from './docs.js';
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

/** What every route may answer besides its own: stated once here rather than on every route. */
function completeRefusals(operation: Operation, method: (typeof METHODS)[number]): void {
  const add = (status: number, code: string, detail: string, members = {}) => {
    const example = problemExample(status, code, detail, members);
    operation.responses[status] ??= {
      description: `\`${code}\``,
      content: { 'application/problem+json': { schema: problemSchema([code]), example } },
    };
  };
  const takesInput = operation.requestBody !== undefined || (operation.parameters ?? []).length > 0;
  const fault = { field: 'limit', message: 'limit must be between 1 and 100' };
  if (takesInput) add(400, 'validation_failed', fault.message, { errors: [fault] });
  if (operation.security?.length) add(401, 'unauthenticated', 'an access token is required');
  if (operation.requestBody) {
    add(413, 'body_too_large', 'the body is too large');
    add(415, 'unsupported_media_type', 'the body must be application/json');
  }
  if (method === 'get') add(429, 'rate_limited', 'too many requests; try again in 17 seconds');
  add(500, 'internal_error', 'something went wrong on our side');
  add(503, 'database_unavailable', 'the database cannot be reached; try again');
  add(504, 'timeout', 'the request took too long; nothing was done');
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
