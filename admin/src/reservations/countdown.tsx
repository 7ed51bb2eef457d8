import { Box } from '@mui/material';
import { useSyncExternalStore } from 'react';
import { timeText } from '../parts/texts';

const TICK_MS = 1_000;
const SOON_MS = 5 * 60_000;

const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;
let now = Date.now();

/** One clock for all countdowns of a page, which runs only while there are any. */
function follow(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** For how long something is still held, to the second. Not read out at every one: who asks is told the time of the end. */
export function Countdown({ until }: { until: string }) {
  const time = useSyncExternalStore(follow, () => now);
  const leftMs = Date.parse(until) - time;
  const isSoon = leftMs < SOON_MS;
  return (
    <Box
      component="time"
      dateTime={until}
      title={timeText(until)}
      role="timer"
      aria-live="off"
      sx={{
        fontVariantNumeric: 'tabular-nums',
        whiteSpace: 'nowrap',
        ...(isSoon && { color: 'warning.main', fontWeight: 650 }),
      }}
    >
      {leftMs > 0 ? spanText(leftMs) : 'Overdue'}
    </Box>
  );
}

/** `1 d 04:05:06`, `4:05:06`, `5:06`. */
function spanText(ms: number): string {
  const seconds = Math.floor(ms / 1_000);
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor((seconds % 86_400) / 3_600);
  const minutes = Math.floor((seconds % 3_600) / 60);
  const two = (value: number) => String(value).padStart(2, '0');
  const rest = two(seconds % 60);
  if (days > 0) return `${days} d ${two(hours)}:${two(minutes)}:${rest}`;
  return hours > 0 ? `${hours}:${two(minutes)}:${rest}` : `${minutes}:${rest}`;
}
