import type { IncomingHttpHeaders } from 'node:http';
import { Injectable } from '@nestjs/common';
import { PaymentNotifications, type WebhookProtocol } from '../payment/payment-notifications.service.js';
import { RefundingService } from './refunding.service.js';
import { SettlementService } from './settlement.service.js';

/** What the payment providers tell us goes the way that their answers go. */
@Injectable()
export class PaymentWebhookService {
  constructor(
    private readonly notifications: PaymentNotifications,
    private readonly settlement: SettlementService,
    private readonly refunding: RefundingService,
  ) {}

  /**
   * Takes a notification, in any order and any number of times: what it names is read back from the provider and settled
   * once. What is unknown or not ours changes nothing.
   * @throws NotificationNotAuthentic, ProviderUnavailable
   */
  async receive(protocol: WebhookProtocol, body: Buffer, headers: IncomingHttpHeaders): Promise<void> {
    const told = await this.notifications.read(protocol, body, headers);
    if (!told) return;
    if ('payment' in told)
      await this.settlement.settle(told.payment, told.charge, async (_, tx) => {
        await this.notifications.note(told, tx);
      });
    else await this.refunding.settle(told.refund, told.answer, (_, tx) => this.notifications.note(told, tx));
  }
}
