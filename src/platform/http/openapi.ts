import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import { problemExample } from './docs.js';

const METHODS = ['get', 'post', 'put', 'patch', 'delete'] as const;
const PROBLEM_REF = { $ref: '#/components/schemas/ProblemView' };

/** The OpenAPI 3.1 document of the running application, generated from its code. */
export function describeApi(app: NestFastifyApplication): OpenAPIObject {
  const outline = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Holdfast')
    .setDescription(
      'An order backend for web shops. It never sells what is not there, and it never charges twice.',
    )
    .setVersion('1')
    .addBearerAuth({ type: 'http', scheme: 'bearer', bearerFormat: 'JWT' }, 'access_token')
    .addApiKey(
      { type: 'apiKey', in: 'header', name: 'X-Api-Key', description: 'For other systems, with scopes.' },
      'api_key',
    )
    .build();
  const document = SwaggerModule.createDocument(app, outline, {
    operationIdFactory: (controller, method) => `${controller.replace(/Controller$/, '')}_${method}`,
  });
  for (const path of Object.values(document.paths)) {
    for (const method of METHODS) {
      const operation = path[method];
      if (operation) completeRefusals(operation);
    }
  }
  return nullableOf31(document) as OpenAPIObject;
}

type Operation = NonNullable<OpenAPIObject['paths'][string]['get']>;

/** What every route may answer besides its own: stated once here rather than on every route. */
function completeRefusals(operation: Operation): void {
  const add = (status: number, code: string, detail: string) => {
    operation.responses[status] ??= {
      description: `\`${code}\``,
      content: {
        'application/problem+json': { schema: PROBLEM_REF, example: problemExample(status, code, detail) },
      },
    };
  };
  const takesInput = operation.requestBody !== undefined || (operation.parameters ?? []).length > 0;
  if (takesInput) add(400, 'validation_failed', 'limit must be between 1 and 100');
  if (operation.security?.length) add(401, 'unauthenticated', 'an access token is required');
  add(500, 'internal_error', 'something went wrong on our side');
  add(503, 'database_unavailable', 'the database cannot be reached; try again');
}

/** The generator writes OpenAPI 3.0's `nullable: true`; JSON Schema, and so 3.1, says it with a type. */
function nullableOf31(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(nullableOf31);
  if (typeof node !== 'object' || node === null) return node;
  const { nullable, ...rest } = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, nullableOf31(value)]),
  ) as Record<string, unknown>;
  if (nullable !== true) return nullable === undefined ? rest : { ...rest, nullable };
  if (typeof rest.type === 'string') {
    const values = Array.isArray(rest.enum) ? { enum: [...rest.enum, null] } : {};
    return { ...rest, type: [rest.type, 'null'], ...values };
  }
  const { description, example, ...schema } = rest;
  return { anyOf: [schema, { type: 'null' }], description, example };
}

/** Serves the document at `/openapi.json` and the interactive page at `/docs`. */
export function serveDocs(app: NestFastifyApplication): void {
  const document = describeApi(app);
  SwaggerModule.setup('docs', app, document, {
    customSiteTitle: 'Holdfast API',
    jsonDocumentUrl: 'docs/openapi.json',
  });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.get('/openapi.json', (_request: unknown, reply: { send(body: unknown): void }) =>
    reply.send(document),
  );
  fastify.addHook(
    'onRequest',
    async (request: { url: string }, reply: { header(name: string, value: string): void }) => {
      if (request.url.startsWith('/docs')) reply.header('Content-Security-Policy', DOCS_POLICY);
    },
  );
}

// Swagger UI starts itself from an inline script and styles elements inline; everything comes from this server.
const DOCS_POLICY =
  "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
