import { type DynamicModule, Global, Module } from '@nestjs/common';
import type { Sequelize } from 'sequelize-typescript';
import { DatabaseService, SEQUELIZE } from './database.service.js';
import { InstanceService } from './instance.service.js';
import { Replicas } from './replicas.js';

/** The pool that `main.ts` has opened, behind the one door that everything uses. */
@Global()
@Module({})
export class DatabaseModule {
  static with(sequelize: Sequelize): DynamicModule {
    return {
      module: DatabaseModule,
      providers: [{ provide: SEQUELIZE, useValue: sequelize }, DatabaseService, InstanceService, Replicas],
      exports: [SEQUELIZE, DatabaseService, InstanceService, Replicas],
    };
  }
}
