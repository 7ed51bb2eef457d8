import type { LoggerService } from '@nestjs/common';
import { type Logger as Pino, pino } from 'pino';
import type { Config } from '../config/config.js';

/** One line of JSON an entry; on a terminal, unless LOG_FORMAT says otherwise, a readable one. Secrets are taken out. */
export function openLog(config: Config): Pino {
  return pino({
    level: config.env.LOG_LEVEL,
    redact: [
      'req.headers.authorization',
      'req.headers.cookie',
      'req.headers["x-api-key"]',
      '*.password',
      '*.token',
    ],
    transport:
      config.logFormat === 'pretty'
        ? {
            target: 'pino-pretty',
            options: { ignore: 'pid,hostname,context', translateTime: 'HH:MM:ss.l', singleLine: true },
          }
        : undefined,
  });
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
    const members = typeof message === 'object' && message !== null ? message : {};
    const text = typeof message === 'object' ? rest[0] : message;
    this.pino[level]({ context, ...members }, String(text));
  }
}
