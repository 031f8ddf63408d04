/**
 * The host's side of a compiled policy: the memory that both sides share, the built-ins that the
 * policy calls, and the clock that ends what takes too long. Values cross as Rego text, so that sets,
 * keys of any type and long numbers arrive as they were. Interface of the module: OPA, Wasm ABI 1.2.
 */
import { type Builtin, BuiltinError, Operands, type Query, TimeIsUp } from "./builtin.ts";
import { meterSignal } from "./wasm/function.ts";
import { meterName, meterSteps } from "./wasm/meter.ts";
import { parseTerm, printTerm } from "./term.ts";

/** What a module compiled by OPA exports and we call. */
interface Exports {
  builtins(): number;
  entrypoints(): number;
  opa_eval(
    reserved: 0,
    entrypoint: number,
    data: number,
    input: number,
    inputLength: number,
    heap: number,
    form: number,
  ): number;
  opa_heap_ptr_get(): number;
  opa_json_dump(value: number): number;
  opa_json_parse(text: number, length: number): number;
  opa_malloc(length: number): number;
  opa_value_dump(value: number): number;
  opa_value_parse(text: number, length: number): number;
}

const exported = [
  "builtins",
  "entrypoints",
  "opa_eval",
  "opa_heap_ptr_get",
  "opa_json_dump",
  "opa_json_parse",
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
  /** Milliseconds of computing: `threadCpuMs`. */
  readonly now: () => number;
}

/** One evaluation. */
export interface Question {
  readonly entrypoint: number;
  /** Where the data are. */
  readonly data: number;
  /** The text; at 0 there is none. */
  readonly input: { readonly address: number; readonly length: number };
  /** Where the memory begins that may be used. */
  readonly heap: number;
  /** Of the result. */
  readonly form: number;
}

/** What the policy asks for while it is evaluated. */
export interface Evaluating {
  readonly query: Query;
  /** On the clock of `HostOptions.now`. */
  readonly deadline: number;
  /** A built-in could not work on its operands: undefined for the policy, of interest to people. */
  readonly onBuiltinError?: (name: string, message: string) => void;
}

/** What reading a character of an operand costs, in steps of `Query.checkTime`. */
const stepsOfCharacter = 3;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * A decision, or an operand, of more bytes is none that anybody means: to look for its end and to
 * read it would hold up all requests.
 */
const maxTextBytes = 32 * 1024 * 1024;

export class Host {
  readonly #imports: WebAssembly.Imports;
  readonly #options: HostOptions;
  #exports: Exports | null = null;
  #meter: WebAssembly.Global | null = null;
  #bytes = new Uint8Array();
  #table: readonly { readonly name: string; readonly run: Builtin }[] = [];
  #evaluating: Evaluating | null = null;
  /** For what runs in the module outside of evaluations; without one, it is ended when it asks. */
  #deadline = Number.NEGATIVE_INFINITY;

  constructor(options: HostOptions) {
    this.#options = options;
    const call = (id: number, _context: number, ...args: readonly number[]): number =>
      this.#call(id, args);
    this.#imports = {
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

  /**
   * Makes a new instance current; the memory and everything in it stays. Code of the module runs
   * already here. Throws for a foreign one, and what that throws.
   */
  instantiate(module: WebAssembly.Module, withinMs: number): void {
    const { exports } = this.within(
      withinMs,
      () => new WebAssembly.Instance(module, this.#imports),
    );
    const meter = exports[meterName];
    if (!areExports(exports)) throw new TypeError("it was not compiled by OPA 0.27 or later");
    this.#exports = exports;
    this.#meter = isGlobal(meter) ? meter : null;
  }

  /** Whatever of the module `run` calls is ended when it takes longer. */
  within<T>(ms: number, run: () => T): T {
    this.#deadline = this.#options.now() + ms;
    try {
      return run();
    } finally {
      this.#deadline = Number.NEGATIVE_INFINITY;
    }
  }

  /** Names and numbers of what the module has, or of the built-ins that it calls in its host. */
  list(what: "builtins" | "entrypoints"): Readonly<Record<string, number>> {
    const exports = this.#current();
    const ids: unknown = JSON.parse(this.read(exports.opa_json_dump(exports[what]())));
    const entries = typeof ids === "object" && ids !== null ? Object.entries(ids) : [];
    return Object.fromEntries(entries.filter(([, id]) => typeof id === "number"));
  }

  /** Takes a JSON text in for good: where its value is, and where what lies behind it begins. */
  load(text: Uint8Array): { readonly value: number; readonly end: number } {
    const exports = this.#current();
    const address = exports.opa_malloc(text.byteLength) >>> 0;
    this.bytes().set(text, address);
    const value = exports.opa_json_parse(address, text.byteLength);
    if (value === 0) throw new Error("its data are not JSON");
    const end = exports.opa_heap_ptr_get() >>> 0;
    if (end > this.#options.memory.buffer.byteLength) throw new Error("its heap has no end");
    return { value, end };
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
  evaluate(question: Question, evaluating: Evaluating): number {
    const { entrypoint, data, input, heap, form } = question;
    this.#evaluating = evaluating;
    try {
      const exports = this.#current();
      return exports.opa_eval(0, entrypoint, data, input.address, input.length, heap, form);
    } finally {
      this.#evaluating = null;
    }
  }

  /** All memory, as it is until the policy asks for more. */
  bytes(): Uint8Array {
    const { buffer } = this.#options.memory;
    // Growing detaches the buffer.
    if (this.#bytes.buffer !== buffer) this.#bytes = new Uint8Array(buffer);
    return this.#bytes;
  }

  /** The text that begins at `address` and ends before the next zero. */
  read(address: number): string {
    const bytes = this.bytes();
    const begin = address >>> 0;
    const text = bytes.subarray(begin, begin + maxTextBytes);
    const length = text.indexOf(0);
    if (length < 0) throw new Error(`a value has more than ${maxTextBytes} bytes`);
    return decoder.decode(text.subarray(0, length));
  }

  #current(): Exports {
    if (this.#exports === null) throw new Error("no instance is attached");
    return this.#exports;
  }

  #tick(): void {
    const deadline = this.#evaluating?.deadline ?? this.#deadline;
    if (this.#options.now() >= deadline) throw new TimeIsUp("the policy took too long");
    if (this.#meter !== null) this.#meter.value = meterSteps;
  }

  #call(id: number, args: readonly number[]): number {
    const builtin = this.#table[id];
    if (builtin === undefined) throw new Error(`built-in function ${id} is missing`);
    if (this.#evaluating === null) throw new Error("a built-in was called outside of a query");
    const exports = this.#current();
    const { query } = this.#evaluating;
    const values = args.map((address) => {
      const text = this.read(exports.opa_value_dump(address));
      query.checkTime(text.length * stepsOfCharacter);
      return parseTerm(text);
    });
    try {
      const result = builtin.run(new Operands(values), query);
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
    const address = exports.opa_malloc(bytes.byteLength) >>> 0;
    this.bytes().set(bytes, address);
    const value = exports.opa_value_parse(address, bytes.byteLength);
    if (value === 0) throw new Error("the result of a built-in function was not taken");
    return value;
  }
}

function isGlobal(value: unknown): value is WebAssembly.Global {
  return typeof value === "object" && value !== null && "value" in value;
}
