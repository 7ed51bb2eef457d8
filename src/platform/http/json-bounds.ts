const DEPTH_MAX = 20;
const MEMBERS_MAX = 100;
/** Twice what the longest list that any route takes may have, so that the route itself says its own bound. */
const ENTRIES_MAX = 2_000;

/**
 * What is out of bounds in a parsed JSON value, or null. What validates, compares and stores it walks it recursively, and
 * writes a sentence for each unknown member: without bounds, one request of a megabyte takes seconds or the whole stack.
 */
export function outOfBounds(value: unknown, depth = 1): string | null {
  if (typeof value !== 'object' || value === null) return null;
  if (depth > DEPTH_MAX) return `the body must not nest deeper than ${DEPTH_MAX} levels`;
  const parts = Object.values(value);
  if (Array.isArray(value)) {
    if (parts.length > ENTRIES_MAX) return `a list must have at most ${ENTRIES_MAX} entries`;
  } else if (parts.length > MEMBERS_MAX) {
    return `an object must have at most ${MEMBERS_MAX} members`;
  }
  for (const part of parts) {
    const fault = outOfBounds(part, depth + 1);
    if (fault) return fault;
  }
  return null;
}
