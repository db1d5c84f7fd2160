// Who did what, in words, from the names that the audit log keeps.
import type { AuditEntry } from '../api/types.ts';

/** "user:ada@example.com" is ada@example.com, "token:ci" the token ci. */
export function who(author: string): string {
  const [kind, ...rest] = author.split(':');
  const name = rest.join(':');
  if (kind === 'user' && name) return name;
  return name ? `${kind} ${name}` : author;
}

const OBJECTS: Record<string, string> = {
  flag: 'the flag', 'flag-configuration': 'what the flag', segment: 'the segment', attribute: 'the attribute', layer: 'the layer', holdout: 'the holdout',
  environment: 'the environment', project: 'the project', member: 'the member', token: 'the API token', webhook: 'the webhook', 'sdk-key': 'the SDK key', publication: 'what was held back in', config: 'a configuration',
};

/** Keys, tokens and webhooks have ids for targets, and names that people gave them. */
function named({ target, newValue, oldValue }: Pick<AuditEntry, 'target' | 'newValue' | 'oldValue'>): string {
  if (!/^[0-9a-f]{32}$/.test(target)) return target;
  const value = (newValue ?? oldValue) as { name?: unknown; email?: unknown } | null | undefined;
  const name = value?.name ?? value?.email;
  return typeof name === 'string' && name !== '' ? name : target;
}

const DEEDS: Record<string, string> = {
  confirmed: 'published',
  created: 'made', updated: 'changed', deleted: 'deleted', archived: 'archived', restored: 'restored', imported: 'imported', revoked: 'revoked', added: 'added', removed: 'removed', changed: 'changed', cloned: 'cloned',
};

/** "turned on new-checkout in Production". The environment's name is given where the entry is about one. */
export function deed(entry: Pick<AuditEntry, 'action' | 'target' | 'newValue' | 'oldValue'>, environment: string | undefined): string {
  const [object = '', did = ''] = entry.action.split('.');
  const where = environment ? ` in ${environment}` : '';
  const target = named(entry);
  if (object === 'flag-configuration') {
    if (did === 'turned-on') return `turned on ${target}${where}`;
    if (did === 'turned-off') return `turned off ${target}${where}`;
    if (did === 'rolled-back') return `rolled ${target} back${where}`;
    return `changed what ${target} does${where}`;
  }
  const thing = OBJECTS[object] ?? object.replaceAll('-', ' ');
  if (did === 'rolled-back') return `rolled ${thing} ${target} back`;
  if (did === 'secret-rotated') return `drew a new secret for ${thing} ${target}`;
  if (did === 'copied-to') return `copied flags into ${thing} ${target}`;
  return `${DEEDS[did] ?? did.replaceAll('-', ' ')} ${thing} ${target}${object === 'sdk-key' ? where : ''}`;
}

/** The kinds of deeds that the log is filtered by. */
export const ACTIONS: [string, string][] = [
  ['flag-configuration.turned-on', 'turned a flag on'], ['flag-configuration.turned-off', 'turned a flag off'], ['flag-configuration.updated', 'changed what a flag does'],
  ['flag-configuration.rolled-back', 'rolled back what a flag does'], ['flag.created', 'made a flag'], ['flag.updated', 'changed a flag'], ['flag.archived', 'archived a flag'],
  ['flag.restored', 'restored a flag'], ['flag.deleted', 'deleted a flag'], ['segment.created', 'made a segment'], ['segment.updated', 'changed a segment'], ['segment.deleted', 'deleted a segment'],
  ['attribute.created', 'declared an attribute'], ['attribute.updated', 'changed an attribute'], ['environment.created', 'made an environment'], ['environment.cloned', 'cloned an environment'],
  ['environment.copied-to', 'copied flags into an environment'], ['sdk-key.created', 'made an SDK key'], ['sdk-key.revoked', 'revoked an SDK key'], ['member.added', 'added a member'],
  ['member.changed', 'changed a member'], ['member.removed', 'removed a member'], ['token.created', 'made an API token'], ['token.revoked', 'revoked an API token'],
  ['webhook.created', 'made a webhook'], ['webhook.updated', 'changed a webhook'], ['webhook.deleted', 'deleted a webhook'], ['project.imported', 'imported a project'], ['config.imported', 'imported a configuration'],
];
