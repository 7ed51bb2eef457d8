import * as api from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanExporter,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { ATTR_SERVICE_INSTANCE_ID, ATTR_SERVICE_NAME } from '@opentelemetry/semantic-conventions';
import type { Logger as Pino } from 'pino';
import type { Config } from '../config/config.js';
import { uuidv7 } from '../uuid.js';
import { traceWith } from './tracing.js';

type ExportResult = Parameters<Parameters<SpanExporter['export']>[1]>[0];

/** What is left at the end is given this long; a collector that is away must not hold up a stop. */
const STOP_LIMIT_MS = 3_000;
const EXPORT_INTERVAL_MS = 1_000;
/** What waits beyond that while the collector is away is lost. */
const QUEUE_MAX = 8_192;

/** From now on work is traced, and its traces go to OTEL_EXPORTER_OTLP_ENDPOINT. This file is imported for that alone. */
export function startTraces(config: Config, log: Pino): { stop(): Promise<void> } {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '', OTEL_SERVICE_NAME } = config.env;
  // Headers, time limit and the like it reads from the environment itself, under OpenTelemetry's own names.
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/+$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      [ATTR_SERVICE_NAME]: OTEL_SERVICE_NAME,
      [ATTR_SERVICE_INSTANCE_ID]: uuidv7(),
    }).merge(detectResources({ detectors: [envDetector] })),
    sampler: samplerOf(config),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new PatientExporter(exporter, endpoint, log),
        scheduledDelayMillis: EXPORT_INTERVAL_MS,
        maxQueueSize: QUEUE_MAX,
      }),
    ],
  });
  api.context.setGlobalContextManager(new AsyncLocalStorageContextManager());
  api.trace.setGlobalTracerProvider(provider);
  traceWith(api);
  return {
    stop: async () => {
      traceWith(null);
      const ended = provider.shutdown().catch(() => undefined);
      let limit: NodeJS.Timeout | undefined;
      await Promise.race([ended, new Promise((resolve) => (limit = setTimeout(resolve, STOP_LIMIT_MS)))]);
      clearTimeout(limit);
    },
  };
}

/** Says once that the collector is away, and once that it is back; nobody else notices. */
class PatientExporter implements SpanExporter {
  private isAway = false;

  constructor(
    private readonly exporter: SpanExporter,
    private readonly endpoint: string,
    private readonly log: Pino,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    this.exporter.export(spans, ({ code, error }) => {
      this.note(code !== 0, error);
      // To the SDK every failure is an error of its own to be told.
      done({ code: 0 });
    });
  }

  shutdown(): Promise<void> {
    return this.exporter.shutdown();
  }

  private note(isAway: boolean, error?: Error): void {
    if (isAway === this.isAway) return;
    this.isAway = isAway;
    const { origin } = new URL(this.endpoint);
    if (isAway)
      this.log.warn(`traces are lost: ${origin} does not take them (${error?.message ?? 'no reason'})`);
    else this.log.info(`traces are taken again by ${origin}`);
  }
}

/** What is done for several at once is kept when any of them is: otherwise their links would lead nowhere. */
class LinkedSampler implements Sampler {
  constructor(private readonly alone: Sampler) {}

  shouldSample(...args: Parameters<Sampler['shouldSample']>): ReturnType<Sampler['shouldSample']> {
    const [context, , , , , links] = args;
    if (links.length === 0 || api.trace.getSpanContext(context)) return this.alone.shouldSample(...args);
    const isKept = links.some(({ context: { traceFlags } }) => traceFlags & api.TraceFlags.SAMPLED);
    return { decision: isKept ? SamplingDecision.RECORD_AND_SAMPLED : SamplingDecision.NOT_RECORD };
  }

  toString(): string {
    return `LinkedSampler{${this.alone}}`;
  }
}

/** Decides which traces are kept, as OTEL_TRACES_SAMPLER says. */
export function samplerOf({ env }: Config): Sampler {
  const { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: ratio } = env;
  const root = name.endsWith('always_on')
    ? new AlwaysOnSampler()
    : name.endsWith('always_off')
      ? new AlwaysOffSampler()
      : new TraceIdRatioBasedSampler(ratio);
  return new LinkedSampler(name.startsWith('parentbased_') ? new ParentBasedSampler({ root }) : root);
}
