import type { Transaction } from 'sequelize';

/** An open transaction, handed out by `DatabaseService.transaction`. A required last parameter wherever SQL must join one. */
export type Tx = Transaction;
