/**
 * A compiled policy with its data in memory, before anybody may ask it: the slow part, done beside
 * the traffic, in another thread when there is any. The only importer of opa-wasm, which knows how
 * modules of OPA want to be loaded.
 */
import * as sdk from "@open-policy-agent/opa-wasm";
import { AppError } from "../errors.ts";
import { Host } from "./host.ts";
import { meter } from "./wasm/meter.ts";
import { findBuiltins } from "./registry.ts";

export interface ImageSource {
  readonly wasm: Uint8Array;
  /** JSON text of the base document. */
  readonly data: Uint8Array;
  /** `envoy/authz/allow`; null: the first one. */
  readonly entrypoint: string | null;
  /** What one evaluation may use beyond the data, bytes. */
  readonly evaluationBytes: number;
}

/** Can be posted to another thread, but for `memory`: see `worker.ts`. */
export interface Image {
  readonly module: WebAssembly.Module;
  readonly memory: WebAssembly.Memory;
  /** Of the memory, in pages of 64 KiB. */
  readonly maximumPages: number;
  /** The built-ins that are called in the host, and their numbers. */
  readonly builtins: Readonly<Record<string, number>>;
  readonly entrypoint: number;
  /** Of the parsed base document. */
  readonly dataAddress: number;
  /** Where the memory that evaluations use begins. */
  readonly heapAddress: number;
}

/** The package's class as it is at run time: its type declarations and its ES module disagree. */
interface LoadedPolicy {
  readonly entrypoints: Readonly<Record<string, number>>;
  readonly dataAddr: number;
  readonly dataHeapPtr: number;
  setData(data: ArrayBuffer): void;
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
export const pageBytes = 65_536;
const maxPages = 65_536;
/** A parsed document takes this many times its JSON text (measured with OPA 1.22). */
const dataFactor = 10.5;

function refuse(reason: string, cause?: unknown): AppError {
  return new AppError("bundle_invalid", `Cannot load policy.wasm: ${reason}`, { cause });
}

/**
 * Compiles, loads the data, and refuses what could not be asked later. Throws AppError. `find` may
 * know more built-ins than the registry.
 */
export async function buildImage(source: ImageSource, find = findBuiltins): Promise<Image> {
  try {
    const module = await WebAssembly.compile(meter(source.wasm));
    return await load(module, source, find);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
}

async function load(
  module: WebAssembly.Module,
  source: ImageSource,
  find: typeof findBuiltins,
): Promise<Image> {
  // Room for the data from the start, because growth page by page is slow. Static segments lie in
  // the module, so its own size covers what it asks for at least.
  const bytes = source.wasm.byteLength + source.data.byteLength * dataFactor;
  const initial = Math.ceil(bytes / pageBytes) + 16;
  // The text of the data lies beside what is made of it while it is parsed, and some stay apart.
  const spare = Math.ceil((source.evaluationBytes + source.data.byteLength * 2) / pageBytes);
  const maximumPages = Math.min(initial + spare, maxPages);
  if (initial >= maxPages) throw refuse("its data do not fit into the 4 GiB that WebAssembly has");
  const memory = new WebAssembly.Memory({ initial, maximum: maximumPages });
  const host = new Host({ memory, builtins: new Map(), now: () => 0 });
  const instance = new WebAssembly.Instance(module, host.imports);
  host.attach(instance);
  const builtins = host.required();
  const { missing } = await find(Object.keys(builtins));
  if (missing.length > 0) {
    throw refuse(`it needs built-in functions that are not supported: ${missing.join(", ")}`);
  }
  const policy = new LoadedPolicy(instance, memory, abiMinorVersion);
  const entrypoint = source.entrypoint === null ? 0 : policy.entrypoints[source.entrypoint];
  if (entrypoint === undefined) throw refuse(`it has no entrypoint "${source.entrypoint}"`);
  policy.setData(toArrayBuffer(source.data));
  return {
    module,
    memory,
    maximumPages,
    builtins,
    entrypoint,
    dataAddress: policy.dataAddr,
    heapAddress: policy.dataHeapPtr,
  };
}

/** The package takes memory only as a whole ArrayBuffer; anything else it would stringify. */
function toArrayBuffer(bytes: Uint8Array): ArrayBuffer {
  const { buffer } = bytes;
  const exact = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.byteLength;
  return exact ? buffer : new Uint8Array(bytes).buffer;
}
