/** As much of JSON Schema as our documents use. */
export interface SchemaNode {
  $ref?: string;
  type?: string | string[];
  properties?: Record<string, SchemaNode>;
  required?: string[];
  items?: SchemaNode;
  anyOf?: SchemaNode[];
  allOf?: SchemaNode[];
  enum?: readonly unknown[];
  description?: string;
  example?: unknown;
  default?: unknown;
}

export type Schemas = Record<string, SchemaNode>;

/** The schema itself, or the one that it only refers to. */
export function resolved(schema: SchemaNode, schemas: Schemas): SchemaNode {
  const name = schema.$ref?.split('/').at(-1);
  return name === undefined ? schema : resolved(schemas[name] as SchemaNode, schemas);
}

/** A value of the schema, put together from the examples of its members; members without any are left out. */
export function exampleOf(reference: SchemaNode, schemas: Schemas): unknown {
  const schema = resolved(reference, schemas);
  for (const stated of [schema.example, schema.default, schema.enum?.[0]]) {
    if (stated !== undefined) return stated;
  }
  const part = schema.anyOf?.[0] ?? schema.allOf?.[0];
  if (part) return exampleOf(part, schemas);
  if (schema.items) return [exampleOf(schema.items, schemas)];
  if (!schema.properties) return undefined;
  const members = Object.entries(schema.properties).map(([name, member]) => [
    name,
    exampleOf(member, schemas),
  ]);
  return Object.fromEntries(members.filter(([, example]) => example !== undefined));
}
