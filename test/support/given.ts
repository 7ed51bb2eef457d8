import { randomUUID } from 'node:crypto';
import { AccessTokens } from '../../src/auth/access-token.js';
import { ApiKeyService } from '../../src/auth/api-key.service.js';
import { AuthService } from '../../src/auth/auth.service.js';
import type { User } from '../../src/auth/auth.types.js';
import type { Scope } from '../../src/auth/scopes.js';
import { UserRepository } from '../../src/auth/user.repository.js';
import { DatabaseService } from '../../src/platform/database/database.service.js';
import type { TestApp, TestDatabase } from './boot.js';

export interface GivenUser {
  id: number;
  user: User;
  /** Of access, good for as long as the application says. */
  token: string;
  headers: { authorization: string };
}

/** What every given user logs in with. */
export const GIVEN_PASSWORD = 'correct horse battery';
// Hashed once and cheaply: with users by the hundred, hashing would take longer than the tests.
const GIVEN_PASSWORD_HASH =
  '$argon2id$v=19$m=64,t=1,p=1$c7Na4UUy1YcSZJRa5IktIw$4u6EA7z1g36DZs23ZHvZlSaplKurwqDuZkHbF3SEZk8';

/** A registered customer with an e-mail and a token of their own. */
export async function givenCustomer(
  app: TestApp,
  members: { email?: string; name?: string } = {},
): Promise<GivenUser> {
  const email = members.email ?? `customer-${randomUUID()}@shop.example`;
  const name = members.name ?? 'Ada Lovelace';
  const users = app.app.get(UserRepository);
  const user = await app.app
    .get(DatabaseService)
    .transaction((tx) =>
      users.insert({ email, name, role: 'customer', password_hash: GIVEN_PASSWORD_HASH }, tx),
    );
  return calling(app, user);
}

/** A guest with a token of their own. */
export async function givenGuest(app: TestApp): Promise<GivenUser> {
  const { user } = await app.app.get(AuthService).enterAsGuest();
  return calling(app, user);
}

/** An admin. No route makes one, so this goes past the service. */
export async function givenAdmin(app: TestApp, database: TestDatabase): Promise<GivenUser> {
  const { user } = await givenCustomer(app, {
    email: `admin-${randomUUID()}@shop.example`,
    name: 'Grace Hopper',
  });
  await database.sql(`UPDATE users SET role = 'admin' WHERE id = $1`, [user.id]);
  return calling(app, { ...user, role: 'admin' });
}

export interface GivenApiKey {
  id: number;
  key: string;
  headers: { 'x-api-key': string };
}

/** Another system, with these scopes. */
export async function givenApiKey(app: TestApp, ...scopes: Scope[]): Promise<GivenApiKey> {
  const { body } = await app.app.get(ApiKeyService).create({ name: 'warehouse', scopes }, null);
  const { id, key } = body;
  return { id, key, headers: { 'x-api-key': key } };
}

function calling(app: TestApp, user: User): GivenUser {
  const token = app.app.get(AccessTokens).issue(user);
  return { id: user.id, user, token, headers: { authorization: `Bearer ${token}` } };
}
