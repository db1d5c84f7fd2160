// Lists that are needed whole: read page by page, to their end.

/** Pages of one list that are read; a list that never ends is the server's mistake. */
const MOST_PAGES = 1_000;

interface PageOf<T> {
  items: T[];
  next?: string | null;
}

export async function everything<T>(page: (cursor: string | undefined) => Promise<PageOf<T>>): Promise<{ items: T[] }> {
  const items: T[] = [];
  let cursor: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const { items: more, next } = await page(cursor);
    items.push(...more);
    if (next == null) return { items };
    cursor = next;
  }
  throw new Error(`the list does not end within ${MOST_PAGES} pages`);
}
