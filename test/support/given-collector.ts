import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './eventually.js';

export interface Span {
  trace: string;
  id: string;
  parent: string;
  name: string;
  /** 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  kind: number;
  attributes: Record<string, string | number>;
  /** The traces and spans that it is linked with. */
  links: { trace: string; id: string }[];
  isError: boolean;
}

/** A collector of traces: takes OTLP over HTTP, in protobuf, as any real one does. */
export class GivenCollector {
  readonly spans: Span[] = [];
  /** Everything that came, as it came. */
  received = Buffer.alloc(0);
  readonly headers: NodeJS.Dict<string | string[]>[] = [];

  private constructor(
    readonly url: string,
    readonly close: () => void,
  ) {}

  static async open(): Promise<GivenCollector> {
    const server = createServer(async (request, response) => {
      const body = Buffer.concat((await request.toArray()) as Buffer[]);
      if (request.url !== '/v1/traces') return void response.writeHead(404).end();
      collector.headers.push(request.headers);
      collector.received = Buffer.concat([collector.received, body]);
      collector.spans.push(...spansIn(body));
      response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const collector = new GivenCollector(`http://127.0.0.1:${port}`, () => {
      server.closeAllConnections();
      server.close();
    });
    return collector;
  }

  /** The first span that is looked for, as soon as it comes. */
  async span(what: string, isIt: (span: Span) => boolean): Promise<Span> {
    return eventually(() => this.spans.find(isIt), { what: `the span of ${what}` });
  }

  /** The names from this span up to the first of its trace. */
  lineOf(span: Span): string[] {
    const parent = this.spans.find(({ id, trace }) => id === span.parent && trace === span.trace);
    return parent ? [span.name, ...this.lineOf(parent)] : [span.name];
  }
}

type Field = { number: number; bytes: Buffer; value: number };

/** The fields of a protobuf message: https://protobuf.dev/programming-guides/encoding/ */
function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] as number;
      value += (byte & 127) * 2 ** shift;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    const wire = tag & 7;
    const value = wire === 0 ? varint() : 0;
    const length = wire === 2 ? varint() : wire === 1 ? 8 : wire === 5 ? 4 : 0;
    yield { number: tag >>> 3, bytes: message.subarray(at, at + length), value };
    at += length;
  }
}

const all = (message: Buffer, number: number) =>
  [...fieldsOf(message)].filter((field) => field.number === number);
const bytesOf = (message: Buffer, number: number) => all(message, number)[0]?.bytes ?? Buffer.alloc(0);
const hexOf = (message: Buffer, number: number) => bytesOf(message, number).toString('hex');

/** opentelemetry/proto/trace/v1/trace.proto: ResourceSpans 1 → ScopeSpans 2 → Span 2. */
function spansIn(request: Buffer): Span[] {
  const resources = all(request, 1).flatMap(({ bytes }) => all(bytes, 2));
  return resources.flatMap(({ bytes }) => all(bytes, 2)).map(({ bytes }) => spanOf(bytes));
}

function spanOf(span: Buffer): Span {
  return {
    trace: hexOf(span, 1),
    id: hexOf(span, 2),
    parent: hexOf(span, 4),
    name: bytesOf(span, 5).toString(),
    kind: all(span, 6)[0]?.value ?? 0,
    attributes: Object.fromEntries(all(span, 9).map(({ bytes }) => attributeOf(bytes))),
    links: all(span, 13).map(({ bytes }) => ({ trace: hexOf(bytes, 1), id: hexOf(bytes, 2) })),
    isError: all(bytesOf(span, 15), 3)[0]?.value === 2,
  };
}

function attributeOf(pair: Buffer): [string, string | number] {
  const [value] = fieldsOf(bytesOf(pair, 2));
  return [bytesOf(pair, 1).toString(), value?.number === 3 ? value.value : String(value?.bytes ?? '')];
}
