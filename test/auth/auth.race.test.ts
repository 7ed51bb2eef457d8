import { setTimeout as pause } from 'node:timers/promises';
import type { User } from '../../src/auth/auth.types.js';
import { RefreshTokenRepository } from '../../src/auth/refresh-token.repository.js';
import { Statement } from '../../src/platform/database/statement.js';
import { bootApp, cloneDatabase, type TestApp, type TestDatabase } from '../support/boot.js';
import { AuthCalls, PASSWORD, type Session } from './calls.js';

let database: TestDatabase;
const apps: TestApp[] = [];

beforeEach(async () => {
  database = await cloneDatabase();
});

afterEach(async () => {
  for (const app of apps.splice(0)) await app.close();
  await database?.drop();
});

type Arrange = (repository: RefreshTokenRepository) => void;

async function givenCalls(...arrangements: Arrange[]): Promise<AuthCalls> {
  const app = await bootApp(database, {}, (nest) => {
    for (const arrange of arrangements) arrange(nest.get(RefreshTokenRepository));
  });
  apps.push(app);
  return new AuthCalls(app);
}

const RUNNERS = 10;
const GATE_OPENS_AFTER_MS = 300;

const ownerOf = `SELECT id, email, name, role FROM users
                 WHERE id = (SELECT user_id FROM refresh_tokens WHERE token_hash = $1`;
const ownerUnlocked = new Statement<User>('test-owner-unlocked', `${ownerOf})`);
const ownerOfLockedToken = new Statement<User>('test-owner-of-locked-token', `${ownerOf} FOR UPDATE)`);

const locksNothing: Arrange = (repository) => {
  repository.lockOwner = (tokenHash, tx) => ownerUnlocked.first([tokenHash], tx);
};
const locksTheTokenOnly: Arrange = (repository) => {
  repository.lockOwner = (tokenHash, tx) => ownerOfLockedToken.first([tokenHash], tx);
};

function newGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Holds up whoever has read the token until all have, or, since the lock lets only one so far, for a moment. */
const meetsAtTheToken: Arrange = (repository) => {
  const find = repository.find.bind(repository);
  const gate = newGate();
  let arrived = 0;
  repository.find = async (tokenHash, tx) => {
    const token = await find(tokenHash, tx);
    if (++arrived === 1) void pause(GATE_OPENS_AFTER_MS).then(() => gate.open());
    if (arrived === RUNNERS) gate.open();
    await gate.opened;
    return token;
  };
};

describe('parallel refreshes with one token', () => {
  async function race(auth: AuthCalls) {
    const { refresh_token, user } = await auth.givenSession();
    const answers = await Promise.all(Array.from({ length: RUNNERS }, () => auth.refresh(refresh_token)));
    const live = await database.sql(
      'SELECT id FROM refresh_tokens WHERE user_id = $1 AND used_at IS NULL AND revoked_at IS NULL',
      [user.id],
    );
    const winners = answers.filter(({ status }) => status === 200).map(({ body }) => body as Session);
    const losers = answers.filter(({ body }) => body.code === 'invalid_token').length;
    return { winners, losers, live: live.length };
  }

  it('give exactly one the next token, and count the others as reuse', async () => {
    const auth = await givenCalls(meetsAtTheToken);
    const { winners, losers, live } = await race(auth);
    expect(winners).toHaveLength(1);
    expect(losers).toBe(RUNNERS - 1);
    expect(live).toBe(0);
    expect((await auth.refresh(winners[0]?.refresh_token)).status).toBe(401);
  });

  it('without the lock let several win', async () => {
    const auth = await givenCalls(locksNothing, meetsAtTheToken);
    const { winners, live } = await race(auth);
    expect(winners.length).toBeGreaterThan(1);
    expect(live).toBeGreaterThan(1);
  });
});

describe('a family that grows while it is being revoked', () => {
  /** The thief comes with the first token while the third is written and not committed. */
  async function race(...arrangements: Arrange[]): Promise<number> {
    let holdUp = async () => {};
    const auth = await givenCalls(...arrangements, (repository) => {
      const insert = repository.insert.bind(repository);
      repository.insert = async (token, tx) => {
        await insert(token, tx);
        await holdUp();
      };
    });
    const first = await auth.givenSession();
    const { body: second } = await auth.refresh(first.refresh_token);
    const written = newGate();
    holdUp = async () => {
      written.open();
      await somebodyWaits();
    };
    const growth = auth.refresh(second.refresh_token).then((answer) => answer);
    await written.opened;
    const theft = await auth.refresh(first.refresh_token);
    expect(theft.status).toBe(401);
    const third = await growth;
    expect(third.status).toBe(200);
    holdUp = async () => {};
    return (await auth.refresh(third.body.refresh_token)).status;
  }

  async function somebodyWaits(): Promise<void> {
    for (let attempt = 0; attempt < 200; attempt++) {
      const waiting = await database.sql(
        `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
      );
      if (waiting.length > 0) return;
      await pause(10);
    }
    throw new Error('nobody came to wait for the lock');
  }

  it('is revoked to its last token', async () => {
    expect(await race()).toBe(401);
  });

  it('keeps its last token when only the token is locked', async () => {
    expect(await race(locksTheTokenOnly)).toBe(200);
  });
});

describe('parallel registrations of one e-mail', () => {
  async function race(): Promise<number[]> {
    const auth = await givenCalls();
    const emails = ['ada@shop.example', 'Ada@Shop.example', ' ADA@SHOP.EXAMPLE '];
    const answers = await Promise.all(
      Array.from({ length: RUNNERS }, (_, n) =>
        auth.register({ email: emails[n % emails.length], password: PASSWORD, name: 'Ada' }),
      ),
    );
    return answers.map(({ status }) => status).sort();
  }

  it('make one user', async () => {
    expect(await race()).toEqual([201, ...Array.from({ length: RUNNERS - 1 }, () => 409)]);
    expect(await database.sql('SELECT email FROM users')).toEqual([{ email: 'ada@shop.example' }]);
  });

  it('make several without the unique index', async () => {
    await database.sql('DROP INDEX users_email_key');
    expect((await race()).filter((status) => status === 201).length).toBeGreaterThan(1);
  });
});
