import { Injectable } from '@nestjs/common';
import { hash, type Options, verify } from '@node-rs/argon2';
import { ValidationFailed } from '../platform/errors.js';

export const PASSWORD_LENGTH_MIN = 10;
export const PASSWORD_LENGTH_MAX = 128;

// OWASP's parameters for Argon2id: 19 MiB and two passes. Hashing runs on libuv's threads (four, unless
// UV_THREADPOOL_SIZE says otherwise), so a burst of logins waits there and takes at most so many times 19 MiB.
const ARGON2ID: Options = { algorithm: 2, memoryCost: 19_456, timeCost: 2, parallelism: 1 };

// Of 32 random bytes that nobody has kept, with the parameters above.
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$S7aqEyI/9z0XsON+8Lf5OQ$zxhd7BIdwbvFceT3/q071fQJsHy7hKGmlRAYf0CrrYY';

/** What becomes of the passwords that people think up. */
@Injectable()
export class Passwords {
  private common: Promise<ReadonlySet<string>> | undefined;

  async hash(password: string): Promise<string> {
    return hash(password, ARGON2ID);
  }

  /** Takes as long when there is no hash, so that the time does not tell who has an account. */
  async matches(password: string, passwordHash: string | null): Promise<boolean> {
    const matches = await this.verify(passwordHash ?? NOBODYS_HASH, password);
    return matches && passwordHash !== null;
  }

  /** One hash, whoever it is of. */
  async verify(passwordHash: string, password: string): Promise<boolean> {
    return verify(passwordHash, password);
  }

  /** @throws ValidationFailed for a password that is tried first: the e-mail itself, or one of the most common. */
  async assertHardToGuess(password: string, email: string): Promise<void> {
    if (password.trim().toLowerCase() === email)
      throw ValidationFailed.of('password', 'password must not be the email');
    if (await this.isCommon(password))
      throw ValidationFailed.of('password', 'password is one of the most common; choose another');
  }

  /** Whether many others have the same, however its letters are written. */
  async isCommon(password: string): Promise<boolean> {
    this.common ??= readCommon();
    return (await this.common).has(password.toLowerCase());
  }
}

// The list unpacks itself when it is imported, which takes a moment and some megabytes: not before somebody registers.
async function readCommon(): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  const words = dictionary['passwords-common'];
  return new Set(
    words.filter(({ length }) => length >= PASSWORD_LENGTH_MIN).map((word) => word.toLowerCase()),
  );
}
