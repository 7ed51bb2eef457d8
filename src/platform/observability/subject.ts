import { AsyncLocalStorage } from 'node:async_hooks';

/** What is being worked on, for the log: each of its members stands on every line that is written meanwhile. */
export interface Subject {
  request_id?: string;
  order_id?: string;
  payment_id?: string;
  refund_id?: string;
  queue?: string;
  job_id?: string;
  event_id?: string;
  consumer?: string;
  trace_id?: string;
  span_id?: string;
}

const subjects = new AsyncLocalStorage<Subject>();

export const currentSubject = (): Subject | undefined => subjects.getStore();

/** Does `work`, which is about `subject`, and about what the work around it is about. */
export function about<T>(subject: Subject, work: () => T): T {
  const outer = subjects.getStore();
  return subjects.run(outer ? { ...outer, ...subject } : subject, work);
}

/** Does `work` as being about this alone, whatever the work around it is about. */
export const aboutOnly = <T>(subject: Subject, work: () => T): T => subjects.run(subject, work);

/** What is being worked on has turned out to be about this as well. Nothing happens where nothing is known to be worked on. */
export function note(facts: Subject): void {
  const subject = subjects.getStore();
  if (subject) Object.assign(subject, facts);
}
