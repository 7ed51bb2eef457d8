import { startSandboxGateway } from './sandbox-gateway.js';

const DEFAULT_PORT = 4010;

/** The gateway as a process of its own: for tests that kill it, and for trying the API by hand. */
async function run(): Promise<void> {
  const gateway = await startSandboxGateway({
    port: portFrom(process.env.SANDBOX_PORT),
    // In a container of its own, 0.0.0.0.
    host: process.env.SANDBOX_HOST || undefined,
    ledgerFile: required('SANDBOX_LEDGER_FILE'),
    shopId: required('YOOKASSA_SHOP_ID'),
    secretKey: required('YOOKASSA_SECRET_KEY'),
    pendingMs: millisecondsFrom(process.env.SANDBOX_PENDING_SECONDS),
    notifyUrl: process.env.SANDBOX_NOTIFY_URL || undefined,
    onFault: (fault) => console.error(fault),
  });
  // Once only: a second signal finds the default action again and ends a process that hangs.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => gateway.close().catch(fail));
  }
  console.log(`Sandbox payment gateway: ${gateway.url}`);
}

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === '') throw new Error(`${name} is missing`);
  return value;
}

function portFrom(text: string | undefined): number {
  const port = text === undefined || text === '' ? DEFAULT_PORT : Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new Error('SANDBOX_PORT must be 0 to 65535');
  return port;
}

function millisecondsFrom(secondsText: string | undefined): number | undefined {
  if (secondsText === undefined || secondsText === '') return undefined;
  const seconds = Number(secondsText);
  if (!(seconds > 0)) throw new Error('SANDBOX_PENDING_SECONDS must be a number of seconds');
  return seconds * 1_000;
}

function fail(error: unknown): void {
  console.error(`The sandbox payment gateway ended: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}

run().catch(fail);
