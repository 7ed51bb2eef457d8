import { randomInt } from 'node:crypto';
import base from './jest.config.js';

// Made here, so that all workers have the same one; the one that is printed replays the choices of a run.
process.env.FAULT_SEED ??= String(randomInt(1_000_000));
console.log(`FAULT_SEED=${process.env.FAULT_SEED} npm run test:faults`);

const { coverageThreshold: _, testPathIgnorePatterns: __, ...common } = base;

/** @type {import('jest').Config} */
export default {
  ...common,
  roots: ['<rootDir>/test/faults'],
  testTimeout: 600_000,
  // Each is a service, a gateway and a database of its own, most of whose time is spent waiting.
  maxConcurrency: 4,
  maxWorkers: 3,
};
