import { measureTasks } from './background.js';
import { measureCells } from './cells.js';
import { readOptions } from './options.js';
import { measureRelayCost } from './relay-cost.js';
import {
  cellLine,
  compare,
  describeMachine,
  headLine,
  relayLine,
  stockHeadLine,
  stockLine,
  taskHeadLine,
  taskLine,
} from './report.js';
import { openShop } from './shop.js';
import { measureStock } from './stock-lines.js';

/** One run: open the shop, measure every cell, look whether every promise is kept, compare with what is wanted. */
async function run(): Promise<boolean> {
  const options = readOptions(process.env);
  console.log(await describeMachine(options.folder));
  console.log('Filling the database, starting the service...\n');
  const shop = await openShop(options);
  try {
    const tellLoad = under(headLine());
    const cells = await measureCells(shop, options, (cell) => tellLoad(cellLine(cell)));
    const relay = await measureRelayCost(shop, options);
    if (relay) console.log(relayLine(relay));
    const tellStock = under(stockHeadLine());
    const stock = await measureStock(shop, options, (line) => tellStock(stockLine(line)));
    const tellTask = under(taskHeadLine());
    const tasks = await measureTasks(shop, options, (task) => tellTask(taskLine(task)));
    console.log(`\n${compare(cells, relay, await shop.service.peakMemoryMib()).join('\n')}`);
    return tellBroken([
      ...cells.map(({ load, connections, broken }) => ({
        what: `${load}, ${connections} connections`,
        broken,
      })),
      { what: 'orders with the relay and without', broken: relay?.broken ?? [] },
      ...stock.map(({ load, broken }) => ({ what: load, broken })),
      ...tasks.map(({ name, broken }) => ({ what: name, broken })),
    ]);
  } finally {
    await shop.close();
  }
}

/** Tells lines under a head, which is told with the first of them. */
function under(head: string): (line: string) => void {
  let isTold = false;
  return (line) => {
    console.log(isTold ? line : `${head}\n${line}`);
    isTold = true;
  };
}

/** @returns whether every promise was kept in everything that was measured. */
function tellBroken(measured: { what: string; broken: string[] }[]): boolean {
  for (const { what, broken } of measured) {
    for (const fault of broken) console.error(`BROKEN: ${what}: ${fault}`);
  }
  return measured.every(({ broken }) => broken.length === 0);
}

const kept = await run();
process.exitCode = kept ? 0 : 1;
