import type { FlagItem } from '../../api/types.ts';

/** Those that hold the text where the server looks for it: in key, name, description, owner and tags, in whatever case. */
export function matching(flags: FlagItem[], text: string | undefined): FlagItem[] {
  const wanted = text?.trim().toLowerCase();
  if (!wanted) return flags;
  return flags.filter(({ key, definition: { name, description, owner, tags } }) =>
    [key, name, description, owner, ...(tags ?? [])].some((part) => part?.toLowerCase().includes(wanted)),
  );
}
