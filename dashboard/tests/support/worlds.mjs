// Projects to look at: many flags, and flags whose every text is hostile.

/** A CONFIG.json of so many flags, a tenth of them with a rule and a split. */
export function manyFlags(count) {
  const flags = {};
  for (let number = 0; number < count; number += 1) {
    const key = `flag-${String(number).padStart(5, '0')}`;
    const ruled = number % 10 === 0;
    flags[key] = {
      type: 'boolean', description: `What number ${number} is for.`, clientVisible: number % 2 === 0, enabled: number % 3 !== 0, offVariant: 'off',
      variants: [{ key: 'on', value: true }, { key: 'off', value: false }],
      rules: ruled
        ? [{
            id: `rule-${number}`,
            when: { all: [{ in: { attribute: 'country', values: ['US', 'CA'] } }, { equals: { attribute: 'plan', value: 'pro' } }] },
            serve: { split: { by: { salt: number.toString(16).padStart(32, '0') }, weights: [{ variant: 'on', weight: 25_000 }, { variant: 'off', weight: 75_000 }] } },
          }]
        : [],
      fallthrough: { variant: 'off' },
    };
  }
  return { format: 1, attributes: { country: { type: 'string' }, plan: { type: 'string' } }, flags };
}

/** Texts that some page somewhere has stumbled over; each sets `hostile` in the window should it ever run. */
export const HOSTILE = {
  markup: '<img src=x onerror="window.hostile=1"><script>window.hostile=1</script><b>bold</b>',
  attribute: '" onmouseover="window.hostile=1" autofocus onfocus="window.hostile=1',
  address: 'javascript:window.hostile=1',
  rightToLeft: '\u202Eesrever \u05E9\u05DC\u05D5\u05DD \u0645\u0631\u062D\u0628\u0627',
  long: 'W'.repeat(200),
  emoji: '👩‍👩‍👧‍👦🏳️‍🌈'.repeat(6),
  combining: `Z${'\u0351\u0343'.repeat(24)}algo`,
  template: '{{constructor.constructor("window.hostile=1")()}} ${window.hostile=1}',
  words: 'null undefined NaN [object Object] __proto__',
};
