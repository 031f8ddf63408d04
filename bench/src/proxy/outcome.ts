/** What load generators say, and whether it is what was asked for. Pure. */
import { isRefused, type Load } from "./loads.ts";

export interface Outcome {
  readonly requests: number;
  readonly seconds: number;
  /** Bytes of answers, with their heads; null where the generator has checked each. */
  readonly bytes: number | null;
  /** Answers with a status that is an error, and requests without an answer. */
  readonly refused: number;
  readonly failed: number;
  /** One for each request, in milliseconds; empty where the generator keeps none. */
  readonly latenciesMs: readonly number[];
}

/** Lua for wrk. `run` makes the paths of one run others than those of the next. */
const commonHeaders = [
  ["user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"],
  ["accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"],
  ["accept-language", "en-US,en;q=0.5"],
  ["referer", "https://shop.example/orders?page=2"],
  ["cookie", "session=0d3f7f0e2b6c4d1e9a8b7c6d5e4f3a2b; theme=dark"],
  ["cache-control", "no-cache"],
  ["dnt", "1"],
  ["x-request-source", "frontend"],
  ["pragma", "no-cache"],
] as const;

export function buildWrkScript(load: Load & { readonly kind: "wrk" }, run: number): string {
  const { method, role, sent, isUnique, isTraced, path } = load;
  const body = sent === 0 ? "" : `wrk.body = string.rep("x", ${sent})\n`;
  const unique = `local counter = 0
request = function()
  counter = counter + 1
  return wrk.format(nil, "${path}/${run}-" .. counter)
end
`;
  const headers = commonHeaders.map(([name, value]) => `wrk.headers["${name}"] = "${value}"\n`);
  const traced = `${headers.join("")}local counter = 0
request = function()
  counter = counter + 1
  wrk.headers["traceparent"] = string.format("00-%032x-%016x-01", counter, counter)
  return wrk.format(nil, "${path}")
end
`;
  return `wrk.method = "${method}"
wrk.headers["x-role"] = "${role}"
${body}${isUnique ? unique : ""}${isTraced ? traced : ""}done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\n{"requests":%d,"microseconds":%d,"bytes":%d,"status":%d,"failed":%d}\\n',
    summary.requests, summary.duration, summary.bytes, e.status,
    e.connect + e.read + e.write + e.timeout))
end
`;
}

interface WrkSummary {
  readonly requests: number;
  readonly microseconds: number;
  readonly bytes: number;
  readonly status: number;
  readonly failed: number;
}

export function readWrk(text: string): Outcome {
  const line = text.split("\n").find((one) => one.startsWith("{"));
  if (line === undefined) throw new Error(`wrk says nothing that is understood: ${text}`);
  const { requests, microseconds, bytes, status, failed } = JSON.parse(line) as WrkSummary;
  return { requests, seconds: microseconds / 1e6, bytes, refused: status, failed, latenciesMs: [] };
}

export function readH2load(text: string): Outcome {
  const read = (pattern: RegExp): number => {
    const found = pattern.exec(text)?.[1];
    if (found === undefined) throw new Error(`h2load says nothing that is understood: ${text}`);
    return Number(found);
  };
  return {
    requests: read(/, (\d+) done,/),
    seconds: read(/finished in ([\d.]+)s,/),
    bytes: null,
    refused: read(/ (\d+) 3xx,/) + read(/ (\d+) 4xx,/) + read(/ (\d+) 5xx/),
    failed: read(/, (\d+) failed,/) + read(/, (\d+) timeout/),
    latenciesMs: [],
  };
}

interface OwnSummary {
  readonly requests: number;
  readonly seconds: number;
  readonly latenciesNs: readonly number[];
}

/** The generator has checked every answer, and ends at the first that is not as it must be. */
export function readOwn(line: string): Outcome {
  const { requests, seconds, latenciesNs } = JSON.parse(line) as OwnSummary;
  const latenciesMs = latenciesNs.map((latency) => latency / 1e6);
  return { requests, seconds, bytes: null, refused: 0, failed: 0, latenciesMs };
}

/** Also what a machine gives that was busy with something else all the time. */
export const nothing = "no request was answered";

/** A target that answers errors quickly has not been measured. */
export function findProblems(load: Load, outcome: Outcome, decides: boolean): readonly string[] {
  const { requests, refused, failed, bytes } = outcome;
  const expected = isRefused(load, decides) ? requests : 0;
  const least = isRefused(load, decides) ? 0 : requests * load.received;
  return [
    ...(requests > 0 ? [] : [nothing]),
    ...(failed === 0 ? [] : [`${failed} of ${requests} requests failed`]),
    ...(refused === expected
      ? []
      : [`${refused} of ${requests} requests were refused instead of ${expected}`]),
    ...(bytes === null || bytes >= least
      ? []
      : [`${bytes} bytes came instead of ${least} at least`]),
  ];
}

/**
 * Requests whose work was done in the time: of large answers those count in part that were on their
 * way when the time was over.
 */
export function countWork(load: Load, { requests, bytes }: Outcome): number {
  const isLarge = load.received >= 100_000 && bytes !== null;
  return isLarge ? bytes / load.received : requests;
}
