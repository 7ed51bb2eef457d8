import { jest } from '@jest/globals';
import { AccessTokens } from '../../src/auth/access-token.js';
import { TokenInvalid } from '../../src/auth/auth.errors.js';
import { RecentlyUsed } from '../../src/auth/recently-used.js';
import { loadConfig } from '../../src/platform/config/config.js';

const SECRET = 'only-for-tests-0123456789abcdefghijkl';

afterEach(() => jest.useRealTimers());

describe('access tokens', () => {
  it('name whom they were issued to', () => {
    const tokens = new AccessTokens(loadConfig({ JWT_SECRET: SECRET }));
    const token = tokens.issue({ id: 7, role: 'customer' });
    expect(tokens.verify(token).caller).toEqual({ id: 7, role: 'customer' });
    expect(tokens.verify(token)).toBe(tokens.verify(token));
  });

  it('are good for their time and not longer, also when they were verified before', () => {
    jest.useFakeTimers({ now: Date.parse('2026-11-21T09:00:00Z') });
    const tokens = new AccessTokens(loadConfig({ JWT_SECRET: SECRET, ACCESS_TOKEN_TTL_SECONDS: '60' }));
    const token = tokens.issue({ id: 7, role: 'customer' });
    tokens.verify(token);
    jest.setSystemTime(Date.parse('2026-11-21T09:00:59.999Z'));
    tokens.verify(token);
    jest.setSystemTime(Date.parse('2026-11-21T09:01:00Z'));
    expect(() => tokens.verify(token)).toThrow(TokenInvalid);
  });

  it('cannot be made to name somebody else by whoever reads the caller', () => {
    const tokens = new AccessTokens(loadConfig({ JWT_SECRET: SECRET }));
    const { caller } = tokens.verify(tokens.issue({ id: 7, role: 'customer' }));
    expect(() => Object.assign(caller, { role: 'admin' })).toThrow(TypeError);
  });

  it('need a secret', () => {
    expect(() => new AccessTokens(loadConfig({}))).toThrow(
      'JWT_SECRET is missing; access tokens are signed with it.',
    );
  });
});

describe('what was used recently', () => {
  it('is remembered, up to the limit', () => {
    const recent = new RecentlyUsed<number, number>(10);
    for (let key = 0; key < 1_000; key++) {
      recent.set(key, key);
      expect(recent.size).toBeLessThanOrEqual(10);
    }
    for (const key of [995, 996, 997, 998, 999]) expect(recent.get(key)).toBe(key);
    expect(recent.get(1)).toBeUndefined();
  });

  it('stays for as long as it is used', () => {
    const recent = new RecentlyUsed<number, number>(10);
    recent.set(-1, -1);
    for (let key = 0; key < 100; key++) {
      recent.set(key, key);
      expect(recent.get(-1)).toBe(-1);
      expect(recent.size).toBeLessThanOrEqual(10);
    }
  });
});
