import type { Config } from './platform/config/config.js';

/** The first lines on the terminal: where everything is, and a first request to paste. */
export function greet({ env }: Config, admin: { email: string; password: string } | null): void {
  const host =
    env.HOST === '0.0.0.0' || env.HOST === '::' || env.HOST === '127.0.0.1' ? 'localhost' : env.HOST;
  const base = `http://${host}:${env.PORT}`;
  const lines = [
    '',
    `  Holdfast is ready.`,
    '',
    `  API       ${base}/api/v1`,
    `  API docs  ${base}/docs  (OpenAPI: ${base}/openapi.json)`,
    `  Admin     ${base}/api/v1/admin`,
    ...(admin
      ? [`            sign in as ${admin.email} with ${admin.password}  (shown only this once)`]
      : []),
    '',
    '  A first request:',
    '',
    `    curl ${base}/api/v1/products`,
    '',
  ];
  console.log(lines.join('\n'));
}
