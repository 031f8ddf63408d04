/**
 * A compiled policy, ready to be asked. Whatever goes wrong inside is an outcome, not an exception;
 * what takes too long is ended; and after each of these the next evaluation finds things as they
 * were.
 */
import { type Builtin, TimeIsUp } from "./builtin.ts";
import { type Evaluating, Host } from "./host.ts";
import type { Image } from "./image.ts";
import { pageBytes } from "./image.ts";

export type Evaluation =
  /** `value` is undefined when the decision is. */
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "timeout" }
  | { readonly kind: "error"; readonly message: string };

export type TermEvaluation = Exclude<Evaluation, { kind: "value" }> | TermResult;

/** The result set as a Rego term: `{{"result": ...}}`, or `set()` when it is undefined. */
interface TermResult {
  readonly kind: "term";
  readonly text: string;
}

export interface Engine {
  /** Never throws. `input` is a JSON text; null: there is none. */
  evaluate(input: string | null, evaluating: Evaluating): Evaluation;
  /** As `evaluate`, with numbers and sets as they are in Rego. */
  evaluateTerm(input: string | null, evaluating: Evaluating): TermEvaluation;
  /** How often an evaluation threw and the instance was replaced. */
  revivals(): number;
}

export interface EngineDeps {
  /** By name: at least those that the image asks for. */
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Milliseconds of computing: `threadCpuMs`. */
  readonly now: () => number;
}

/** What `opa_eval` is asked to leave: JSON, or a term. */
const format = { json: 0, term: 1 } as const;
/** UTF-16 units of a text take at most this many bytes each in UTF-8. */
const maxBytesOfUnit = 3;
/** What modules of OPA do when they are attached takes a thousandth of it. */
const attachMs = 250;
const encoder = new TextEncoder();

/** Takes the image's memory for its own. */
export function createEngine(image: Image, deps: EngineDeps): Engine {
  const { module, memory } = image;
  const host = new Host({ ...deps, memory });
  const attach = (): void => {
    host.instantiate(module, attachMs);
  };
  attach();
  host.connect(image.builtins);
  let revivals = 0;

  /** Leaves the input where evaluations begin to use memory; returns its length in bytes. */
  function write(input: string): number {
    const { heapAddress } = image;
    const missing = heapAddress + input.length * maxBytesOfUnit - memory.buffer.byteLength;
    if (missing > 0) memory.grow(Math.ceil(missing / pageBytes));
    return encoder.encodeInto(input, host.bytes().subarray(heapAddress)).written;
  }

  /** Address of the result's text. */
  function run(input: string | null, form: number, evaluating: Evaluating): number {
    const { heapAddress, entrypoint, dataAddress } = image;
    const length = input === null ? 0 : write(input);
    const address = input === null ? 0 : heapAddress;
    const question = { entrypoint, data: dataAddress, input: { address, length }, form };
    return host.evaluate({ ...question, heap: heapAddress + length }, evaluating) >>> 0;
  }

  /**
   * A throw out of Wasm leaves the module's shadow stack where it was; some hundreds of them, and
   * every later evaluation fails. A new instance over the same memory starts with an empty stack
   * and finds the data where it was.
   */
  function recover(error: unknown): Exclude<Evaluation, { kind: "value" }> {
    const message = error instanceof Error ? error.message : String(error);
    try {
      revivals += 1;
      attach();
    } catch (failure) {
      return { kind: "error", message: `${message}; ${String(failure)}` };
    }
    return error instanceof TimeIsUp ? { kind: "timeout" } : { kind: "error", message };
  }

  return {
    evaluate(input, evaluating) {
      try {
        const address = run(input, format.json, evaluating);
        const short = readShort(host.bytes(), address);
        if (short !== undefined) return { kind: "value", value: short };
        const answers: unknown = JSON.parse(host.read(address));
        return { kind: "value", value: takeResult(answers) };
      } catch (error) {
        return recover(error);
      }
    },
    evaluateTerm(input, evaluating) {
      try {
        return { kind: "term", text: host.read(run(input, format.term, evaluating)) };
      } catch (error) {
        return recover(error);
      }
    },
    revivals: () => revivals,
  };
}

/** What most decisions are, as the module writes it, with the zero at its end. */
const shorts = [true, false].map((value) => ({
  value,
  text: encoder.encode(`[{"result":${value}}]\0`),
}));

/** `true` or `false`; undefined: it has to be read. */
function readShort(bytes: Uint8Array, address: number): boolean | undefined {
  for (const { value, text } of shorts) {
    let at = 0;
    while (at < text.byteLength && bytes[address + at] === text[at]) at += 1;
    if (at === text.byteLength) return value;
  }
  return undefined;
}

/** A result set has one element, `{"result": ...}`, or none when the decision is undefined. */
function takeResult(answers: unknown): unknown {
  const first: unknown = Array.isArray(answers) ? answers[0] : undefined;
  return typeof first === "object" && first !== null && "result" in first
    ? first.result
    : undefined;
}
