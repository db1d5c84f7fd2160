import type { JsonValue } from './outcome.js';

/**
 * The project's flags and the types of their values. Empty here; `npx pennon types` writes a file that fills it, and then a
 * key that does not exist, or one of another type, does not compile.
 */
export interface FlagTypes {}

/** The keys of flags with values of this type; any text while the project's flags are not known. */
export type FlagKey<Value = JsonValue> = keyof FlagTypes extends never
  ? string
  : { [Key in keyof FlagTypes]: FlagTypes[Key] extends Value ? Key : never }[keyof FlagTypes];
