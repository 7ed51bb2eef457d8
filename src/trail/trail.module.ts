import { Global, Module } from '@nestjs/common';
import { AdminActionRepository } from './admin-action.repository.js';
import { AdminActions } from './admin-actions.service.js';

/** What admins and other systems have done by hand. Global: every module that they change writes it. */
@Global()
@Module({ providers: [AdminActionRepository, AdminActions], exports: [AdminActions] })
export class TrailModule {}
