/** A word of what is looked for, and words of names that look like it. */
export interface TypedWord {
  typed: string;
  /** As it stands in what is searched for English. */
  stem: string;
  known: string[];
}

/** More words than so many are not corrected. */
const WORDS_MAX = 12;
/** That one word stands for, besides itself. */
const ALTERNATIVES_MAX = 8;
const CHANGES_MAX = 3;

/** What is to be found together, by the alternatives that an `or` is between. Empty when it is too much. */
export function wordsOf(q: string): string[][] {
  const alternatives = q
    .toLowerCase()
    .split(/\sor\s/)
    .map((text) => text.match(/[\p{L}\p{N}]+/gu) ?? [])
    .filter((words) => words.length > 0);
  return alternatives.flat().length > WORDS_MAX ? [] : alternatives;
}

/**
 * Texts of `tsquery`, to be tried in this order: in the first, each word stands for itself and for those that one change makes
 * of it, then two, at most three. So nobody is led to what is further away than something that is there.
 * @param isUnfinished whether the very last word may be the beginning of one.
 */
export function corrections(alternatives: TypedWord[][], isUnfinished: boolean): string[] {
  const last = alternatives.at(-1)?.at(-1);
  const prepared = alternatives.map((words) =>
    words.map((word) => {
      const isBeginning = isUnfinished && word === last;
      return {
        itself: [`${quoted(word.typed)}${isBeginning ? ':*' : ''}`, quoted(word.stem)],
        near: nearest(word, isBeginning),
      };
    }),
  );
  const texts = new Set<string>();
  for (let changes = 0; changes <= CHANGES_MAX; changes++) {
    const together = prepared.map((words) =>
      words
        .map(({ itself, near }) => {
          const others = near.filter((other) => other.changes <= changes);
          return `(${[...itself, ...others.map(({ known }) => quoted(known))].join(' | ')})`;
        })
        .join(' & '),
    );
    texts.add(together.join(' | '));
  }
  // The first is what was looked for, and not found.
  return [...texts].slice(1);
}

interface Near {
  known: string;
  changes: number;
}

function nearest({ typed, known }: TypedWord, isBeginning: boolean): Near[] {
  const most = Math.min(CHANGES_MAX, Math.floor(typed.length / 2));
  return known
    .filter((word) => word !== typed)
    .map((word) => ({ known: word, changes: changesBetween(typed, word, isBeginning) }))
    .filter(({ changes }) => changes <= most)
    .sort((a, b) => a.changes - b.changes)
    .slice(0, ALTERNATIVES_MAX);
}

/**
 * How many letters are missing, too many, wrong, or have changed places with their neighbour. A part of the known word is one
 * change away from it: somebody has put a space into it. Of a beginning, what the known word goes on with does not count.
 */
export function changesBetween(typed: string, known: string, isBeginning = false): number {
  if (typed !== known && known.includes(typed)) return 1;
  const rows = [Array.from({ length: known.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number) => rows[row]?.[column] ?? Number.POSITIVE_INFINITY;
  for (let row = 1; row <= typed.length; row++) {
    const changes = [row];
    rows.push(changes);
    for (let column = 1; column <= known.length; column++) {
      const isSame = typed[row - 1] === known[column - 1];
      const areSwapped = typed[row - 1] === known[column - 2] && typed[row - 2] === known[column - 1];
      changes[column] = Math.min(
        at(row - 1, column) + 1,
        at(row, column - 1) + 1,
        at(row - 1, column - 1) + (isSame ? 0 : 1),
        areSwapped ? at(row - 2, column - 2) + 1 : Number.POSITIVE_INFINITY,
      );
    }
  }
  return isBeginning ? Math.max(1, Math.min(...(rows.at(-1) ?? []))) : at(typed.length, known.length);
}

const quoted = (word: string) => `'${word.replaceAll(/['\\]/g, '$&$&')}'`;
