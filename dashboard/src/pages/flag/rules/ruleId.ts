/** An id that no rule has: it stays with the rule for good. */
export function newRuleId(taken: string[]): string {
  for (;;) {
    const [number = 0] = crypto.getRandomValues(new Uint32Array(1));
    const id = `rule-${number.toString(16).padStart(8, '0')}`;
    if (!taken.includes(id)) return id;
  }
}
