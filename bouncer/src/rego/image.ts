/**
 * A compiled policy with its data in memory, before anybody may ask it: the slow part, done beside
 * the traffic, in another thread when there is any.
 * The policy's own code runs here already, and is not trusted to end.
 */
import { AppError } from "../errors.ts";
import { threadCpuMs } from "./cpu.ts";
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

export const pageBytes = 65_536;
const maxPages = 65_536;
/** A parsed document takes this many times its JSON text (measured with OPA 1.22). */
const dataFactor = 10.5;
/** Ten times what loading takes on a busy machine: whoever takes longer would never end. */
const loading = { ms: 10_000, msPerByte: 0.001 } as const;

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
  const host = new Host({ memory, builtins: new Map(), now: threadCpuMs });
  host.instantiate(module, loading.ms);
  const builtins = host.within(loading.ms, () => host.list("builtins"));
  const { missing } = await find(Object.keys(builtins));
  if (missing.length > 0) {
    throw refuse(`it needs built-in functions that are not supported: ${missing.join(", ")}`);
  }
  const entrypoints = host.within(loading.ms, () => host.list("entrypoints"));
  const entrypoint = source.entrypoint === null ? 0 : entrypoints[source.entrypoint];
  if (entrypoint === undefined) throw refuse(`it has no entrypoint "${source.entrypoint}"`);
  const dataMs = loading.ms + loading.msPerByte * source.data.byteLength;
  const data = host.within(dataMs, () => host.load(source.data));
  return {
    module,
    memory,
    maximumPages,
    builtins,
    entrypoint,
    dataAddress: data.value,
    heapAddress: data.end,
  };
}
