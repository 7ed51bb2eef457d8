/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  // Some take minutes and both cores (jest.faults.config.js), some need programs that npm does not bring (jest.system.config.js).
  testPathIgnorePatterns: ['<rootDir>/test/faults/', '<rootDir>/test/system/'],
  extensionsToTreatAsEsm: ['.ts'],
  // Sources import each other as './x.js' (what Node resolves after the build); here the .ts file stands there.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': '@swc/jest' },
  globalSetup: '<rootDir>/test/support/global-setup.js',
  globalTeardown: '<rootDir>/test/support/global-teardown.js',
  testTimeout: 30_000,
  maxWorkers: 2,
  // A worker keeps the modules of every file that it has run. Beyond some hundred megabytes Node takes longer to let go of them
  // at the end than jest waits, which then speaks of a leak.
  workerIdleMemoryLimit: '512MB',
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/main.ts'],
  coverageThreshold: { global: { lines: 90, branches: 80 } },
};
