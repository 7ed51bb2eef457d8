import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const primary = fileURLToPath(new URL('./cluster-primary.js', import.meta.url));

describe('workers of one machine', () => {
  it('have one count, which their primary keeps; one that cannot ask it lets through or counts for itself', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [primary], { timeout: 25_000 });
    const told = JSON.parse(stdout);
    expect(told.turns).toEqual([1, 2, 3, 'over at 4']);
    const allowed = told.atOnce.filter((answer: unknown) => typeof answer === 'number');
    expect([allowed.sort(), told.atOnce.length]).toEqual([[1, 2, 3], 20]);
    expect(told.another).toBe(1);
    expect(told.rewarded).toEqual([1, 1]);
    expect(told.afterKill).toBe(1);
    expect(told.disconnected).toEqual(['Uncounted', 1, 'over at 2']);
  });
});
