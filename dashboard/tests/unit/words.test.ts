import { expect, test } from 'vitest';

import { deed, who } from '../../src/history/words.ts';

test.each([
  ['user:ada@example.com', 'ada@example.com'],
  ['token:ci', 'token ci'],
  ['import', 'import'],
])('%s is said as %s', (author, words) => expect(who(author)).toBe(words));

test.each([
  ['flag-configuration.turned-on', 'x', 'Production', 'turned on x in Production'],
  ['flag-configuration.rolled-back', 'x', 'Production', 'rolled x back in Production'],
  ['flag-configuration.updated', 'x', undefined, 'changed what x does'],
  ['flag.created', 'x', undefined, 'made the flag x'],
  ['sdk-key.created', '1a', 'Production', 'made the SDK key 1a in Production'],
  ['webhook.secret-rotated', 'ci', undefined, 'drew a new secret for the webhook ci'],
  ['something.new-here', 'x', undefined, 'new here something x'],
])('%s is said in words', (action, target, environment, words) => expect(deed({ action, target }, environment)).toBe(words));
