import { useCallback, useState } from 'react';

/**
 * One key for one form: a double click, or a retry after an answer that was lost, does what it says once. `renew` after the
 * form has done it, for the next time.
 */
export function useIdempotencyKey(): { key: string; renew: () => void } {
  const [key, setKey] = useState(newKey);
  return { key, renew: useCallback(() => setKey(newKey()), []) };
}

// `crypto.randomUUID` is only there on https and localhost.
function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
