import { followInBrowser } from './browser-following.js';
import type { Following } from './following.js';
import type { Session } from './session.js';

/** With what few pages need in files of its own. */
export function follow(session: Session): Following {
  return followInBrowser(session, async () => (await import('./browser-answers.js')).answersFor);
}
