/** These may be others in a while: it is still at it, the credentials are to be put right, it was asked too often. */
const FOR_THE_MOMENT = new Set([202, 401, 408, 425, 429]);

/** Whether an address where a list should be, and which is answered with this status, has none to give. */
export function isNoList(status: number): boolean {
  return status === 501 || (status < 500 && !FOR_THE_MOMENT.has(status));
}
