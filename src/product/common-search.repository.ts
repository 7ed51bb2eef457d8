import { Injectable } from '@nestjs/common';
import { Replicas } from '../platform/database/replicas.js';
import { Statement, unnamed } from '../platform/database/statement.js';
import type { Bind } from '../platform/http/list-order.js';
import type { Keyset } from '../platform/http/page.js';
import { anywhere, conditionsOf, inFamily, inName, narrowedTo, shown } from './product.conditions.js';
import { type ProductFilter, WITH_OVERDUE_GOODS } from './product.types.js';
import type { Sought } from './search.repository.js';
import { conjunctionsOf, type Term, type Word } from './sought-words.js';

/** A product of a page: how far it is from what was sought, and its id. */
export interface Place {
  id: number;
  distance: number;
}

// Ranks are not above 0, so a cursor tells which of the two lists it goes on with.
const IN_NAME = 1;
const ELSEWHERE = 2;

/** Whether a page goes on with a list of places, though fewer have what is sought than when it was begun. */
export const isPlace = (after: Keyset | null) => Number(after?.[0]) >= IN_NAME;

/** Products that are looked at one by one, before all are gathered after all. */
const CANDIDATES_MAX = 2_000;
/** What an unfinished word may become. When it is more, it is not told word by word. */
const BEGINNINGS_MAX = 20;
const LAST_CHARACTER = '\u{10FFFF}';

// What names have of each term: the words, from one to another, and how many entries they have, as far as it matters. From
// each word it leaps to the next, past all entries of it.
const knownTerms = new Statement<{ words: string[]; entries: number }>(
  'catalog-known-terms',
  `SELECT ARRAY(
       WITH RECURSIVE known (word) AS (
         (SELECT t.term FROM product_terms t WHERE t.term BETWEEN a.first AND a.last ORDER BY t.term LIMIT 1)
         UNION ALL
         SELECT (SELECT t.term FROM product_terms t WHERE t.term > known.word AND t.term <= a.last ORDER BY t.term LIMIT 1)
         FROM known WHERE known.word IS NOT NULL)
       SELECT word FROM known WHERE word IS NOT NULL LIMIT ${BEGINNINGS_MAX + 1}) AS words,
     (SELECT count(*)::int FROM (SELECT FROM product_terms t WHERE t.term BETWEEN a.first AND a.last
                                 LIMIT ${CANDIDATES_MAX + 1}) e) AS entries
   FROM unnest($1::text[], $2::text[]) WITH ORDINALITY a (first, last, place) ORDER BY a.place`,
);

/** A word of what is sought, as the names of this catalog have it. */
interface KnownWord {
  first: string;
  last: string;
  /** Null when they are too many. */
  words: string[] | null;
  /** No further than just above `CANDIDATES_MAX`. */
  entries: number;
}

interface Question {
  filter: ProductFilter;
  sought: Sought;
  limit: number;
  /** The id after which the page begins. */
  after: number;
}

/**
 * Pages by relevance of what too many products have to be ranked one by one: those come first that have it in a name, then
 * those that have it elsewhere, both by id. No more is looked at than a page needs, as far as an index can tell.
 */
@Injectable()
export class CommonSearchRepository {
  constructor(private readonly replicas: Replicas) {}

  async find(filter: ProductFilter, sought: Sought, after: Keyset | null, limit: number): Promise<Place[]> {
    const [place, id] = (after ?? [IN_NAME, 0]) as [number, number];
    const places: Place[] = [];
    for (const distance of [IN_NAME, ELSEWHERE].filter((each) => each >= place)) {
      const left = limit - places.length;
      if (left === 0) break;
      const question = { filter, sought, limit: left, after: distance === place ? id : 0 };
      const ids = distance === IN_NAME ? await this.named(question) : await this.others(question);
      places.push(...ids.map((found) => ({ id: found, distance })));
    }
    return places;
  }

  // Each alternative tells its first ones; together they tell the first of all. When one has given up, all are gathered.
  private async named(question: Question): Promise<number[]> {
    const alternatives = conjunctionsOf(question.sought.tsquery);
    const found = new Set<number>();
    for (const words of alternatives ?? [[]]) {
      const ids = await this.namedTogether(await this.known(words), question);
      if (ids === null) return this.allOf(question, namedBy(question.sought));
      for (const id of ids) found.add(id);
    }
    return [...found].sort((a, b) => a - b).slice(0, question.limit);
  }

  private async known(words: Word[]): Promise<KnownWord[][]> {
    const terms = words.flat();
    if (terms.length === 0) return [];
    const firsts = terms.map(({ text }) => text);
    const lasts = terms.map(({ text, isBeginning }: Term) => (isBeginning ? text + LAST_CHARACTER : text));
    const rows = await this.replicas.read(knownTerms, [firsts, lasts]);
    const known = rows.map(
      ({ words: each, entries }, index): KnownWord => ({
        first: firsts[index] as string,
        last: lasts[index] as string,
        words: each.length > BEGINNINGS_MAX ? null : each,
        entries,
      }),
    );
    return words.map((word) => known.splice(0, word.length));
  }

  /** Null when not all candidates were looked at, and those that were do not fill the page. */
  private async namedTogether(words: KnownWord[][], question: Question): Promise<number[] | null> {
    const rarest = words.filter(canLead).sort((a, b) => entriesOf(a) - entriesOf(b))[0];
    if (rarest && entriesOf(rarest) === 0) return [];
    const { filter, sought, limit, after } = question;
    const checked = words.filter((word) => word !== rarest && word.every((each) => each.words));
    const ids = await this.idsOf((bind) => {
      const candidates = rarest ? entriesFrom(rarest, after, bind) : productsFrom(filter, after, bind);
      const conditions = [
        ...checked.map((word) => hasOneOf(word, bind)),
        ...conditionsOf(filter, bind),
        inFamily(namedBy(sought), 'p', sought.queryOf(bind), filter.with_inactive),
      ];
      return lookedUp(`${candidates} ORDER BY id LIMIT ${CANDIDATES_MAX}`, conditions, bind(limit));
    });
    const mayBeCut = !rarest || entriesOf(rarest) > CANDIDATES_MAX;
    return mayBeCut && ids.length < limit ? null : ids;
  }

  // What is common is met soon, unless it is common among the first products only, or the filter lets hardly any of it through.
  private async others(question: Question): Promise<number[]> {
    const near = question.sought.isCommon ? await this.near(question) : [];
    if (near.length === question.limit) return near;
    // What else narrows has been looked through just now.
    const { min_price_minor, max_price_minor } = question.filter;
    const isPriced = min_price_minor !== undefined || max_price_minor !== undefined;
    return isPriced ? this.allOf(question, anywhere) : this.gathered(question, anywhere);
  }

  private near({ filter, sought, limit, after }: Question): Promise<number[]> {
    return this.idsOf((bind) => {
      const candidates = `${productsFrom(filter, after, bind)} ORDER BY id LIMIT ${CANDIDATES_MAX}`;
      const conditions = [...conditionsOf(filter, bind), isElsewhere(filter, sought, bind)];
      return lookedUp(candidates, conditions, bind(limit));
    });
  }

  private async allOf(question: Question, has: typeof anywhere): Promise<number[]> {
    return (await this.narrowed(question, has)) ?? this.gathered(question, has);
  }

  /** Looks up what the filter leaves, rather than what has the words. Null when that is too much, and does not fill the page. */
  private async narrowed(question: Question, has: typeof anywhere): Promise<number[] | null> {
    const { filter, limit, after } = question;
    const { category, storefront_id, min_price_minor, max_price_minor } = filter;
    const narrowing = [category, storefront_id, min_price_minor, max_price_minor];
    if (narrowing.every((each) => each === undefined)) return null;
    const candidates = await this.idsOf((bind) => {
      const prices = narrowedTo({ ...filter, in_stock: undefined }, 'p.id', bind);
      return `${[productsFrom(filter, after, bind), ...prices].join(' AND ')} ORDER BY p.id LIMIT ${CANDIDATES_MAX}`;
    });
    if (candidates.length === 0) return [];
    const ids = await this.idsOf((bind) => {
      const conditions = [...conditionsOf(filter, bind), isFound(has, question, bind)];
      return lookedUp(`SELECT unnest(${bind(candidates)}::int[]) AS id`, conditions, bind(limit));
    });
    return ids.length === limit || candidates.length < CANDIDATES_MAX ? ids : null;
  }

  private gathered(question: Question, has: typeof anywhere): Promise<number[]> {
    const { filter, sought, limit, after } = question;
    return this.idsOf((bind) => {
      const found = `SELECT DISTINCT coalesce(s.parent_id, s.id) AS id FROM products s
        WHERE ${has('s', sought.queryOf(bind))} AND ${shown('s', filter.with_inactive)}`;
      const narrowed = [`id > ${bind(after)}::bigint`, ...narrowedTo(filter, 'id', bind)].join(' AND ');
      const conditions = [...conditionsOf(filter, bind), isFound(has, question, bind)];
      const candidates = `SELECT id FROM (${found} OFFSET 0) g WHERE ${narrowed} ORDER BY id`;
      return lookedUp(candidates, conditions, bind(limit));
    });
  }

  private async idsOf(textOf: (bind: Bind) => string): Promise<number[]> {
    const values: unknown[] = [];
    const text = textOf((value) => `$${values.push(value)}`);
    const rows = await this.replicas.read(unnamed<{ id: number }>(text), values);
    return rows.map(({ id }) => id);
  }
}

/** What is excluded may stand nowhere; else what the name has, the product has. */
const namedBy = ({ tsquery }: Sought): typeof inName =>
  tsquery.includes('!')
    ? (product, query) => `${inName(product, query)} AND ${anywhere(product, query)}`
    : inName;

/** SQL: the product `p` has it, and in no name. */
function isElsewhere({ with_inactive }: ProductFilter, sought: Sought, bind: Bind): string {
  const query = sought.queryOf(bind);
  return `${inFamily(anywhere, 'p', query, with_inactive)} AND NOT ${inFamily(namedBy(sought), 'p', query, with_inactive)}`;
}

/** SQL: the product `p` has it where it is looked for: in a name, or anywhere but in a name. */
const isFound = (has: typeof anywhere, { filter, sought }: Question, bind: Bind) =>
  has === anywhere
    ? isElsewhere(filter, sought, bind)
    : inFamily(has, 'p', sought.queryOf(bind), filter.with_inactive);

/** SQL: ids of those candidates that fit. OFFSET 0 keeps it to looking one by one up, in their order, until the page is full. */
const lookedUp = (candidates: string, conditions: string[], limit: string) =>
  `${WITH_OVERDUE_GOODS} SELECT p.id FROM (${candidates}) c
   CROSS JOIN LATERAL (SELECT * FROM products f WHERE f.id = c.id OFFSET 0) p
   WHERE ${conditions.join(' AND ')} ORDER BY c.id LIMIT ${limit}`;

const entriesOf = (word: KnownWord[]) => word.reduce((sum, { entries }) => sum + entries, 0);

/** Whether its products can be told in the order of their ids: word by word, or because there are few. */
const canLead = (word: KnownWord[]) =>
  word.every(({ words, entries }) => words !== null || entries <= CANDIDATES_MAX);

/** SQL: ids of products that have one of the words in a name. */
function entriesFrom(word: KnownWord[], after: number, bind: Bind): string {
  const start = `${bind(after)}::bigint`;
  const parts = word.flatMap(({ first, last, words }) =>
    words === null
      ? [
          `SELECT product_id FROM product_terms WHERE term BETWEEN ${bind(first)} AND ${bind(last)} AND product_id > ${start}`,
        ]
      : words.map(
          (each) =>
            `SELECT product_id FROM product_terms WHERE term = ${bind(each)} AND product_id > ${start} ORDER BY product_id LIMIT ${CANDIDATES_MAX}`,
        ),
  );
  const entries = parts.map((part) => `(${part})`).join(' UNION ALL ');
  return `SELECT DISTINCT product_id AS id FROM (${entries}) e`;
}

/** SQL: ids of all products, for words that say nothing of where to look. */
function productsFrom(
  { category, storefront_id, with_inactive }: ProductFilter,
  after: number,
  bind: Bind,
): string {
  const conditions = conditionsOf({ category, storefront_id, with_inactive }, bind);
  return `SELECT p.id FROM products p WHERE ${conditions.join(' AND ')} AND p.id > ${bind(after)}::bigint`;
}

/** SQL: the candidate `c` has one of the words in a name. */
function hasOneOf(word: KnownWord[], bind: Bind): string {
  const words = bind(word.flatMap((each) => each.words ?? []));
  return `EXISTS (SELECT FROM product_terms t WHERE t.term = ANY(${words}::text[]) AND t.product_id = c.id OFFSET 0)`;
}
