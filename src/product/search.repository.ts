import { Injectable } from '@nestjs/common';
import { Replicas } from '../platform/database/replicas.js';
import { Statement, unnamed } from '../platform/database/statement.js';
import type { Bind } from '../platform/http/list-order.js';
import { anywhere, shown } from './product.conditions.js';
import { isSellable, type ProductFilter } from './product.types.js';
import { corrections, type TypedWord, wordsOf } from './typing-errors.js';

/** What is searched for, and what a first look has found. Products here are rows: variants stand for themselves. */
export interface Sought {
  /** SQL: the `tsquery`. */
  queryOf(bind: Bind): string;
  /** It as Postgres writes it. */
  tsquery: string;
  /** Those that have it, or null when they are too many to be ranked at every look. */
  ids: number[] | null;
  /** Whether a walk through the products, in whatever order, soon meets enough that have it. */
  isCommon: boolean;
}

/** More than so many are not ranked one by one, at every look. */
const RANKED_MAX = 300;
/** Looked at before anything is gathered: to gather what is common and to let it go again is what takes long. */
const SAMPLED = 1_000;
/** So many of the sample have what is common. */
const COMMON_MIN = 3;

const wordsLike = new Statement<TypedWord & { place: number }>(
  'catalog-words-like',
  `SELECT place::int, typed, stem, CASE WHEN typed ~ '[0-9]' OR length(typed) < 3 THEN '{}' ELSE ARRAY(SELECT product_words_like(typed)) END AS known
   FROM (SELECT place, typed, (tsvector_to_array(to_tsvector('english', typed)))[1] AS stem
         FROM unnest($1::text[]) WITH ORDINALITY u (typed, place)) w
   WHERE stem IS NOT NULL ORDER BY place`,
);

/** Finds out what a text means in this catalog: as it stands, or with its typing errors corrected. */
@Injectable()
export class SearchRepository {
  constructor(private readonly replicas: Replicas) {}

  /**
   * What looks like it is asked for only when no product that is shown has the words, so it never stands beside what fits, and
   * pages stay pages of one list.
   */
  async seek(wanted: string, filter: ProductFilter): Promise<Sought> {
    // Postgres takes each of many dashes for an exclusion of its own, and gives up when they nest too deep.
    const q = wanted.replace(NESTED_DASH, '');
    const sought = await this.look((bind) => queryOf(q, bind), filter);
    if (sought.ids?.length !== 0 || !PLAIN.test(q)) return sought;
    for (const text of await this.correctionsOf(q)) {
      const corrected = await this.look((bind) => `${bind(text)}::tsquery`, filter);
      if (corrected.ids?.length !== 0) return corrected;
    }
    return sought;
  }

  private async correctionsOf(q: string): Promise<string[]> {
    const alternatives = wordsOf(q);
    if (alternatives.length === 0) return [];
    const rows = await this.replicas.read(wordsLike, [alternatives.flat()]);
    let place = 0;
    const typed = alternatives.map(({ length }) => {
      place += length;
      return rows.filter((row) => row.place > place - length && row.place <= place);
    });
    return corrections(
      typed.filter((words) => words.length > 0),
      UNFINISHED.test(q),
    );
  }

  // Postgres does not know how often an unfinished word occurs, and looks all of its places up before it shows the first. So
  // the first products tell whether there are many; only when they are not, those that have it are gathered, to be ranked.
  private async look(queryOf: Sought['queryOf'], { with_inactive }: ProductFilter): Promise<Sought> {
    const values: unknown[] = [];
    const query = queryOf((value) => `$${values.push(value)}`);
    const isShown = shown('s', with_inactive);
    const text = `WITH sample AS MATERIALIZED (SELECT s.search FROM products s
        WHERE ${isShown} AND s.parent_id IS NULL ORDER BY s.id LIMIT ${SAMPLED}),
      share AS MATERIALIZED (SELECT count(*) AS total FROM sample s WHERE ${anywhere('s', query)}),
      products_in_all AS MATERIALIZED (SELECT reltuples AS total FROM pg_class WHERE oid = 'products'::regclass)
      SELECT ${query}::text AS tsquery, share.total >= ${COMMON_MIN} AS "isCommon",
        CASE WHEN share.total * products_in_all.total < ${RANKED_MAX * SAMPLED} THEN
          ARRAY(SELECT s.id FROM products s WHERE ${anywhere('s', query)} AND ${with_inactive ? isShown : isSellable('s')}
                LIMIT ${RANKED_MAX + 1}) END AS ids
      FROM share CROSS JOIN products_in_all`;
    const [found] = await this.replicas.read(unnamed<Omit<Sought, 'queryOf'>>(text), values);
    const { ids, ...sought } = found ?? { ids: [], tsquery: '', isCommon: false };
    return { ...sought, queryOf, ids: ids && ids.length <= RANKED_MAX ? ids : null };
  }
}

function queryOf(q: string, bind: Bind): string {
  const text = bind(q);
  return `(websearch_to_tsquery('english', ${text}) || ${unfinished(q, `websearch_to_tsquery('simple', ${text})`)})`;
}

/** A dash that another one follows, with no word between them. */
const NESTED_DASH = /(?<![\p{L}\p{N}])-(?=[^\p{L}\p{N}"]*-)/gu;

/** Nothing is quoted or excluded: who is as exact as that is not shown something else. */
const PLAIN = /^(?!.*("|(^|\s)-))/;

/** Ends in a word that is neither quoted nor excluded: who types is perhaps not done with it. */
const UNFINISHED = /(^|\s)[^\s"-][^\s"]*$/;

// The text of a query ends in a quoted word unless that is in brackets, or there is none.
const unfinished = (q: string, query: string) =>
  UNFINISHED.test(q)
    ? `(CASE WHEN ${query}::text LIKE '%''' THEN (${query}::text || ':*')::tsquery ELSE ${query} END)`
    : query;
