interface Fetched<Row> {
  rows: Row[];
  next_cursor: string | null;
  total?: number;
}

type FetchPage<Row> = (cursor: string | undefined) => Promise<Fetched<Row>>;

/** So many lists are remembered; a filter that is typed letter by letter makes many. */
const LISTS_MAX = 50;

/**
 * The API hands out pages one after the other, each with the cursor of the next; react-admin asks for page n. What has been
 * handed out is remembered for each list (resource, filter, order and size of page), so the next page is one call. A page
 * that was never led to, as after a reload, is walked to.
 */
export class Cursors {
  private readonly lists = new Map<string, (string | undefined)[]>();

  async page<Row>(list: string, page: number, fetchPage: FetchPage<Row>): Promise<Fetched<Row>> {
    const cursors = this.lists.get(list) ?? [undefined];
    this.lists.delete(list);
    this.lists.set(list, cursors);
    if (this.lists.size > LISTS_MAX) this.lists.delete([...this.lists.keys()][0] as string);
    for (let known = Math.min(cursors.length, page); ; known++) {
      const fetched = await fetchPage(cursors[known - 1]);
      // What comes after may have moved since it was noted.
      cursors.length = known;
      if (fetched.next_cursor !== null) cursors.push(fetched.next_cursor);
      if (known === page) return fetched;
      if (fetched.next_cursor === null) return { ...fetched, rows: [] };
    }
  }
}
