/** An answer whose status the business decides, e.g. 200 or 202 for a checkout. Anything else is answered with the route's own status. */
export class Answer<T> {
  constructor(
    readonly status: number,
    readonly body: T,
    /** This is what an earlier call with the same idempotency key was answered. */
    readonly replayed = false,
  ) {}
}
