// What somebody else has just done to the flag that is on the screen, in words.
import type { LiveChange } from '../api/live.ts';
import type { Me } from '../api/types.ts';
import { deed, who } from '../history/words.ts';

/** A sentence; undefined for what is one's own, or about something that is not shown. */
export function told(change: LiveChange, me: Me | null | undefined, pathname: string): string | undefined {
  const own = me?.user ? change.author === `user:${me.user.email}` : false;
  const shown = pathname.endsWith(`/flags/${encodeURIComponent(change.target)}`);
  return own || !shown ? undefined : `${who(change.author)} ${deed(change, change.environment)}`;
}
