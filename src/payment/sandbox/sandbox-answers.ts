import { toYookassaAmount } from '../gateway/yookassa-amount.js';
import type { Payment, Refund } from './sandbox-payments.js';

/** The payment object of YooKassa v3, as it stands now. Members that do not apply are left out, as there. */
export function paymentObject(payment: Payment, shopId: string, siteUrl: string): object {
  const { created, status } = payment;
  const amount = toYookassaAmount(created.amount_minor, created.currency);
  return {
    id: created.id,
    status,
    paid: status === 'succeeded',
    amount,
    recipient: { account_id: shopId, gateway_id: '1' },
    payment_method: { type: created.method, id: created.id, saved: false },
    created_at: created.at,
    captured_at: payment.capturedAt ?? undefined,
    confirmation:
      status === 'pending'
        ? { type: 'redirect', confirmation_url: `${siteUrl}/confirm/${created.id}` }
        : undefined,
    cancellation_details: payment.cancellation ?? undefined,
    description: created.description ?? undefined,
    metadata: created.metadata,
    refundable: status === 'succeeded' && payment.refundedMinor < payment.capturedMinor,
    refunded_amount: toYookassaAmount(payment.refundedMinor, created.currency),
    test: true,
  };
}

/** The refund object of YooKassa v3. */
export function refundObject(refund: Refund): object {
  return {
    id: refund.id,
    status: 'succeeded',
    payment_id: refund.payment.created.id,
    amount: toYookassaAmount(refund.amountMinor, refund.payment.created.currency),
    created_at: refund.at,
    description: refund.description ?? undefined,
    metadata: refund.metadata,
  };
}

/** A page of a list of YooKassa v3. The last one has no `next_cursor`. */
export function listObject(items: object[], nextCursor: number | null): object {
  return { type: 'list', items, next_cursor: nextCursor === null ? undefined : String(nextCursor) };
}

/** What YooKassa posts to the shop when a payment or a refund has changed. */
export function notificationObject(event: string, object: object): object {
  return { type: 'notification', event, object };
}

/** What tests count charges by: every payment asked for, and how many captures the ledger holds for them. */
export function ledgerListing(payments: Payment[]): object {
  return {
    payments: payments.map(({ created, status, capturedMinor, refundedMinor }) => ({
      id: created.id,
      idempotence_key: created.idempotence_key,
      order_id: created.order_id,
      status,
      amount: toYookassaAmount(created.amount_minor, created.currency),
      captured: toYookassaAmount(capturedMinor, created.currency),
      refunded: toYookassaAmount(refundedMinor, created.currency),
    })),
    captures: payments.reduce((captures, payment) => captures + payment.captures, 0),
  };
}

/** The page the customer is sent to. A settled payment shows how it ended and asks nothing more. */
export function confirmationPage(payment: Payment): string {
  const { created, status } = payment;
  const amount = toYookassaAmount(created.amount_minor, created.currency);
  const ended = status === 'succeeded' ? 'This payment is paid.' : 'This payment was declined.';
  const question = `<form method="post">
    <button name="decision" value="approve">Pay</button>
    <button name="decision" value="decline">Decline</button>
  </form>`;
  return `<!doctype html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>Confirm the payment</title>
</head>
<body>
  <h1>${escapeHtml(`${amount.value} ${amount.currency}`)}</h1>
  <p>${escapeHtml(created.description ?? 'Payment')}</p>
  <p>This is the sandbox: no real money moves.</p>
  ${status === 'pending' ? question : `<p>${ended}</p>`}
</body>
</html>
`;
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
