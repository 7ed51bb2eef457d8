import { readdirSync } from 'node:fs';
import {
  constants,
  monitorEventLoopDelay,
  type PerformanceEntry,
  PerformanceObserver,
  performance,
} from 'node:perf_hooks';
import { Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import { Metrics } from './metrics.service.js';

interface GarbageCollection extends PerformanceEntry {
  detail: { kind: number };
}

const GC_KINDS: Record<number, string> = {
  [constants.NODE_PERFORMANCE_GC_MAJOR]: 'major',
  [constants.NODE_PERFORMANCE_GC_MINOR]: 'minor',
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL]: 'incremental',
  [constants.NODE_PERFORMANCE_GC_WEAKCB]: 'weakcb',
};
const GC_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1];
const TICK_MS = 10;
const US_PER_SECOND = 1e6;
const NS_PER_SECOND = 1e9;

/**
 * The process and its event loop, under the names of prom-client's default metrics. Not those themselves: they cannot be
 * stopped, and their observers would outlive every application that a process, or a test, starts.
 */
@Injectable()
export class ProcessMetrics implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly loopDelay = monitorEventLoopDelay({ resolution: TICK_MS });
  private readonly collections: PerformanceObserver;

  constructor(metrics: Metrics) {
    this.declareProcess(metrics);
    this.declareMemory(metrics);
    this.declareEventLoop(metrics);
    const seconds = metrics.histogram('nodejs_gc_duration_seconds', 'Garbage collections.', GC_SECONDS, [
      'kind',
    ]);
    this.collections = new PerformanceObserver((list) => {
      for (const { detail, duration } of list.getEntries() as GarbageCollection[])
        seconds.observe({ kind: GC_KINDS[detail.kind] ?? 'other' }, duration / 1_000);
    });
  }

  onApplicationBootstrap(): void {
    this.loopDelay.enable();
    this.collections.observe({ entryTypes: ['gc'] });
  }

  onApplicationShutdown(): void {
    this.loopDelay.disable();
    this.collections.disconnect();
  }

  private declareProcess(metrics: Metrics): void {
    metrics
      .gauge('process_start_time_seconds', 'When the process was started, in seconds since 1970.')
      .set(performance.timeOrigin / 1_000);
    metrics
      .gauge('nodejs_version_info', 'The version of Node that runs it.', ['version'])
      .set({ version: process.version }, 1);
    metrics.counterOf('process_cpu_seconds_total', 'Time on the processor, user and system.', () => {
      const { user, system } = process.cpuUsage();
      return (user + system) / US_PER_SECOND;
    });
    metrics.gaugeOf('process_open_fds', 'Open files and connections.', openFiles);
  }

  private declareMemory(metrics: Metrics): void {
    const usage = (kind: keyof NodeJS.MemoryUsage) => () => process.memoryUsage()[kind];
    metrics.gaugeOf('process_resident_memory_bytes', 'Memory of the whole process.', usage('rss'));
    metrics.gaugeOf('nodejs_heap_size_total_bytes', "V8's heap.", usage('heapTotal'));
    metrics.gaugeOf('nodejs_heap_size_used_bytes', "What is in V8's heap.", usage('heapUsed'));
    metrics.gaugeOf(
      'nodejs_external_memory_bytes',
      "Memory of buffers, outside of V8's heap.",
      usage('external'),
    );
  }

  // Of the time since the last scrape. The monitor measures from one of its ticks to the next: that much is not late.
  private declareEventLoop(metrics: Metrics): void {
    const lag = (name: string, help: string, nanoseconds: () => number) =>
      metrics.gaugeOf(`nodejs_eventloop_lag_${name}_seconds`, help, () =>
        this.loopDelay.count === 0 ? null : Math.max(0, nanoseconds() / NS_PER_SECOND - TICK_MS / 1_000),
      );
    lag('mean', 'How late the event loop was, on average.', () => this.loopDelay.mean);
    lag('p50', 'Half of the time it was no later.', () => this.loopDelay.percentile(50));
    lag('p99', 'But for a hundredth of the time it was no later.', () => this.loopDelay.percentile(99));
    lag('max', 'The latest that it was.', () => {
      const { max } = this.loopDelay;
      this.loopDelay.reset();
      return max;
    });
  }
}

/** Null where the system does not tell. */
function openFiles(): number | null {
  return process.platform === 'linux' ? readdirSync('/proc/self/fd').length - 1 : null;
}
