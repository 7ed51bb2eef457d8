import { NotFound } from '../platform/errors.js';

export class PaymentNotFound extends NotFound {
  constructor() {
    super('payment not found');
  }
}
