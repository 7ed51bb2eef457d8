import { type Cell, measureCells } from './cells.js';
import { readOptions } from './options.js';
import { cellLine, compare, describeMachine, headLine } from './report.js';
import { openShop } from './shop.js';

/** One run: open the shop, measure every cell, look whether every promise is kept, compare with what is wanted. */
async function run(): Promise<boolean> {
  const options = readOptions(process.env);
  console.log(await describeMachine(options.folder));
  console.log('Filling the database, starting the service...\n');
  const shop = await openShop(options);
  try {
    console.log(headLine());
    const cells = await measureCells(shop, options, (cell) => console.log(cellLine(cell)));
    console.log(`\n${compare(cells, await shop.service.peakMemoryMib()).join('\n')}`);
    return tellBroken(cells);
  } finally {
    await shop.close();
  }
}

/** @returns whether every promise was kept in every cell. */
function tellBroken(cells: Cell[]): boolean {
  for (const { load, connections, broken } of cells) {
    for (const what of broken) console.error(`BROKEN: ${load}, ${connections} connections: ${what}`);
  }
  return cells.every(({ broken }) => broken.length === 0);
}

const kept = await run();
process.exitCode = kept ? 0 : 1;
