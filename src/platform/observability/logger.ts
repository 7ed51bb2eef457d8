import type { LoggerService } from '@nestjs/common';
import { type DestinationStream, type LogFn, type LoggerOptions, type Logger as Pino, pino } from 'pino';
import type { Config } from '../config/config.js';
import { redacted, redactedMessage } from './redaction.js';
import { currentSubject } from './subject.js';
import { currentTraceIds } from './tracing.js';

/**
 * One line of JSON an entry; on a terminal, unless LOG_FORMAT says otherwise, a readable one. A line names the request, the order
 * and the trace that it is written for, and holds no secrets, wherever they stand in it.
 */
export function openLog(config: Config, destination?: DestinationStream): Pino {
  const options: LoggerOptions = {
    level: config.env.LOG_LEVEL,
    mixin: () => ({ ...currentSubject(), ...currentTraceIds() }),
    formatters: { log: redacted },
    // What `redacted` has made of an error says all there is to say.
    serializers: { err: (error: unknown) => error },
    hooks: { logMethod: writeRedacted },
  };
  if (destination) return pino(options, destination);
  return pino({ ...options, transport: config.logFormat === 'pretty' ? PRETTY : undefined });
}

const PRETTY = {
  target: 'pino-pretty',
  options: { ignore: 'pid,hostname,context', translateTime: 'HH:MM:ss.l', singleLine: true },
};

// Texts are no members of an entry, so `formatters` do not see them.
function writeRedacted(this: Pino, args: Parameters<LogFn>, write: LogFn): void {
  const [first, ...rest] = args as unknown[];
  const error = first instanceof Error ? first : (first as { err?: unknown } | null)?.err;
  // pino would take the error's own words for it.
  const said = rest.length === 0 && error instanceof Error ? [error.message] : rest;
  const texts = said.map((text) => (typeof text === 'string' ? redactedMessage(text) : text));
  write.apply(this, [
    typeof first === 'string' ? redactedMessage(first) : first,
    ...texts,
  ] as Parameters<LogFn>);
}

/** Where Nest tells how it wires itself up: of interest only to those who debug that. */
const WIRING = new Set([
  'NestFactory',
  'InstanceLoader',
  'RoutesResolver',
  'RouterExplorer',
  'NestApplication',
]);

/** Lets Nest's own `Logger` write to pino. */
export class NestLog implements LoggerService {
  constructor(private readonly pino: Pino) {}

  log(message: unknown, ...rest: unknown[]): void {
    this.write(WIRING.has(String(rest.at(-1))) ? 'debug' : 'info', message, rest);
  }
  // What fails in the wiring is thrown as well, and main.ts says it in a sentence.
  error(message: unknown, ...rest: unknown[]): void {
    this.write(WIRING.has(String(rest.at(-1))) ? 'debug' : 'error', message, rest);
  }
  warn(message: unknown, ...rest: unknown[]): void {
    this.write('warn', message, rest);
  }
  debug(message: unknown, ...rest: unknown[]): void {
    this.write('debug', message, rest);
  }
  verbose(message: unknown, ...rest: unknown[]): void {
    this.write('trace', message, rest);
  }
  fatal(message: unknown, ...rest: unknown[]): void {
    this.write('fatal', message, rest);
  }

  // Nest calls (message, context) or (members, message, context): the context always comes last.
  private write(
    level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal',
    message: unknown,
    rest: unknown[],
  ) {
    const context = rest.at(-1);
    if (message instanceof Error) return this.pino[level]({ context, err: message }, message.message);
    const members = typeof message === 'object' && message !== null ? message : {};
    const text = typeof message === 'object' ? rest[0] : message;
    this.pino[level]({ context, ...members }, String(text));
  }
}
