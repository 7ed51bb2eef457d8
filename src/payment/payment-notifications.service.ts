import type { IncomingHttpHeaders } from 'node:http';
import { Injectable, Logger, type OnModuleInit } from '@nestjs/common';
import { DatabaseService } from '../platform/database/database.service.js';
import type { Tx } from '../platform/database/tx.js';
import { NotFound } from '../platform/errors.js';
import { Jobs } from '../platform/jobs/jobs.service.js';
import {
  type Charge,
  type Notification,
  NotificationRefused,
  OutcomeUnknown,
  type PaymentGateway,
  type ProviderRefund,
} from './gateway/payment-gateway.js';
import { PaymentGateways } from './gateway/payment-gateways.js';
import { NotificationNotAuthentic, ProviderUnavailable } from './payment.errors.js';
import { PaymentRepository } from './payment.repository.js';
import { PaymentService } from './payment.service.js';
import type { Payment, Refund } from './payment.types.js';
import { RefundRepository } from './refund.repository.js';

/** Longer than any provider goes on telling. */
const KEPT_DAYS = 90;
const BATCH = 1_000;

/** What a notification comes to: the provider's own word, read back from it, about one of our payments or refunds. */
export type Told = { provider: string; type: string; order_id: string; event_id: string | null } & (
  | { payment: Payment; charge: Charge }
  | { refund: Refund; answer: ProviderRefund }
);

/** Which gateways speak the protocol of a webhook's address. */
const SPEAKERS = { yookassa: ['yookassa', 'sandbox'], stripe: ['stripe'] } as const;
export type WebhookProtocol = keyof typeof SPEAKERS;

/** What the payment providers tell us of their own accord. A hint to look, never a fact: whatever counts is read back. */
@Injectable()
export class PaymentNotifications implements OnModuleInit {
  private readonly logger = new Logger(PaymentNotifications.name);

  constructor(
    private readonly repository: PaymentRepository,
    private readonly refunds: RefundRepository,
    private readonly payments: PaymentService,
    private readonly gateways: PaymentGateways,
    private readonly database: DatabaseService,
    private readonly jobs: Jobs,
  ) {}

  async onModuleInit(): Promise<void> {
    await this.jobs.schedule('payment-notifications-retention', '47 3 * * *', () => this.removeOld());
  }

  /**
   * Reads a notification and asks the provider about what it names. Changes nothing. @returns null when there is nothing to
   * do: an event that we do not know or have had, or a payment that is not ours.
   * @throws NotificationNotAuthentic, ProviderUnavailable, NotFound when no such provider is configured.
   */
  async read(protocol: WebhookProtocol, body: Buffer, headers: IncomingHttpHeaders): Promise<Told | null> {
    const gateway = this.speakerOf(protocol);
    const notification = readBy(gateway, body, headers);
    if (notification.about === 'something else')
      return this.passOver(gateway, notification.type, 'unknown event');
    const { event_id } = notification;
    if (event_id !== null && (await this.repository.hasNotification(gateway.name, event_id))) return null;
    try {
      return await this.readBack(gateway, notification);
    } catch (error) {
      if (!(error instanceof OutcomeUnknown)) throw error;
      this.logger.warn(`${notification.type} cannot be read back: ${error.message}`);
      throw new ProviderUnavailable();
    }
  }

  /** Notes a notification in the transaction of its effect. @returns false when its effect was had before. */
  async note({ provider, type, order_id, event_id }: Told, tx: Tx): Promise<boolean> {
    return event_id === null || this.repository.noteNotification({ provider, type, order_id, event_id }, tx);
  }

  /** Removes what no provider will tell again. Idempotent. */
  async removeOld(): Promise<void> {
    const remove = (tx: Tx) => this.repository.deleteNotifications(KEPT_DAYS, BATCH, tx);
    while ((await this.database.transaction(remove)) === BATCH);
  }

  private speakerOf(protocol: WebhookProtocol): PaymentGateway {
    const gateway = SPEAKERS[protocol]
      .map((name) => this.gateways.find(name))
      .find((found) => found !== null);
    if (!gateway) throw new NotFound(`${protocol} is not configured`);
    return gateway;
  }

  private async readBack(
    gateway: PaymentGateway,
    notification: Exclude<Notification, { about: 'something else' }>,
  ): Promise<Told | null> {
    return notification.about === 'payment'
      ? this.readPayment(gateway, notification)
      : this.readRefund(gateway, notification);
  }

  private async readPayment(
    gateway: PaymentGateway,
    { type, provider_payment_id, event_id }: Extract<Notification, { about: 'payment' }>,
  ): Promise<Told | null> {
    const found = await gateway.find(provider_payment_id);
    if (!found) return this.passOver(gateway, type, 'the provider knows no such payment');
    const { charge, idempotency_key } = found;
    const payment = await this.payments.findOfProvider(gateway.name, provider_payment_id, idempotency_key);
    if (!payment) return this.passOver(gateway, type, 'the payment is not ours');
    const { order_id, amount_minor, currency } = payment;
    if (found.order_id !== order_id || found.amount_minor !== amount_minor || found.currency !== currency)
      return this.passOver(gateway, type, `the provider's payment is not what ${payment.id} asked for`);
    return {
      provider: gateway.name,
      type,
      order_id,
      event_id: event_id ?? endOf(charge, `payment ${provider_payment_id}`),
      payment,
      charge,
    };
  }

  // A refund that has no name with us yet is being made: its own answer, or the recovery, will tell.
  private async readRefund(
    gateway: PaymentGateway,
    { type, provider_refund_id, event_id }: Extract<Notification, { about: 'refund' }>,
  ): Promise<Told | null> {
    const refund = await this.refunds.findByProviderId(gateway.name, provider_refund_id);
    if (!refund) return this.passOver(gateway, type, 'the refund is not known here');
    const answer = await gateway.findRefund(provider_refund_id);
    if (!answer) return this.passOver(gateway, type, 'the provider knows no such refund');
    return {
      provider: gateway.name,
      type,
      order_id: refund.order_id,
      event_id: event_id ?? endOf(answer, `refund ${provider_refund_id}`),
      refund,
      answer,
    };
  }

  private passOver(gateway: PaymentGateway, type: string, why: string): null {
    this.logger.log({ provider: gateway.name, type }, `notification passed over: ${why}`);
    return null;
  }
}

function readBy(gateway: PaymentGateway, body: Buffer, headers: IncomingHttpHeaders): Notification {
  try {
    return gateway.readNotification(body, headers);
  } catch (error) {
    if (error instanceof NotificationRefused) throw new NotificationNotAuthentic(error.message);
    throw error;
  }
}

// A provider without ids for what it tells: an end comes once. What is not an end yet may be told again.
function endOf({ status }: Charge | ProviderRefund, what: string): string | null {
  return status === 'pending' ? null : `${what} ${status}`;
}
