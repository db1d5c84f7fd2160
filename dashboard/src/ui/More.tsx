interface Props {
  list: { hasNextPage: boolean; isFetchingNextPage: boolean; isFetchNextPageError: boolean; fetchNextPage: () => Promise<unknown> };
  /** What the button says. */
  label?: string;
}

/** The way to the next page of a list; nothing at its end. */
export function More({ list, label = 'More' }: Props) {
  if (!list.hasNextPage) return null;
  return (
    <p className="row">
      <button type="button" className="button" disabled={list.isFetchingNextPage} onClick={() => void list.fetchNextPage()}>{list.isFetchingNextPage ? 'Loading…' : label}</button>
      {list.isFetchNextPageError ? <span className="bad small" role="alert">That did not load: try again.</span> : null}
    </p>
  );
}
