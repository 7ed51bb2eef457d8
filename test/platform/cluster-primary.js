// The primary of a cluster as the service's is, with two workers that count as theirs do; run by rate-limit-cluster.test.ts.
import cluster from 'node:cluster';
import { once } from 'node:events';

const built = (file) => import(new URL(`../../dist/platform/http/${file}`, import.meta.url).href);

let calls = 0;

if (cluster.isPrimary) await beThePrimary();
else await beAWorker();

async function beThePrimary() {
  const { countForWorkers } = await built('rate-limit.primary.js');
  countForWorkers();
  const workers = [cluster.fork(), cluster.fork()];
  await Promise.all(
    workers.map((worker) => once(worker, 'message', { signal: AbortSignal.timeout(20_000) })),
  );
  const [one, other] = workers;
  for (const worker of workers) worker.setMaxListeners(0);
  const told = {};
  told.turns = [
    await ask(one, 'ada'),
    await ask(other, 'ada'),
    await ask(one, 'ada'),
    await ask(other, 'ada'),
  ];
  told.atOnce = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(workers[n % 2], 'grace')));
  told.another = await ask(other, 'linus');
  told.rewarded = [await ask(one, 'ken', 'takeBack'), await ask(other, 'ken')];
  // In the middle of a call, and the primary goes on.
  one.send({ ask: 'ada', id: -1 });
  one.process.kill('SIGKILL');
  await once(one, 'exit');
  told.afterKill = await ask(other, 'dennis');
  told.disconnected = await ask(other, 'barbara', 'disconnected');
  console.log(JSON.stringify(told));
  process.exit(0);
}

function ask(worker, key, how = 'count') {
  const id = ++calls;
  return new Promise((resolve) => {
    const listen = (message) => {
      if (message?.id !== id) return;
      worker.off('message', listen);
      resolve(message.said);
    };
    worker.on('message', listen);
    worker.send({ ask: key, how, id });
  });
}

async function beAWorker() {
  const { ClusterRateLimitStore } = await built('rate-limit.cluster.js');
  const store = new ClusterRateLimitStore();
  const counters = { open: store.counter('reads', 3, 60, false), own: store.counter('login', 1, 60, true) };
  const said = (counter, key) =>
    counter.consume(key).then(
      ({ consumedPoints }) => consumedPoints,
      (rejection) => (rejection instanceof Error ? rejection.name : `over at ${rejection.consumedPoints}`),
    );
  process.on('message', async ({ ask: key, how, id }) => {
    if (key === undefined) return;
    if (how === 'disconnected') {
      // As a worker that is to stop: its channel is closed while it still answers.
      process.connected = false;
      const answers = [
        await said(counters.open, key),
        await said(counters.own, key),
        await said(counters.own, key),
      ];
      process.connected = true;
      process.send({ id, said: answers });
      return;
    }
    const answer = await said(counters.open, key);
    if (how === 'takeBack') await counters.open.reward(key);
    process.send({ id, said: answer });
  });
  process.send('ready');
}
