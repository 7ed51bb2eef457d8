import type { TestApp } from './boot.js';

/** What an application told at `/metrics`, and at one moment. */
export class Scrape {
  constructor(readonly text: string) {}

  /**
   * The figure of this name (without `holdfast_`) that has these labels, whatever others it has; summed when there are
   * several. Undefined when there is none.
   */
  figure(name: string, labels: Record<string, string> = {}): number | undefined {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
    const found = this.text.split('\n').flatMap((line) => {
      const [, found, labelled = '', value] = /^holdfast_(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
      return found === name && wanted.every((label) => labelled.includes(label)) ? Number(value) : [];
    });
    return found.length === 0 ? undefined : found.reduce((sum, value) => sum + value);
  }
}

export async function scrape(app: TestApp): Promise<Scrape> {
  const answer = await fetch(`${app.url}/metrics`);
  if (answer.status !== 200) throw new Error(`a scrape was answered ${answer.status}`);
  return new Scrape(await answer.text());
}
