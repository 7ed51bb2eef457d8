import { Logger } from '@nestjs/common';
import { Recurring } from '../../src/platform/recurring.js';
import { meeting } from '../support/barrier.js';
import { eventually } from '../support/eventually.js';

let complaints: unknown[];

const quiet = () => undefined;

beforeEach(() => {
  complaints = [];
  Logger.overrideLogger({ log: quiet, error: quiet, warn: (message) => void complaints.push(message) });
});

describe('recurring work', () => {
  it('is done again and again, also after an error, which is told', async () => {
    let runs = 0;
    const work = new Recurring('counting', 1, async () => {
      runs += 1;
      if (runs === 2) throw new Error('not twice');
    });
    work.start();
    await eventually(() => runs >= 3);
    await work.stop();
    expect(complaints).toEqual(['counting failed and will be tried again: not twice']);
    const before = runs;
    work.start();
    await eventually(() => runs > before);
    await work.stop();
  });

  it('that goes by batches hears of a stop between them, and the stop waits for the batch', async () => {
    const [begun, stopped] = [meeting(2), meeting(2)];
    const batches: string[] = [];
    const work = new Recurring('batches', 1, async (stopping) => {
      while (!stopping.aborted) {
        batches.push('begun');
        await begun();
        await stopped();
        batches.push('done');
      }
    });
    work.start();
    await begun();
    const stop = work.stop().then(() => batches.push('stopped'));
    await stopped();
    await stop;
    expect(batches).toEqual(['begun', 'done', 'stopped']);
    expect(complaints).toEqual([]);
  });

  it('that ends by the reason of the stop has not failed', async () => {
    const begun = meeting(2);
    const work = new Recurring('reading', 1, async (stopping) => {
      const stop = new Promise((resolve) => stopping.addEventListener('abort', resolve));
      await begun();
      await stop;
      stopping.throwIfAborted();
    });
    work.start();
    await begun();
    await work.stop();
    expect(complaints).toEqual([]);
  });

  it('is not told to stop when it is started anew', async () => {
    const heard: boolean[] = [];
    const work = new Recurring('again', 1, async (stopping) => void heard.push(stopping.aborted));
    for (let time = 1; time <= 2; time++) {
      work.start();
      await eventually(() => heard.length >= time);
      await work.stop();
    }
    expect(heard).not.toContain(true);
  });
});
