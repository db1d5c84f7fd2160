import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';

/** The importer and the evaluator, asked over lines of JSON. */
export class Pennon {
  #child;
  #answers;

  constructor(program, vendor) {
    this.#child = spawn(program, [vendor], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** `{ imported, refused: { [flag]: reason }, notes, outcomes }`; of the outcomes one for each `{ flag, context, now }`. */
  async ask(payload, questions) {
    this.#child.stdin.write(`${JSON.stringify({ payload, questions })}\n`);
    const { value, done } = await this.#answers.next();
    if (done) throw new Error('the evaluator ended early');
    return JSON.parse(value);
  }

  close() {
    this.#child.stdin.end();
  }
}
