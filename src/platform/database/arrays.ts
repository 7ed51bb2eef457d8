/**
 * A Postgres array literal of elements that need no quoting: ids, numbers, and words of ours. `pg` would run two regular
 * expressions over every element; on the placement path that was a seventh of all that is allocated.
 */
export const plainArray = (values: readonly (string | number | null)[]): string =>
  `{${values.map((value) => value ?? 'NULL').join(',')}}`;

/** SQL: the JSON texts that `jsonTexts` has joined into `placeholder`, as an array. */
export const splitTexts = (placeholder: string) => `string_to_array(${placeholder}, E'\\x1f')`;

/** Many JSON texts as one, for `splitTexts`: JSON never holds the unit separator raw. */
export const jsonTexts = (texts: readonly string[]): string => texts.join('\u001f');

/**
 * SQL: the array in `placeholder`, for statements on the placement path. Postgres plans a statement anew at each call as long as
 * it believes that an array of this very length is worth a plan of its own; of what comes out of a subquery it knows no length.
 */
export const ofAnyLength = (placeholder: string, type: string) =>
  `(SELECT ${placeholder}::${type}[])::${type}[]`;
