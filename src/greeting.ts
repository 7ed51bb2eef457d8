/** Where the service listens, as one types it into a browser. */
export function addressOf(host: string, port: number): string {
  const name = ['127.0.0.1', '0.0.0.0', '::1', '::'].includes(host) ? 'localhost' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
}

/** The first lines on the terminal: where everything is, and a first request to paste. */
export function greet(address: string, admin: { email: string; password: string } | null): void {
  const lines = [
    '',
    '  Holdfast is ready.',
    '',
    `  API       ${address}/api/v1`,
    `  API docs  ${address}/docs  (OpenAPI: ${address}/openapi.json)`,
    `  Admin     ${address}/admin/`,
    ...(admin ? [`            log in as ${admin.email} with ${admin.password}  (shown only this once)`] : []),
    '',
    '  A first request:',
    '',
    `    curl ${address}/api/v1/products`,
    '',
  ];
  console.log(lines.join('\n'));
}
