/** Requests and limits of the added containers. Pure. */
import type { Options } from "../annotations/parse.ts";
import type { Resources, Settings } from "../settings.ts";

const factors: Readonly<Record<string, number>> = {
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Only the forms that settings and annotations accept. */
function amountOf(quantity: string): number {
  const unit = /[A-Za-z]*$/.exec(quantity)?.[0] ?? "";
  return Number.parseFloat(quantity) * (factors[unit] ?? 1);
}

interface Range {
  readonly request: string;
  readonly limit: string;
}

/** The API server refuses a request above its limit, so the one that was not chosen gives way. */
function override(preset: Range, request: string | null, limit: string | null): Range {
  const wanted = { request: request ?? preset.request, limit: limit ?? preset.limit };
  if (amountOf(wanted.request) <= amountOf(wanted.limit)) return wanted;
  return limit === null
    ? { request: wanted.request, limit: wanted.request }
    : { request: wanted.limit, limit: wanted.limit };
}

export function buildResources(options: Options, presets: Settings["presets"]): Resources {
  const { requests, limits } = presets[options.preset];
  const cpu = override(
    { request: requests.cpu, limit: limits.cpu },
    options.cpuRequest,
    options.cpuLimit,
  );
  const memory = override(
    { request: requests.memory, limit: limits.memory },
    options.memoryRequest,
    options.memoryLimit,
  );
  return {
    requests: { cpu: cpu.request, memory: memory.request },
    limits: { cpu: cpu.limit, memory: memory.limit },
  };
}

const stepCpuLimit = "500m";

/**
 * Of the steps before the application, which waits for them: they take half a second of CPU
 * together, and at the small preset's limit that is five seconds of each start of a pod. Requests
 * stay, so that no more is reserved; a limit that was asked for holds for the steps, too.
 */
export function buildStepResources(options: Options, presets: Settings["presets"]): Resources {
  const resources = buildResources(options, presets);
  const { limits } = resources;
  if (options.cpuLimit !== null || amountOf(limits.cpu) >= amountOf(stepCpuLimit)) return resources;
  return { ...resources, limits: { ...limits, cpu: stepCpuLimit } };
}
