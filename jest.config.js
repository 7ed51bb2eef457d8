/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // They take minutes and both cores: jest.faults.config.js.
  testPathIgnorePatterns: ['<rootDir>/test/faults/'],
  extensionsToTreatAsEsm: ['.ts'],
  // Sources import each other as './x.js' (what Node resolves after the build); here the .ts file stands there.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': '@swc/jest' },
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testTimeout: 30_000,
  maxWorkers: 2,
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/main.ts'],
  coverageThreshold: { global: { lines: 90, branches: 80 } },
};
