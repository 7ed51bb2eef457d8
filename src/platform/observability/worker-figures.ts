import cluster, { type Worker } from 'node:cluster';
import type { MetricObjectWithValues, MetricValue } from 'prom-client';

/** What one process tells, as prom-client gives it away. */
export type Figures = MetricObjectWithValues<MetricValue<string>>[];

/** Who hangs for longer is left out. A scrape itself may take ten seconds. */
const ANSWER_LIMIT_MS = 2_000;

/** A question goes to the primary, from there to every worker, and the answers go the same way back. */
interface Message {
  figures: 'of all' | 'of yours' | 'answer';
  /** Of whoever asks, to know the answer by. */
  question: number;
  answer?: Figures[];
}

/** Questions that have been asked and not answered yet, by their numbers. */
class Questions {
  private readonly open = new Map<number, (answer: Figures[]) => void>();
  private last = 0;

  /** Resolves with the answer to what `ask` has sent; with nothing when none comes in time. */
  async ask(ask: (question: number) => void): Promise<Figures[]> {
    const question = ++this.last;
    let timer: NodeJS.Timeout | undefined;
    const answer = await new Promise<Figures[]>((resolve) => {
      this.open.set(question, resolve);
      timer = setTimeout(resolve, ANSWER_LIMIT_MS, []);
      ask(question);
    });
    clearTimeout(timer);
    this.open.delete(question);
    return answer;
  }

  answer({ question, answer }: Message): void {
    this.open.get(question)?.(answer ?? []);
  }
}

const questions = new Questions();

/** In the primary: lets each worker know the figures of all. */
export function relayFigures(): void {
  cluster.on('message', (asking: Worker, message: Message) => {
    if (message?.figures === 'answer') questions.answer(message);
    if (message?.figures === 'of all') void tellAll(asking, message.question);
  });
}

async function tellAll(asking: Worker, question: number): Promise<void> {
  const workers = Object.values(cluster.workers ?? {}).filter((worker) => worker?.isConnected());
  const figures = await Promise.all(
    workers.map((worker) => questions.ask((each) => tell(worker, { figures: 'of yours', question: each }))),
  );
  tell(asking, { figures: 'answer', question, answer: figures.flat() });
}

/** In a worker: answers with `own` whenever somebody is scraped. @returns a stop. */
export function tellFigures(own: () => Promise<Figures>): () => void {
  const hear = async (message: Message) => {
    if (message?.figures === 'answer') questions.answer(message);
    if (message?.figures !== 'of yours') return;
    tell(process, { figures: 'answer', question: message.question, answer: [await own()] });
  };
  process.on('message', hear);
  return () => process.off('message', hear);
}

/** In a worker: the figures of all workers that answer in time; none when the primary is gone. */
export function figuresOfAll(): Promise<Figures[]> {
  return questions.ask((question) => tell(process, { figures: 'of all', question }));
}

function tell(whom: Worker | NodeJS.Process | undefined, message: Message): void {
  // Whoever has just died answers nobody, and is not waited for long.
  whom?.send?.(message, undefined, undefined, () => undefined);
}
