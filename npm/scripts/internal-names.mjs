/**
 * Properties that modules of this package share and that nobody else sees: no option, no result, no member of a class or of a store that
 * an application has to do with, nothing of the platform's, nothing that is stored or sent.
 */
export const INTERNAL_NAMES = [
  // platform.ts, session.ts, following.ts
  'accepting', 'answerBy', 'drive', 'fault', 'following', 'needed', 'damaged', 'driven', 'explainBy', 'loadAnswers', 'loadEvaluator', 'loadFollowing', 'loadStored', 'onWake', 'opened',
  'restart', 'started', 'unsaved', 'unusable', 'verifyOtherwise', 'thrown', 'files',
  // client.ts, flag-client.ts
  'accepted', 'closing', 'confirmed', 'earliestEnd', 'evaluated', 'failed', 'hasFaulty', 'isStale', 'onClose', 'schedule', 'timeCame',
  // evaluator.ts, exchange.ts, flags.ts, contexts.ts
  'address', 'crossing', 'encoded', 'ends', 'entryOf', 'evaluateAll', 'evaluateFor', 'evaluateOnce', 'evaluator', 'forgetOutcomes', 'give', 'hand', 'known', 'listeners', 'position', 'refreshBy',
  'renew', 'rules', 'snapshotChanged', 'taken', 'ticket', 'variants',
  // failure.ts, transport.ts, tabs.ts
  'about', 'counted', 'why', 'transport', 'given',
];

/** Whatever a platform has under one of these names would be lost. */
const taken = new Set([Object.prototype, ...Object.getOwnPropertyNames(globalThis).map((name) => globalThis[name])].flatMap((value) => {
  const objects = [value, value?.prototype].filter((each) => typeof each === 'function' || (typeof each === 'object' && each !== null));
  return objects.flatMap((each) => Object.getOwnPropertyNames(each));
}));
const clashes = INTERNAL_NAMES.filter((name) => taken.has(name));
if (clashes.length > 0) throw new Error(`these names are not only ours: ${clashes.join(', ')}`);
