import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { KEPT_MS, Reading } from './reading.js';
import { figuresOfAll, tellFigures } from './worker-figures.js';

const PREFIX = 'holdfast_';

/**
 * What this process tells at `/metrics`. A module declares its own figures here, once, when it is made. Names are given
 * without the prefix `holdfast_`. Labels have few values, known beforehand: never an id or a path, nothing that a client
 * may choose.
 *
 * Nothing is counted inside of a transaction, which may run again or be rolled back: what it does is counted by
 * `whenCommitted`.
 */
@Injectable()
export class Metrics implements OnApplicationShutdown {
  private readonly logger = new Logger(Metrics.name);
  /** Of this application alone: several in one process do not count together. */
  private readonly registry = new Registry();
  private readonly failures = this.counter('metrics_failures_total', 'Figures that could not be read.');
  private turn: Promise<unknown> = Promise.resolve();
  /** Set in one of several workers. */
  private stopTelling: (() => void) | undefined;

  readonly contentType = this.registry.contentType;

  /** How often something has happened. */
  counter<Label extends string>(name: string, help: string, labelNames: Label[] = []): Counter<Label> {
    return new Counter({ ...this.named(name, help), labelNames });
  }

  /** How long things took, in seconds, or how large they were. `buckets` are upper bounds. */
  histogram<Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    labelNames: Label[] = [],
  ): Histogram<Label> {
    return new Histogram({ ...this.named(name, help), buckets, labelNames });
  }

  /** How something stands that goes up and down. */
  gauge<Label extends string>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge({ ...this.named(name, help), labelNames });
  }

  /** A counter that is kept elsewhere in memory: `total` is asked at each scrape. */
  counterOf(name: string, help: string, total: () => number): void {
    new Counter({
      ...this.named(name, help),
      collect() {
        this.reset();
        this.inc(total());
      },
    });
  }

  /** `counterOf` for several of a kind, each by its labels. */
  countersBy<Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    totals: () => Iterable<[Record<Label, string>, number]>,
  ): void {
    new Counter({
      ...this.named(name, help),
      labelNames,
      collect() {
        this.reset();
        for (const [labels, total] of totals()) this.inc(labels, total);
      },
    });
  }

  /** How something stands that is kept elsewhere in memory: `value` is asked at each scrape. Null leaves it out. */
  gaugeOf(name: string, help: string, value: () => number | null): void {
    new Gauge({
      ...this.named(name, help),
      collect() {
        setOrLeaveOut(this, value());
      },
    });
  }

  /** `gaugeOf` for several of a kind, e.g. one for each check. */
  gaugesBy<Label extends string>(
    name: string,
    help: string,
    label: Label,
    values: () => Iterable<[string, number]>,
  ): void {
    new Gauge({
      ...this.named(name, help),
      labelNames: [label],
      collect() {
        this.reset();
        for (const [key, value] of values()) this.labels(key).set(value);
      },
    });
  }

  /**
   * How things stand in the tables: gauges, by their names, that one query answers. It is asked at a scrape, at most once in
   * `keptMs` however many scrape, and a process asks one such query at a time. When it fails or takes too long, its gauges are
   * left out, and the scrape is answered all the same.
   */
  gaugesFromTables<Name extends string>(
    helps: Record<Name, string>,
    query: () => Promise<Record<Name, number>>,
    keptMs = KEPT_MS,
  ): void {
    const reading = this.reading(query, keptMs);
    for (const name of Object.keys(helps) as Name[]) {
      new Gauge({
        ...this.named(name, helps[name]),
        async collect() {
          setOrLeaveOut(this, (await reading.take())?.[name] ?? null);
        },
      });
    }
  }

  /** `gaugesFromTables` for several of a kind, e.g. one for each consumer: a row of figures by the value of the label. */
  gaugesFromTablesBy<Name extends string>(
    label: string,
    helps: Record<Name, string>,
    query: () => Promise<ReadonlyMap<string, Record<Name, number>>>,
    keptMs = KEPT_MS,
  ): void {
    const reading = this.reading(query, keptMs);
    for (const name of Object.keys(helps) as Name[]) {
      new Gauge({
        ...this.named(name, helps[name]),
        labelNames: [label],
        async collect() {
          const rows = (await reading.take()) ?? [];
          this.reset();
          for (const [value, figures] of rows) this.labels(value).set(figures[name]);
        },
      });
    }
  }

  /**
   * From now on this is one worker of several, of which a scrape meets any: whoever is scraped tells for all. Every figure
   * has the label `worker` with the worker's place, so that one who is replaced is seen to begin anew from 0.
   */
  tellAsWorker(place: number): void {
    this.registry.setDefaultLabels({ worker: String(place) });
    this.stopTelling ??= tellFigures(() => this.registry.getMetricsAsJSON());
  }

  onApplicationShutdown(): void {
    this.stopTelling?.();
  }

  /** Everything that was declared, in Prometheus's text format. */
  async text(): Promise<string> {
    if (!this.stopTelling) return this.registry.metrics();
    const figures = await figuresOfAll();
    return figures.length === 0 ? this.registry.metrics() : AggregatorRegistry.aggregate(figures).metrics();
  }

  private named(name: string, help: string) {
    return { name: PREFIX + name, help, registers: [this.registry] };
  }

  private reading<T>(query: () => Promise<T>, keptMs: number): Reading<T> {
    return new Reading(
      () => this.inTurn(query),
      (error) => this.complain(error),
      keptMs,
    );
  }

  // So that a scrape never takes more than one connection from those who sell.
  private inTurn<T>(query: () => Promise<T>): Promise<T> {
    const answer = this.turn.then(query);
    this.turn = answer.catch(() => undefined);
    return answer;
  }

  private complain(error: Error): void {
    this.failures.inc();
    this.logger.debug(`figures could not be read: ${error.message}`);
  }
}

/** Left out, there is no line: an old value, or 0, would be believed. */
function setOrLeaveOut(gauge: Gauge, value: number | null): void {
  if (value === null) gauge.remove();
  else gauge.set(value);
}
