import { once } from 'node:events';
import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';
import { loadConfig } from '../../src/platform/config/config.js';
import { connect } from '../../src/platform/database/connection.js';
import { isConnectionFault } from '../../src/platform/database/database.errors.js';
import { cloneDatabase, type TestDatabase } from '../support/boot.js';

let database: TestDatabase;
let proxy: Server;
let isKilled = false;

const READY_FOR_QUERY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** What a server that is being stopped sends to all its clients. */
function goodbye(): Buffer {
  const fields = Buffer.from(
    'SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0',
  );
  const head = Buffer.alloc(5);
  head.write('E');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** Stands before Postgres. The next client that it says to be ready for hears in the same breath that the server is stopped. */
function join(client: Socket): void {
  const { hostname, port } = new URL(database.url);
  const server = dial(Number(port), hostname);
  for (const socket of [client, server]) socket.on('error', () => undefined);
  client.pipe(server);
  server.on('data', (bytes) => {
    if (!isKilled || !bytes.includes(READY_FOR_QUERY)) {
      client.write(bytes);
      return;
    }
    isKilled = false;
    client.end(Buffer.concat([bytes, goodbye()]));
    server.destroy();
  });
  server.on('end', () => client.end());
  client.on('close', () => server.destroy());
}

beforeAll(async () => {
  database = await cloneDatabase();
  proxy = createServer(join).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
});
afterAll(async () => {
  proxy.close();
  await database.drop();
});

describe('a Postgres that is killed in the moment in which it has let somebody in', () => {
  it('is a lost connection to whoever asks next, and no end of this process', async () => {
    const through = new URL(database.url);
    through.port = String((proxy.address() as AddressInfo).port);
    const sequelize = connect(through.href, loadConfig({ DATABASE_URL: through.href }));
    try {
      isKilled = true;
      const failed: unknown = await sequelize.query('SELECT 1').catch((error) => error);
      expect(isKilled).toBe(false);
      expect(isConnectionFault(failed)).toBe(true);
      const [rows] = await sequelize.query('SELECT 1 AS one');
      expect(rows).toEqual([{ one: 1 }]);
    } finally {
      await sequelize.close();
    }
  });
});
