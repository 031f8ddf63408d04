/**
 * One compiled policy with its data, ready to be asked. The only importer of opa-wasm: of that
 * package we take the handling of memory, data and evaluation; the host's side (built-ins, aborts)
 * is ours, because whatever leaves Wasm by a throw must become a refusal.
 */
import * as sdk from "@open-policy-agent/opa-wasm";
import * as v from "valibot";
import { AppError } from "../errors.ts";
import { type Builtin, builtins } from "./builtins.ts";

export type Evaluation =
  /** `value` is undefined when the decision is. */
  | { readonly kind: "value"; readonly value: unknown }
  | { readonly kind: "error"; readonly message: string };

export interface Engine {
  /** Never throws. `input` is a JSON text. */
  evaluate(input: string): Evaluation;
  /** How often an evaluation threw and the instance was replaced. */
  revivals(): number;
}

export interface EngineSource {
  readonly wasm: Uint8Array;
  /** JSON text of the base document. */
  readonly data: Uint8Array;
  readonly entrypoint: string;
}

/** What a module compiled by OPA exports and we call. */
interface Exports {
  builtins(): number;
  opa_eval(...args: readonly number[]): number;
  opa_json_dump(value: number): number;
  opa_json_parse(text: number, length: number): number;
  opa_malloc(length: number): number;
}

function areExports(
  exports: Readonly<Record<string, unknown>>,
): exports is Exports & typeof exports {
  const names = ["builtins", "opa_eval", "opa_json_dump", "opa_json_parse", "opa_malloc"];
  return names.every((name) => typeof exports[name] === "function");
}

/** The package's class as it is at run time: its type declarations and its ES module disagree. */
interface LoadedPolicy {
  wasmInstance: WebAssembly.Instance;
  readonly entrypoints: Readonly<Record<string, number>>;
  setData(data: ArrayBuffer): void;
  evaluate(input: ArrayBuffer, entrypoint: number): unknown;
}
interface Sdk {
  readonly LoadedPolicy: new (
    instance: WebAssembly.Instance,
    memory: WebAssembly.Memory,
    minorVersion: number,
  ) => LoadedPolicy;
}

function isSdk(value: unknown): value is Sdk {
  return typeof value === "object" && value !== null && "LoadedPolicy" in value;
}

function getSdk(): Sdk {
  const found: unknown = Reflect.get(sdk, "default");
  if (!isSdk(found)) throw new TypeError("@open-policy-agent/opa-wasm has no LoadedPolicy");
  return found;
}
const { LoadedPolicy } = getSdk();

/** `opa_eval`, without which no instance is attached, came with this version of OPA's interface. */
const abiMinorVersion = 2;
const pageBytes = 65_536;
/** A parsed document takes this many times its JSON text (measured with OPA 1.22). */
const dataFactor = 10.5;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The SDK takes memory only as a whole ArrayBuffer; anything else it would stringify. */
function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  const exact = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return exact ? buffer : new Uint8Array(bytes).buffer;
}

/**
 * Room for the data from the start, because growth page by page is slow, and an end, because an
 * evaluation without bounds must fail alone. Static segments lie in the module, so its own size
 * covers what it asks for at least.
 */
function createMemory(source: EngineSource): WebAssembly.Memory {
  const bytes = source.wasm.byteLength + source.data.byteLength * dataFactor;
  const initial = Math.ceil(bytes / pageBytes) + 64;
  return new WebAssembly.Memory({ initial, maximum: Math.min(initial * 2 + 256, 65_536) });
}

function toMessage(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** The module's linear memory and the calls into it that built-ins need. */
class Host {
  readonly imports: WebAssembly.Imports;
  readonly #memory: WebAssembly.Memory;
  #exports: Exports | null = null;
  #table: readonly (Builtin | undefined)[] = [];

  constructor(memory: WebAssembly.Memory) {
    this.#memory = memory;
    const call = (id: number, _context: number, ...args: readonly number[]): number =>
      this.#call(id, args);
    this.imports = {
      env: {
        memory,
        opa_abort: (address: number) => {
          throw new Error(this.#read(address));
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

  /** Makes an instance current; the memory and everything in it stays. */
  attach(instance: WebAssembly.Instance): void {
    if (!areExports(instance.exports)) throw refuse("it was not compiled by OPA 0.27 or later");
    this.#exports = instance.exports;
  }

  /** Connects the built-ins that the module names; returns the names that we do not have. */
  connect(): readonly string[] {
    const ids = v.parse(v.record(v.string(), v.number()), this.#dump(this.#current().builtins()));
    const table: (Builtin | undefined)[] = [];
    for (const [name, id] of Object.entries(ids)) table[id] = builtins.get(name);
    this.#table = table;
    return Object.keys(ids).filter((name) => !builtins.has(name));
  }

  #current(): Exports {
    if (this.#exports === null) throw new Error("no instance is attached");
    return this.#exports;
  }

  #call(id: number, args: readonly number[]): number {
    const builtin = this.#table[id];
    if (builtin === undefined) throw new Error(`built-in function ${id} is missing`);
    const result = builtin(...args.map((address) => this.#dump(address)));
    return result === undefined ? 0 : this.#write(result);
  }

  #dump(value: number): unknown {
    return JSON.parse(this.#read(this.#current().opa_json_dump(value)));
  }

  #read(address: number): string {
    const bytes = new Uint8Array(this.#memory.buffer);
    return decoder.decode(bytes.subarray(address, bytes.indexOf(0, address)));
  }

  #write(value: unknown): number {
    const bytes = encoder.encode(JSON.stringify(value));
    const exports = this.#current();
    const address = exports.opa_malloc(bytes.byteLength);
    new Uint8Array(this.#memory.buffer).set(bytes, address);
    const parsed = exports.opa_json_parse(address, bytes.byteLength);
    if (parsed === 0) throw new Error("the result of a built-in function is not valid");
    return parsed;
  }
}

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot load policy.wasm: ${reason}`, { cause });
}

/** Compiles, instantiates, loads the data, and refuses what could not be asked later. */
export async function createEngine(source: EngineSource): Promise<Engine> {
  try {
    const module = await WebAssembly.compile(source.wasm);
    return instantiate(module, source);
  } catch (error) {
    throw error instanceof AppError ? error : refuse(toMessage(error), error);
  }
}

function instantiate(module: WebAssembly.Module, source: EngineSource): Engine {
  const memory = createMemory(source);
  const host = new Host(memory);
  const instance = new WebAssembly.Instance(module, host.imports);
  host.attach(instance);
  const missing = host.connect();
  if (missing.length > 0) {
    throw refuse(`it needs built-in functions that are not supported: ${missing.join(", ")}`);
  }
  const policy = new LoadedPolicy(instance, memory, abiMinorVersion);
  const entrypoint = policy.entrypoints[source.entrypoint];
  if (entrypoint === undefined) throw refuse(`it has no entrypoint "${source.entrypoint}"`);
  policy.setData(toArrayBuffer(source.data));
  const revive = (): void => {
    policy.wasmInstance = new WebAssembly.Instance(module, host.imports);
    host.attach(policy.wasmInstance);
  };
  return createEvaluator(policy, entrypoint, revive);
}

/**
 * A throw out of Wasm leaves the module's shadow stack where it was; some hundreds of them, and
 * every later evaluation fails. A new instance over the same memory starts with an empty stack and
 * finds the data where it was.
 */
function createEvaluator(policy: LoadedPolicy, entrypoint: number, revive: () => void): Engine {
  let revivals = 0;
  return {
    evaluate(input) {
      try {
        const answers = policy.evaluate(toArrayBuffer(encoder.encode(input)), entrypoint);
        return { kind: "value", value: takeResult(answers) };
      } catch (error) {
        const message = toMessage(error);
        try {
          revivals += 1;
          revive();
        } catch (failure) {
          return { kind: "error", message: `${message}; ${toMessage(failure)}` };
        }
        return { kind: "error", message };
      }
    },
    revivals: () => revivals,
  };
}

/** A result set has one element, `{"result": ...}`, or none when the decision is undefined. */
function takeResult(answers: unknown): unknown {
  const first: unknown = Array.isArray(answers) ? answers[0] : undefined;
  return typeof first === "object" && first !== null && "result" in first
    ? first.result
    : undefined;
}
