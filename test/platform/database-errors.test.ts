import { DatabaseError } from 'sequelize';
import { isConnectionFault, sqlStateOf } from '../../src/platform/database/database.errors.js';

const withCode = (code: string) => Object.assign(new Error(`it failed: ${code}`), { code, sql: '' });
const wrapped = (code: string) => new DatabaseError(withCode(code) as never);

describe('a database error', () => {
  it.each(['40001', '40P01', '57P01', 'XX000', 'P0001'])(
    '%s is told by its SQLSTATE, wrapped or not',
    (code) => {
      expect([sqlStateOf(withCode(code)), sqlStateOf(wrapped(code))]).toEqual([code, code]);
    },
  );

  it.each(['EPIPE', 'ECONNRESET', 'ECONNREFUSED', 'ETIMEDOUT', '57P01', '08006', '53300'])(
    '%s is a lost connection, wrapped or not',
    (code) => {
      expect([isConnectionFault(withCode(code)), isConnectionFault(wrapped(code))]).toEqual([true, true]);
    },
  );

  it.each(['23505', '40001', '55P03', 'EACCES'])('%s is none', (code) => {
    expect([isConnectionFault(withCode(code)), isConnectionFault(wrapped(code))]).toEqual([false, false]);
  });
});
