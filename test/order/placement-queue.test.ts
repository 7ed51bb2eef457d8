import { PlacementQueue } from '../../src/order/placement/placement.queue.js';
import { RequestDeadline, runWithin } from '../../src/platform/deadline.js';
import { Overloaded, RequestTimedOut } from '../../src/platform/errors.js';
import { eventually } from '../support/eventually.js';

/** A queue whose batches end when the test says so. */
function givenQueue(batchMax = 64, waitingMax = 100) {
  const batches: {
    requests: string[];
    end(outcomes?: PromiseSettledResult<string>[]): void;
    fail(error: Error): void;
  }[] = [];
  const queue = new PlacementQueue<string, string>(
    (requests) =>
      new Promise((resolve, reject) => {
        const done = requests.map((value): PromiseSettledResult<string> => ({ status: 'fulfilled', value }));
        batches.push({ requests, end: (outcomes = done) => resolve(outcomes), fail: reject });
      }),
    batchMax,
    waitingMax,
  );
  return { queue, batches };
}

const turn = () => new Promise(setImmediate);

describe('PlacementQueue', () => {
  it('places a lonely request at once, and gathers what arrives meanwhile into the next batch', async () => {
    const { queue, batches } = givenQueue();
    const all = ['a', 'b', 'c'].map((request) => queue.enter(request));
    expect(batches.map(({ requests }) => requests)).toEqual([['a']]);
    batches[0]?.end();
    await turn();
    expect(batches[1]?.requests).toEqual(['b', 'c']);
    batches[1]?.end();
    expect(await Promise.all(all)).toEqual(['a', 'b', 'c']);
  });

  it('keeps batches within their bound', async () => {
    const { queue, batches } = givenQueue(2);
    const all = ['a', 'b', 'c', 'd'].map((request) => queue.enter(request));
    for (const at of [0, 1, 2]) {
      batches[at]?.end();
      await turn();
    }
    expect(batches.map(({ requests }) => requests)).toEqual([['a'], ['b', 'c'], ['d']]);
    await Promise.all(all);
  });

  it('gives each request its own outcome', async () => {
    const { queue, batches } = givenQueue();
    const first = queue.enter('a');
    const [b, c] = [queue.enter('b'), queue.enter('c')];
    batches[0]?.end();
    await first;
    await turn();
    batches[1]?.end([
      { status: 'fulfilled', value: 'fine' },
      { status: 'rejected', reason: new Error('broken') },
    ]);
    await expect(b).resolves.toBe('fine');
    await expect(c).rejects.toThrow('broken');
  });

  it('goes on after a batch that failed', async () => {
    const { queue, batches } = givenQueue();
    const first = queue.enter('a');
    batches[0]?.fail(new Error('broken'));
    await expect(first).rejects.toThrow('broken');
    const second = queue.enter('b');
    batches[1]?.end();
    await expect(second).resolves.toBe('b');
  });

  it('refuses at once what would wait beyond its bound', async () => {
    const { queue, batches } = givenQueue(64, 1);
    const all = [queue.enter('a'), queue.enter('b')];
    await expect(queue.enter('c')).rejects.toThrow(Overloaded);
    batches[0]?.end();
    await turn();
    batches[1]?.end();
    await Promise.all(all);
  });

  it('does not place a request whose time is over before its batch begins', async () => {
    const { queue, batches } = givenQueue();
    const [first, deadline] = [queue.enter('a'), new RequestDeadline(20)];
    const late = runWithin(deadline, () => queue.enter('b'));
    const last = queue.enter('c');
    await eventually(() => deadline.hasPassed);
    batches[0]?.end();
    await expect(late).rejects.toThrow(RequestTimedOut);
    expect(batches[1]?.requests).toEqual(['c']);
    batches[1]?.end();
    expect(await Promise.all([first, last])).toEqual(['a', 'c']);
  });

  it('waits for the batch of one whose time is over while it is under way', async () => {
    const { queue, batches } = givenQueue();
    const deadline = new RequestDeadline(20);
    const placed = runWithin(deadline, () => queue.enter('a'));
    await eventually(() => deadline.hasPassed);
    expect(deadline.expire()).toBe(false);
    batches[0]?.end();
    expect(await placed).toBe('a');
  });
});
