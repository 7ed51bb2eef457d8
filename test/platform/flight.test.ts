import { DatabaseService } from '../../src/platform/database/database.service.js';
import { inOneFlight } from '../../src/platform/database/flight.js';
import { Statement } from '../../src/platform/database/statement.js';
import { uuidv7 } from '../../src/platform/uuid.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';

const one = new Statement<{ one: number }>('test-one', 'SELECT 1 AS one');
const broken = new Statement('test-broken', 'SELECT 1 / 0');
const insert = new Statement('test-insert', 'INSERT INTO instances (id) VALUES ($1)');

describe('statements that share a flight', () => {
  let database: TestDatabase;
  let app: TestApp;
  let door: DatabaseService;

  beforeAll(async () => {
    database = await cloneDatabase();
    app = await bootApp(database);
    door = app.app.get(DatabaseService);
  });
  afterAll(async () => {
    await app.close();
    await database.drop();
  });

  it('answer each for itself', async () => {
    const answers = await door.transaction((tx) => inOneFlight([one.run([], tx), one.first([], tx)]));
    expect(answers).toEqual([[{ one: 1 }], { one: 1 }]);
  });

  it('fail for the reason that one of them has, wherever it stands among them', async () => {
    const slow = async (tx: Parameters<Parameters<DatabaseService['transaction']>[0]>[0]) => {
      await one.run([], tx);
      return one.run([], tx);
    };
    await expect(
      door.transaction((tx) => inOneFlight([slow(tx), broken.run([], tx), one.run([], tx)])),
    ).rejects.toThrow('division by zero');
  });

  it('leave nothing behind when one fails, not even what a slower branch starts after it', async () => {
    const id = uuidv7();
    await expect(
      door.transaction((tx) =>
        inOneFlight([one.run([], tx).then(() => insert.run([id], tx)), broken.run([], tx)]),
      ),
    ).rejects.toThrow('division by zero');
    expect(await database.sql('SELECT FROM instances WHERE id = $1', [id])).toHaveLength(0);
  });
});

describe('ids', () => {
  it('sort in the order in which they were made', () => {
    const ids = Array.from({ length: 10_000 }, uuidv7);
    expect([...ids].sort()).toEqual(ids);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
