/** YooKassa's reasons for a canceled payment, in words for the customer. */
const reasons = new Map([
  ['3d_secure_failed', 'The bank could not confirm that it is you paying.'],
  ['call_issuer', 'The bank declined the payment without saying why; please ask the bank.'],
  ['canceled_by_merchant', 'The shop cancelled the payment.'],
  ['card_expired', 'The card has expired.'],
  ['country_forbidden', 'Cards of this country are not accepted.'],
  ['deal_expired', 'The time to pay has run out.'],
  ['expired_on_capture', 'The time to collect the payment has run out.'],
  ['expired_on_confirmation', 'The payment was not confirmed in time.'],
  ['fraud_suspected', 'The payment was declined on suspicion of fraud.'],
  ['general_decline', 'The payment was declined.'],
  ['identification_required', 'The wallet needs to be identified before it can pay this amount.'],
  ['insufficient_funds', 'There is not enough money for this payment.'],
  ['internal_timeout', 'The payment provider ran out of time; please try again.'],
  ['invalid_card_number', 'The card number is wrong.'],
  ['invalid_csc', 'The security code of the card is wrong.'],
  ['issuer_unavailable', 'The bank cannot be reached at the moment.'],
  ['payment_method_limit_exceeded', 'The payment is over the limit of this payment method.'],
  ['payment_method_restricted', 'This payment method is blocked for such payments.'],
  ['permission_revoked', 'The permission to charge this payment method was taken back.'],
  ['unsupported_mobile_operator', 'This mobile operator is not supported.'],
]);

/** Why a payment was declined, in a sentence; reasons that YooKassa adds later are named as they are. */
export function declineReason(code: string): string {
  return reasons.get(code) ?? `The payment was declined (${code}).`;
}

/** YooKassa's reasons for a canceled refund in words for the shop. */
const refundReasons = new Map([
  ['general_decline', 'The refund was declined; the bank does not say why.'],
  ['insufficient_funds', "There is not enough money on the shop's account for this refund."],
  ['rejected_by_payee', 'The customer did not accept the refund.'],
  ['rejected_by_timeout', 'The customer did not accept the refund in time.'],
  ['yoo_money_account_closed', 'The wallet that the refund was for is closed.'],
]);

/** Why a refund was declined, in a sentence; reasons that YooKassa adds later are named as they are. */
export function refundDeclineReason(code: string): string {
  return refundReasons.get(code) ?? `The refund was declined (${code}).`;
}
