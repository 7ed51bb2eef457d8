import type * as Otel from '@opentelemetry/api';
import { sqlStateOf } from '../database/database.errors.js';
import { aboutOnly, currentSubject, type Subject } from './subject.js';

/**
 * The door to traces. OpenTelemetry itself is loaded by `open-telemetry.ts`, and only when an endpoint is configured: of it
 * there are nothing but types here, and while nothing is traced each of these functions is one comparison.
 *
 * Names and attributes hold templates and the names of statements; never values, bodies, or the words of an error.
 */
type Api = typeof Otel;

export interface Task {
  /** One of few: a template, the name of a statement or of a queue. */
  name: string;
  kind?: 'client' | 'producer' | 'consumer';
  attributes?: Otel.Attributes;
}

/** What leads to a piece of work: kept by whoever works on it later, and perhaps on others with it. */
export interface Thread {
  readonly subject: Subject | undefined;
  readonly span: Otel.Span | null;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/;
/** As many as the SDK keeps of a span. */
const LINKS_MAX = 128;
const CODE = /^[\w.-]{1,60}$/;

let otel: { api: Api; tracer: Otel.Tracer } | null = null;

/** From now on work is traced; with null it is not any more. For whoever loads OpenTelemetry. */
export function traceWith(api: Api | null): void {
  otel = api && { api, tracer: api.trace.getTracer('holdfast') };
}

export const isTracing = (): boolean => otel !== null;

/** The span that is under way and recorded. */
export function currentSpan(): Otel.Span | null {
  const span = otel?.api.trace.getActiveSpan();
  return span?.isRecording() ? span : null;
}

export const currentThread = (): Thread => ({ subject: currentSubject(), span: currentSpan() });

/** For the lines of the log. */
export function currentTraceIds(): Subject | undefined {
  const span = otel?.api.trace.getActiveSpan();
  return span && traceIdsOf(span);
}

export function traceIdsOf(span: Otel.Span): Subject {
  const { traceId: trace_id, spanId: span_id } = span.spanContext();
  return { trace_id, span_id };
}

/** Does `work` as a part of what is under way. Where that is not traced, nor is this: there is no trace of it alone. */
export async function inSpan<T>(task: Task, work: () => Promise<T>): Promise<T> {
  if (otel === null || currentSpan() === null) return work();
  return within(otel.tracer.startSpan(task.name, optionsOf(task, otel.api)), work);
}

/** Does `work` as the beginning of a trace, whatever is under way. */
export async function inNewTrace<T>(task: Task, work: () => Promise<T>): Promise<T> {
  if (otel === null) return work();
  const options = { ...optionsOf(task, otel.api), root: true };
  return within(otel.tracer.startSpan(task.name, options), work);
}

/**
 * Does the work of several threads at once. Work of one is a part of that one. Work of several is nobody's own: a trace of its
 * own, linked with each of them in both directions, and its lines in the log name no request.
 */
export async function doTogether<T>(task: Task, threads: Thread[], work: () => Promise<T>): Promise<T> {
  const [first, ...others] = threads;
  const subject = others.length === 0 ? (first?.subject ?? {}) : {};
  return aboutOnly(subject, () => {
    if (otel === null) return work();
    const { api, tracer } = otel;
    const spans = threads.flatMap(({ span }) => span ?? []);
    if (spans.length === 0) return api.context.with(api.ROOT_CONTEXT, work);
    if (others.length === 0) return runAs(spans[0] as Otel.Span, () => inSpan(task, work));
    const links = spans.slice(0, LINKS_MAX).map((span) => ({ context: span.spanContext() }));
    const batch = tracer.startSpan(task.name, { ...optionsOf(task, api), links }, api.ROOT_CONTEXT);
    for (const span of spans) span.addLink({ context: batch.spanContext() });
    return within(batch, work);
  });
}

/**
 * Does `work` that was caused by messages, of which each tells the trace that has made it. Where it is one trace the work goes
 * on with it. Where there are several it is a trace of its own, linked with each; and so that each can be followed to its end,
 * each gets a span of the same time, linked with the work. Without any, it is not traced.
 */
export async function goOn<T>(traceparents: string[], task: Task, work: () => Promise<T>): Promise<T> {
  if (otel === null) return work();
  const { api, tracer } = otel;
  const causes = [...new Set(traceparents)].flatMap((text) => parse(text, api) ?? []).slice(0, LINKS_MAX);
  const options = optionsOf(task, api);
  const under = (cause: Otel.SpanContext) => api.trace.setSpanContext(api.ROOT_CONTEXT, cause);
  const [only, ...others] = causes;
  if (only === undefined) return work();
  if (others.length === 0) return within(tracer.startSpan(task.name, options, under(only)), work);
  const batch = tracer.startSpan(
    task.name,
    { ...options, links: causes.map((context) => ({ context })) },
    api.ROOT_CONTEXT,
  );
  const links = [{ context: batch.spanContext() }];
  const each = causes.map((cause) => tracer.startSpan(task.name, { ...options, links }, under(cause)));
  try {
    return await within(batch, work);
  } catch (error) {
    for (const span of each) fail(span, error);
    throw error;
  } finally {
    for (const span of each) span.end();
  }
}

/**
 * Calls another service. `call` sends the headers along, so that the other side can go on with the trace.
 * `address` must be one that may be shown: of it host, port and `template` are.
 */
export async function calling<T extends { status: number }>(
  method: string,
  address: string,
  template: string | null,
  call: (headers: Readonly<Record<string, string>>) => Promise<T>,
): Promise<T> {
  if (otel === null) return call(NO_HEADERS);
  // What is under way may be known and not recorded: the other side must hear that, too.
  if (currentSpan() === null) return call(traceHeaders());
  const { protocol, hostname, port } = new URL(address);
  const task: Task = {
    name: template === null ? method : `${method} ${template}`,
    kind: 'client',
    attributes: {
      'http.request.method': method,
      'server.address': hostname,
      'server.port': Number(port) || (protocol === 'https:' ? 443 : 80),
      'url.scheme': protocol.slice(0, -1),
      ...(template === null ? {} : { 'url.template': template }),
    },
  };
  return inSpan(task, async () => {
    const answer = await call(traceHeaders());
    const span = currentSpan();
    span?.setAttribute('http.response.status_code', answer.status);
    if (span && answer.status >= 400) mark(span, String(answer.status));
    return answer;
  });
}

/** A path without what only one thing has: parts with a digit in them, other than a version, are ids. */
export function templateOf(path: string): string {
  return path
    .split('?', 1)[0]
    ?.split('/')
    .map((part) => (/\d/.test(part) && !/^v\d{1,2}$/.test(part) ? '{id}' : part))
    .join('/') as string;
}

/** The trace that is under way, as W3C Trace Context writes it, for a message that others will act on; null when it is not recorded. */
export function currentTraceparent(): string | null {
  const span = currentSpan();
  return span && traceparentOf(span);
}

/** A server's span, by what the caller says of its own. It is not current yet. Null when nothing is traced. */
export function beginServing(
  task: Omit<Task, 'kind'>,
  traceparent: string | string[] | undefined,
): Otel.Span | null {
  if (otel === null) return null;
  const { api, tracer } = otel;
  const caller = typeof traceparent === 'string' ? parse(traceparent, api) : null;
  const parent = caller ? api.trace.setSpanContext(api.ROOT_CONTEXT, caller) : api.ROOT_CONTEXT;
  return tracer.startSpan(task.name, { ...optionsOf(task, api), kind: api.SpanKind.SERVER }, parent);
}

/** Runs `work` with `span` as what is under way; whoever has begun it ends it. */
export function runAs<T>(span: Otel.Span | null | undefined, work: () => T): T {
  if (otel === null || !span) return work();
  const { api } = otel;
  return api.context.with(api.trace.setSpan(api.context.active(), span), work);
}

/** Marks a span as failed, by one of few words. */
export function mark(span: Otel.Span, errorType: string): void {
  span.setAttribute('error.type', errorType);
  if (otel !== null) span.setStatus({ code: otel.api.SpanStatusCode.ERROR });
}

async function within<T>(span: Otel.Span, work: () => Promise<T>): Promise<T> {
  try {
    return await runAs(span, work);
  } catch (error) {
    fail(span, error);
    throw error;
  } finally {
    span.end();
  }
}

// The words of an error may hold what a customer has written, and Postgres quotes values.
function fail(span: Otel.Span, error: unknown): void {
  const sqlState = sqlStateOf(error);
  if (sqlState !== undefined) span.setAttribute('db.response.status_code', sqlState);
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const words = [sqlState, code, name].filter((word) => typeof word === 'string');
  mark(span, words.find((word) => CODE.test(word)) ?? 'other');
}

function optionsOf({ kind, attributes }: Task, { SpanKind }: Api): Otel.SpanOptions {
  const kinds = { client: SpanKind.CLIENT, producer: SpanKind.PRODUCER, consumer: SpanKind.CONSUMER };
  return { kind: kind ? kinds[kind] : SpanKind.INTERNAL, attributes };
}

function traceHeaders(): Readonly<Record<string, string>> {
  const span = otel?.api.trace.getActiveSpan();
  return span ? { traceparent: traceparentOf(span) } : NO_HEADERS;
}

function traceparentOf(span: Otel.Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}

function parse(traceparent: string, api: Api): Otel.SpanContext | null {
  const [, traceId = '', spanId = '', flags = ''] = TRACEPARENT.exec(traceparent) ?? [];
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & 1, isRemote: true };
  return api.isSpanContextValid(context) ? context : null;
}
