import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace';
import { loadConfig } from '../../src/platform/config/config.js';
import { samplerOf } from '../../src/platform/observability/open-telemetry.js';
import {
  beginServing,
  calling,
  currentThread,
  currentTraceparent,
  doTogether,
  goOn,
  inNewTrace,
  inSpan,
  runAs,
  templateOf,
  traceWith,
} from '../../src/platform/observability/tracing.js';

const KEPT = ['1', '2', '3'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`);
const [FIRST = '', SECOND = ''] = KEPT;
const DROPPED = `00-${'4'.repeat(32)}-${'4'.repeat(16)}-00`;

const exporter = new InMemorySpanExporter();

/** From here on work is traced, with what it is configured to keep. */
function givenTraces(settings: Record<string, string> = {}): void {
  const sampler = samplerOf(loadConfig(settings));
  const provider = new TracerProvider({ sampler, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  api.trace.disable();
  api.trace.setGlobalTracerProvider(provider);
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  traceWith(api);
}

/** What was recorded: each with its trace and its parent by their first digit, and as many links. */
const recorded = () =>
  exporter.getFinishedSpans().map((span) => ({
    name: span.name,
    trace: span.spanContext().traceId,
    parent: span.parentSpanContext?.spanId ?? null,
    links: span.links.map(({ context }) => context.traceId),
    status: span.status.code,
  }));

const traceOf = (traceparent: string) => traceparent.slice(3, 35);

beforeEach(() => exporter.reset());
afterEach(() => {
  traceWith(null);
  api.context.disable();
});

describe('work that messages have caused', () => {
  it('goes on with the one trace that has made them', async () => {
    givenTraces();
    await goOn([FIRST, FIRST], { name: 'process' }, () =>
      inSpan({ name: 'statement' }, async () => undefined),
    );
    const [statement, process] = recorded();
    expect(process).toMatchObject({
      name: 'process',
      trace: traceOf(FIRST),
      parent: '1'.repeat(16),
      links: [],
    });
    expect(statement).toMatchObject({ name: 'statement', trace: traceOf(FIRST) });
  });

  it('is a trace of its own when there are several, and each of them has a span that leads to it', async () => {
    givenTraces();
    await goOn(KEPT, { name: 'process' }, () => inSpan({ name: 'statement' }, async () => undefined));
    const [statement, work, ...each] = recorded();
    expect(work).toMatchObject({ parent: null, links: KEPT.map(traceOf) });
    expect(statement?.trace).toBe(work?.trace);
    expect(each.map(({ trace, links }) => ({ trace, links }))).toEqual(
      KEPT.map((traceparent) => ({ trace: traceOf(traceparent), links: [work?.trace] })),
    );
  });

  it('fails in each of them', async () => {
    givenTraces();
    const failing = goOn([FIRST, SECOND], { name: 'process' }, () => Promise.reject(new Error('no goods')));
    await expect(failing).rejects.toThrow('no goods');
    expect(recorded().map(({ status }) => status)).toEqual([2, 2, 2]);
    expect(
      JSON.stringify(exporter.getFinishedSpans().map(({ attributes, events }) => [attributes, events])),
    ).not.toContain('no goods');
  });

  it('is not traced when no trace has made them, or none that can be read', async () => {
    givenTraces();
    const worked: string[] = [];
    const zeros = `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`;
    for (const traceparent of ['', 'x', zeros, `ff${FIRST.slice(2)}`, FIRST.toUpperCase().replace('1', 'G')])
      await goOn([traceparent], { name: 'process' }, async () => worked.push(traceparent));
    expect([worked.length, recorded()]).toEqual([5, []]);
  });
});

describe('work for several requests', () => {
  const requests = (traceparents: string[]) =>
    traceparents.map((traceparent) => {
      const span = beginServing({ name: 'request' }, traceparent);
      return { span, thread: runAs(span, currentThread) };
    });

  it('is linked with each in both directions, and a part of none', async () => {
    givenTraces();
    const served = requests([FIRST, SECOND]);
    const threads = served.map(({ thread }) => thread);
    await doTogether({ name: 'batch' }, threads, () => inSpan({ name: 'statement' }, async () => undefined));
    for (const { span } of served) span?.end();
    const [statement, batch, ...ours] = recorded();
    expect(batch).toMatchObject({ parent: null, links: [FIRST, SECOND].map(traceOf) });
    expect(statement?.trace).toBe(batch?.trace);
    expect(ours.map(({ links }) => links)).toEqual([[batch?.trace], [batch?.trace]]);
  });

  it('is a part of the request when there is one', async () => {
    givenTraces();
    const [only] = requests([FIRST]);
    if (only) await doTogether({ name: 'batch' }, [only.thread], async () => undefined);
    expect(recorded()).toMatchObject([{ name: 'batch', trace: traceOf(FIRST), links: [] }]);
  });

  it('is not traced, and by none of them, when none of them is', async () => {
    givenTraces();
    const threads = requests([DROPPED, DROPPED]).map(({ thread }) => thread);
    const other = beginServing({ name: 'request' }, FIRST);
    await runAs(other, () =>
      doTogether({ name: 'batch' }, threads, () => inSpan({ name: 'statement' }, async () => undefined)),
    );
    expect(recorded()).toEqual([]);
  });
});

describe('what is kept', () => {
  const keptOf = async (settings: Record<string, string>, traceparent?: string): Promise<boolean> => {
    givenTraces(settings);
    beginServing({ name: 'request' }, traceparent)?.end();
    return recorded().length > 0;
  };

  it.each([
    ['parentbased_always_on', undefined, true],
    ['parentbased_always_on', DROPPED, false],
    ['parentbased_always_off', undefined, false],
    ['parentbased_always_off', FIRST, true],
    ['always_on', DROPPED, true],
    ['always_off', FIRST, false],
  ])('by %s, called with %s, is %s', async (sampler, traceparent, isKept) => {
    expect(await keptOf({ OTEL_TRACES_SAMPLER: sampler }, traceparent)).toBe(isKept);
  });

  it('by a ratio is about that share', async () => {
    givenTraces({ OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.5' });
    for (let n = 0; n < 400; n++) await inNewTrace({ name: 'work' }, async () => undefined);
    expect(recorded().length).toBeGreaterThan(120);
    expect(recorded().length).toBeLessThan(280);
  });

  it('is the work for several whenever one of them is', async () => {
    givenTraces({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' });
    await goOn([FIRST, DROPPED], { name: 'process' }, async () => undefined);
    // The work itself, and its span in the trace that is kept.
    expect(recorded().map(({ trace }) => trace === traceOf(FIRST))).toEqual([false, true]);
  });
});

describe('a call to another service', () => {
  const call =
    (status = 200) =>
    async (headers: Readonly<Record<string, string>>) => ({ status, headers });

  it('sends the trace along, also that it is not kept', async () => {
    givenTraces();
    const kept = await runAs(beginServing({ name: 'request' }, FIRST), () =>
      calling('POST', 'http://pay.example/v3', '/payments', call()),
    );
    expect(kept.headers.traceparent).toBe(
      `00-${traceOf(FIRST)}-${exporter.getFinishedSpans()[0]?.spanContext().spanId}-01`,
    );
    const dropped = await runAs(beginServing({ name: 'request' }, DROPPED), () =>
      calling('GET', 'http://pay.example/v3', null, call()),
    );
    expect(dropped.headers.traceparent).toMatch(new RegExp(`^00-${traceOf(DROPPED)}-[0-9a-f]{16}-00$`));
  });

  it('tells host and template, and of an answer its status', async () => {
    givenTraces();
    await runAs(beginServing({ name: 'request' }, FIRST), () =>
      calling(
        'GET',
        'https://pay.example/v3?token=secret',
        templateOf('/v3/payments/2c-5d?token=secret'),
        call(404),
      ),
    );
    const [span] = exporter.getFinishedSpans();
    expect(span?.name).toBe('GET /v3/payments/{id}');
    expect(span?.attributes).toEqual({
      'http.request.method': 'GET',
      'server.address': 'pay.example',
      'server.port': 443,
      'url.scheme': 'https',
      'url.template': '/v3/payments/{id}',
      'http.response.status_code': 404,
      'error.type': '404',
    });
  });

  it('sends nothing along when nothing is traced', async () => {
    traceWith(null);
    expect(await calling('GET', 'no address at all', null, call())).toEqual({ status: 200, headers: {} });
    expect([currentTraceparent(), beginServing({ name: 'request' }, FIRST)]).toEqual([null, null]);
  });
});
