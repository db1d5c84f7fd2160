// What every flag serves in every environment: one row for each flag, one cell for each environment.
import type { Draft, EvaluationContext, Outcome } from '../evaluator/draft.ts';

export interface MatrixRow {
  flag: string;
  /** In the order of the environments; undefined where the flag is not, or the environment is not there yet. */
  outcomes: (Outcome | undefined)[];
  /** Whether this one serves something else somewhere. */
  differs: boolean;
}

/** @throws Error for a context that cannot be used, with a sentence about the attribute */
export function matrix(drafts: readonly (Pick<Draft, 'evaluateAll'> | undefined)[], context: EvaluationContext): MatrixRow[] {
  const columns = drafts.map((draft) => draft?.evaluateAll(context));
  const flags = new Set(columns.flatMap((column) => [...(column?.keys() ?? [])]));
  return [...flags].sort().map((flag) => {
    const outcomes = columns.map((column) => column?.get(flag));
    const served = outcomes.filter((_, place) => columns[place] !== undefined).map((outcome) => JSON.stringify([outcome?.variant, outcome?.value]));
    return { flag, outcomes, differs: served.some((one) => one !== served[0]) };
  });
}
