import { getSchemaPath } from '@nestjs/swagger';
import { exampleOf, type SchemaNode, type Schemas } from './openapi-examples.js';

export type MemberSchema = SchemaNode & { optional?: true };

/** By the code of a problem: the members that it has besides those that all have. */
export type ProblemMembers = Record<string, Record<string, MemberSchema>>;

const PLAIN = { $ref: getSchemaPath('ProblemView') };

/** What a refusal with one of the codes may be. Those without members of their own are the plain one: see `completeProblem`. */
export const problemSchema = (codes: string[]) => ({
  anyOf: [...codes.map((code) => ({ $ref: getSchemaPath(schemaNameOf(code)) })), PLAIN],
});

/** `insufficient_stock` is described by `InsufficientStockProblem`. */
function schemaNameOf(code: string): string {
  return `${code.replace(/(?:^|_)(\w)/g, (_, letter: string) => letter.toUpperCase())}Problem`;
}

/** Describes each problem that has members of its own. */
export function addProblems(problems: ProblemMembers, schemas: Schemas): void {
  for (const [code, members] of Object.entries(problems)) {
    const properties: Record<string, SchemaNode> = { code: { type: 'string', enum: [code] } };
    const required = ['code'];
    for (const [name, { optional, ...schema }] of Object.entries(members)) {
      properties[name] = schema;
      if (!optional) required.push(name);
    }
    schemas[schemaNameOf(code)] = { allOf: [PLAIN, { type: 'object', properties, required }] };
  }
}

/** Leaves in a refusal the problems that are described, and shows their members in its example. */
export function completeProblem(refusal: { schema?: SchemaNode; example?: unknown }, schemas: Schemas): void {
  const described = (refusal.schema?.anyOf ?? []).filter(({ $ref = '' }) => nameIn($ref) in schemas);
  if (described.length > 0) refusal.schema = described.length === 1 ? PLAIN : { anyOf: described };
  const example = refusal.example as { code: string };
  const own = schemas[schemaNameOf(example.code)]?.allOf?.[1];
  if (own) refusal.example = { ...example, ...(exampleOf(own, schemas) as object), ...example };
}

const nameIn = (ref: string): string => ref.split('/').at(-1) as string;
