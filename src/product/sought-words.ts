/** A word as names are indexed by it; or only the beginning of one. */
export interface Term {
  text: string;
  isBeginning: boolean;
}

/** What one word of a search may stand for. */
export type Word = Term[];

const TOKEN = /'((?:[^']|'')*)'(:\*)?|<(?:-|\d+)>|[&|()]|\S/g;

/**
 * The words that must stand together, one list for each alternative. Null when it is not as simple as that: something is
 * excluded, or an alternative within others is more than a word. How words must stand to each other is not told.
 * @param tsquery as Postgres writes it.
 */
export function conjunctionsOf(tsquery: string): Word[][] | null {
  const tokens = [...tsquery.matchAll(TOKEN)];
  const alternatives: Word[][] = [[]];
  let group: Word | null = null;
  for (const [token, lexeme, star] of tokens) {
    if (lexeme !== undefined) {
      const term = {
        text: lexeme.replaceAll(/''|\\\\/g, (twice) => twice.charAt(1)),
        isBeginning: star !== undefined,
      };
      if (group) group.push(term);
      else alternatives.at(-1)?.push([term]);
    } else if (token === '(' && !group) {
      group = [];
    } else if (token === ')' && group) {
      alternatives.at(-1)?.push(group);
      group = null;
    } else if (token === '|') {
      if (!group) alternatives.push([]);
    } else if (group || (token !== '&' && !token.startsWith('<'))) {
      return null;
    }
  }
  return alternatives.filter((words, index) => words.length > 0 && !isToldBy(alternatives, words, index));
}

function isToldBy(alternatives: Word[][], words: Word[], index: number): boolean {
  return alternatives.some(
    (others, place) =>
      place !== index && isImplied(words, others) && (place > index || !isImplied(others, words)),
  );
}

/** Whether whatever has the words has the others as well. */
function isImplied(words: Word[], others: Word[]): boolean {
  if (words.length !== others.length) return false;
  return words.every((word, index) => {
    const [term, ...more] = word;
    const [other, ...further] = others[index] as Word;
    if (!term || !other || more.length > 0 || further.length > 0) return false;
    return other.isBeginning
      ? term.text.startsWith(other.text)
      : !term.isBeginning && term.text === other.text;
  });
}
