/** The colour of a variant, by its place in the flag's list. */
export const partColour = (index: number): string => `var(--part-${Math.max(0, index) % 6})`;
