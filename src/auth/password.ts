import { hash, type Options, verify } from '@node-rs/argon2';

// OWASP's parameters for Argon2id: 19 MiB and two passes. Hashing runs on libuv's threads (four, unless
// UV_THREADPOOL_SIZE says otherwise), so a burst of logins waits there and takes at most so many times 19 MiB.
const ARGON2ID: Options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// Of 32 random bytes that nobody has kept, with the parameters above.
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$S7aqEyI/9z0XsON+8Lf5OQ$zxhd7BIdwbvFceT3/q071fQJsHy7hKGmlRAYf0CrrYY';

export async function hashPassword(password: string): Promise<string> {
  return hash(password, ARGON2ID);
}

/** Takes as long when there is no hash, so that the time does not tell who has an account. */
export async function passwordMatches(password: string, passwordHash: string | null): Promise<boolean> {
  const matches = await verify(passwordHash ?? NOBODYS_HASH, password);
  return matches && passwordHash !== null;
}
