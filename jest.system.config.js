import base from './jest.config.js';

const { coverageThreshold: _, testPathIgnorePatterns: __, ...common } = base;

/**
 * The service among other programs: Redis, PgBouncer, a standby, Prometheus, a browser. They come from Debian's packages (see
 * .ci/run), and a test that misses its program fails and says so.
 * @type {import('jest').Config}
 */
export default {
  ...common,
  roots: ['<rootDir>/test/system'],
  testTimeout: 120_000,
};
