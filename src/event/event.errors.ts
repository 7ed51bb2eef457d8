import { NotFound } from '../platform/errors.js';

export class EventNotFound extends NotFound {
  constructor() {
    super('event not found');
  }
}
