import { ExchangeModule, starter } from './exchange.js';
import type { InitOutput } from './generated/pennon_wasm.js';

/** The head's fields that are read, by their position in wasm/src/acceptance.rs. */
const EPOCH = 0;
const VERSION = 1;
const REFRESH_BY = 3;

const encoder = new TextEncoder();

/** The evaluator's module (wasm/src). */
export class EvaluatorModule extends ExchangeModule<InitOutput> {
  /** Nothing when one of the parts has another form than core/spec/snapshot.md says. */
  create(root: Uint8Array, environment: Uint8Array, server: boolean, highWater: Uint8Array): Evaluator | undefined {
    // Their lengths tell them apart.
    if (root.length !== 32 || environment.length !== 16) return undefined;
    this.renew();
    this.put(root, environment, highWater);
    const address = this.wasm.evaluator_create(this.exchange, Number(server));
    return address === 0 ? undefined : new Evaluator(this, address);
  }

  /** The stable name of a refusal, by its answer. */
  refusalCode(answer: number): string {
    this.wasm.refusal_code(this.exchange, answer);
    return this.text();
  }

  refusalSentence(answer: number): string {
    this.wasm.refusal_sentence(this.exchange, answer);
    return this.text();
  }

  /** The number of the keyset that a head names; 0 when it is no head. */
  keysetOfHead(head: Uint8Array): number {
    this.put(head);
    return this.wasm.keyset_of_head(this.exchange);
  }
}

/** Starts the evaluator's module for all clients of this program. */
export const startEvaluator = starter(EvaluatorModule);

/** One client's state in the module. wasm/src says what each function takes and answers. */
export class Evaluator {
  readonly #module: EvaluatorModule;
  readonly #wasm: InitOutput;
  /** @internal Where it lies in the module's memory. */
  address: number;

  /** @internal Made by `EvaluatorModule.create`. */
  constructor(module: EvaluatorModule, address: number) {
    this.#module = module;
    this.#wasm = module.wasm;
    this.address = address;
  }

  /** Every later call throws. */
  free(): void {
    const { address } = this;
    this.address = 0;
    this.#wasm.__wbg_evaluator_free(address, 0);
  }

  offerKeyset(keyset: Uint8Array): number {
    this.#module.put(keyset);
    return this.#wasm.evaluator_offer_keyset(this.address, this.#module.exchange);
  }

  offerHead(head: Uint8Array, now: number, held: boolean): number {
    this.#module.put(head);
    return this.#wasm.evaluator_offer_head(this.address, this.#module.exchange, now, Number(held));
  }

  rootMessage(): Uint8Array {
    this.#wasm.evaluator_root_message(this.address, this.#module.exchange);
    return this.#module.taken();
  }

  checkCount(): number {
    return this.#wasm.evaluator_check_count(this.address);
  }

  check(position: number): Uint8Array {
    this.#wasm.evaluator_check(this.address, this.#module.exchange, position);
    return this.#module.taken();
  }

  admitKeyset(rootSha256: Uint8Array, passed: Uint8Array): number {
    this.#module.put(rootSha256, passed);
    return this.#wasm.evaluator_admit_keyset(this.address, this.#module.exchange);
  }

  admitHead(passed: Uint8Array): number {
    this.#module.put(passed);
    return this.#wasm.evaluator_admit_head(this.address, this.#module.exchange);
  }

  bodySha256(): Uint8Array {
    this.#wasm.evaluator_body_sha256(this.address, this.#module.exchange);
    return this.#module.taken();
  }

  isRenewal(): boolean {
    return this.#wasm.evaluator_is_renewal(this.address) !== 0;
  }

  admitRenewal(): number {
    return this.#wasm.evaluator_admit_renewal(this.address);
  }

  admitBody(body: Uint8Array, sha256: Uint8Array): number {
    this.#module.put(body, sha256);
    return this.#wasm.evaluator_admit_body(this.address, this.#module.exchange);
  }

  heldBodySha256(): Uint8Array {
    this.#wasm.evaluator_held_body_sha256(this.address, this.#module.exchange);
    return this.#module.taken();
  }

  applyDelta(delta: Uint8Array): Uint8Array | undefined {
    this.#module.put(delta);
    const made = this.#wasm.evaluator_apply_delta(this.address, this.#module.exchange);
    return made === 0 ? undefined : this.#module.taken();
  }

  keysetNumber(): number {
    return this.#wasm.evaluator_keyset_number(this.address);
  }

  highWater(): Uint8Array {
    this.#wasm.evaluator_high_water(this.address, this.#module.exchange);
    return this.#module.taken();
  }

  /** Of the head held; `refreshBy` in Unix milliseconds. Not a number before the first. */
  head(): { epoch: number; version: number; refreshBy: number } {
    const field = (position: number) => this.#wasm.evaluator_head_field(this.address, position);
    return { epoch: field(EPOCH), version: field(VERSION), refreshBy: field(REFRESH_BY) };
  }

  body(): Uint8Array {
    this.#wasm.evaluator_body(this.address, this.#module.exchange);
    return this.#module.taken();
  }

  setContext(encoded: Uint8Array, place: number): number {
    this.#module.put(encoded);
    return this.#wasm.evaluator_set_context(this.address, this.#module.exchange, place);
  }

  evaluate(position: number, place: number, now: number): number {
    return this.#wasm.evaluator_evaluate(this.address, position, place, now);
  }

  until(): number {
    return this.#wasm.evaluator_until(this.address);
  }

  flagCount(): number {
    return this.#wasm.evaluator_flag_count(this.address);
  }

  find(key: string): number {
    this.#module.put(encoder.encode(key));
    return this.#wasm.evaluator_find(this.address, this.#module.exchange);
  }

  flagKey(position: number): string {
    this.#wasm.evaluator_flag_key(this.address, this.#module.exchange, position);
    return this.#module.text();
  }

  flagType(position: number): number {
    return this.#wasm.evaluator_flag_type(this.address, position);
  }

  flagIsClientVisible(position: number): boolean {
    return this.#wasm.evaluator_flag_is_client_visible(this.address, position) !== 0;
  }

  variantName(position: number, variant: number): string {
    this.#wasm.evaluator_variant_name(this.address, this.#module.exchange, position, variant);
    return this.#module.text();
  }

  variantNumber(position: number, variant: number): number {
    return this.#wasm.evaluator_variant_number(this.address, position, variant);
  }

  variantText(position: number, variant: number): string | undefined {
    const found = this.#wasm.evaluator_variant_text(this.address, this.#module.exchange, position, variant);
    return found === 0 ? undefined : this.#module.text();
  }

  ruleId(position: number, rule: number): string {
    this.#wasm.evaluator_rule_id(this.address, this.#module.exchange, position, rule);
    return this.#module.text();
  }

  flagMetadata(position: number): Uint8Array {
    this.#wasm.evaluator_flag_metadata(this.address, this.#module.exchange, position);
    return this.#module.taken();
  }

  explain(key: string, place: number, now: number): string {
    this.#module.put(encoder.encode(key));
    this.#wasm.evaluator_explain(this.address, this.#module.exchange, place, now);
    return this.#module.text();
  }
}
