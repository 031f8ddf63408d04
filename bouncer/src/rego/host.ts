/**
 * The host's side of a compiled policy: the memory that both sides share, the built-ins that the
 * policy calls, and the clock that ends what takes too long. Values cross as Rego text, so that sets,
 * keys of any type and long numbers arrive as they were. Interface of the module: OPA, Wasm ABI 1.2.
 */
import { type Builtin, BuiltinError, Operands, type Query, TimeIsUp } from "./builtin.ts";
import { meterName, meterSignal, meterSteps } from "./wasm/meter.ts";
import { parseTerm, printTerm } from "./term.ts";

/** What a module compiled by OPA exports and we call. */
interface Exports {
  builtins(): number;
  opa_eval(...args: readonly number[]): number;
  opa_json_dump(value: number): number;
  opa_malloc(length: number): number;
  opa_value_dump(value: number): number;
  opa_value_parse(text: number, length: number): number;
}

const exported = [
  "builtins",
  "opa_eval",
  "opa_json_dump",
  "opa_malloc",
  "opa_value_dump",
  "opa_value_parse",
];

function areExports(
  exports: Readonly<Record<string, unknown>>,
): exports is Exports & typeof exports {
  return exported.every((name) => typeof exports[name] === "function");
}

export interface HostOptions {
  readonly memory: WebAssembly.Memory;
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Milliseconds of any monotonic clock. */
  readonly now: () => number;
}

/** What the policy asks for while it is evaluated. */
export interface Evaluating {
  readonly query: Query;
  /** On the clock of `HostOptions.now`. */
  readonly deadline: number;
  /** A built-in could not work on its operands: undefined for the policy, of interest to people. */
  readonly onBuiltinError?: (name: string, message: string) => void;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Host {
  readonly imports: WebAssembly.Imports;
  readonly #options: HostOptions;
  #exports: Exports | null = null;
  #meter: WebAssembly.Global | null = null;
  #table: readonly { readonly name: string; readonly run: Builtin }[] = [];
  #evaluating: Evaluating | null = null;

  constructor(options: HostOptions) {
    this.#options = options;
    const call = (id: number, _context: number, ...args: readonly number[]): number =>
      this.#call(id, args);
    this.imports = {
      env: {
        memory: options.memory,
        opa_abort: (address: number) => {
          if (address === meterSignal) this.#tick();
          else throw new Error(this.read(address));
        },
        // Rego's `print`, which compilation erases unless it was asked not to.
        opa_println: () => undefined,
        opa_builtin0: call,
        opa_builtin1: call,
        opa_builtin2: call,
        opa_builtin3: call,
        opa_builtin4: call,
      },
    };
  }

  /** Makes an instance current; the memory and everything in it stays. Throws for a foreign one. */
  attach(instance: WebAssembly.Instance): void {
    const { exports } = instance;
    const meter = exports[meterName];
    if (!areExports(exports)) throw new TypeError("it was not compiled by OPA 0.27 or later");
    this.#exports = exports;
    this.#meter = isGlobal(meter) ? meter : null;
  }

  /** Names and numbers of the built-ins that the module calls in its host. */
  required(): Readonly<Record<string, number>> {
    const ids: unknown = JSON.parse(
      this.read(this.#current().opa_json_dump(this.#current().builtins())),
    );
    const entries = typeof ids === "object" && ids !== null ? Object.entries(ids) : [];
    return Object.fromEntries(entries.filter(([, id]) => typeof id === "number"));
  }

  connect(ids: Readonly<Record<string, number>>): void {
    const table: { name: string; run: Builtin }[] = [];
    for (const [name, id] of Object.entries(ids)) {
      const run = this.#options.builtins.get(name);
      if (run !== undefined) table[id] = { name, run };
    }
    this.#table = table;
  }

  /** Address of the result's text. Throws whatever goes wrong; then the instance must be replaced. */
  evaluate(args: readonly number[], evaluating: Evaluating): number {
    this.#evaluating = evaluating;
    try {
      return this.#current().opa_eval(...args);
    } finally {
      this.#evaluating = null;
    }
  }

  /** The text that begins at `address` and ends before the next zero. */
  read(address: number): string {
    const bytes = new Uint8Array(this.#options.memory.buffer);
    return decoder.decode(bytes.subarray(address, bytes.indexOf(0, address)));
  }

  #current(): Exports {
    if (this.#exports === null) throw new Error("no instance is attached");
    return this.#exports;
  }

  #tick(): void {
    const deadline = this.#evaluating?.deadline ?? Number.POSITIVE_INFINITY;
    if (this.#options.now() >= deadline) throw new TimeIsUp("the evaluation took too long");
    if (this.#meter !== null) this.#meter.value = meterSteps;
  }

  #call(id: number, args: readonly number[]): number {
    const builtin = this.#table[id];
    if (builtin === undefined) throw new Error(`built-in function ${id} is missing`);
    if (this.#evaluating === null) throw new Error("a built-in was called outside of a query");
    const exports = this.#current();
    const values = args.map((address) => parseTerm(this.read(exports.opa_value_dump(address))));
    try {
      const result = builtin.run(new Operands(values), this.#evaluating.query);
      return result === undefined ? 0 : this.#write(printTerm(result));
    } catch (error) {
      if (!(error instanceof BuiltinError)) throw error;
      this.#evaluating.onBuiltinError?.(builtin.name, error.message);
      return 0;
    }
  }

  #write(text: string): number {
    const bytes = encoder.encode(text);
    const exports = this.#current();
    const address = exports.opa_malloc(bytes.byteLength);
    new Uint8Array(this.#options.memory.buffer).set(bytes, address);
    const value = exports.opa_value_parse(address, bytes.byteLength);
    if (value === 0) throw new Error("the result of a built-in function was not taken");
    return value;
  }
}

function isGlobal(value: unknown): value is WebAssembly.Global {
  return typeof value === "object" && value !== null && "value" in value;
}
