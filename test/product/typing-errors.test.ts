import { changesBetween, corrections, wordsOf } from '../../src/product/typing-errors.js';

describe('a typing error', () => {
  it.each([
    ['mouse', 'mouse', 0],
    ['mose', 'mouse', 1],
    ['moouse', 'mouse', 1],
    ['moude', 'mouse', 1],
    ['mosue', 'mouse', 1],
    ['hedfones', 'headphones', 3],
    ['board', 'keyboard', 1],
    ['lamp', 'светильник', 10],
  ])('makes %s of %s by %s with %i changes', (typed, known, changes) => {
    expect(changesBetween(typed, known)).toBe(changes);
  });

  it('of a beginning is not counted where that ends', () => {
    expect(changesBetween('keybao', 'keyboard')).toBe(3);
    expect(changesBetween('keybao', 'keyboard', true)).toBe(1);
  });

  it('is tried with the fewest changes first, each word beside what looks like it', () => {
    const words = [
      { typed: 'red', stem: 'red', known: ['red', 'rod'] },
      { typed: 'lampe', stem: 'lamp', known: ['lamps', 'clamp', 'table'] },
    ];
    expect(corrections([words], true)).toEqual([
      "('red' | 'red' | 'rod') & ('lampe':* | 'lamp' | 'lamps')",
      "('red' | 'red' | 'rod') & ('lampe':* | 'lamp' | 'lamps' | 'clamp')",
    ]);
  });

  it('is not looked for where nothing looks alike', () => {
    expect(corrections([[{ typed: 'zzz', stem: 'zzz', known: [] }]], false)).toEqual([]);
    expect(corrections([], false)).toEqual([]);
  });

  it('cannot leave its quotes', () => {
    const [text] = corrections([[{ typed: 'its', stem: 'it', known: ["it's", 'it\\s'] }]], false);
    expect(text).toBe("('its' | 'it' | 'it''s' | 'it\\\\s')");
  });
});

describe('the words of a search', () => {
  it('are those between what is not a word, by its alternatives', () => {
    expect(wordsOf("Steel  LAMP's OR été-2")).toEqual([
      ['steel', 'lamp', 's'],
      ['été', '2'],
    ]);
  });

  it('are not corrected when they are too many', () => {
    expect(wordsOf('a '.repeat(12))).toEqual([Array(12).fill('a')]);
    expect(wordsOf('a '.repeat(13))).toEqual([]);
    expect(wordsOf('- !')).toEqual([]);
  });
});
