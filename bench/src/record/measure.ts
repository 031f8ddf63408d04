/**
 * What it costs to keep account of a request, part by part, in CPU and in garbage. Where there are
 * two versions of the code, they take turns, so that what disturbs one disturbs both.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type * as audits from "../../../bouncer/src/audit/audit.ts";
import type * as exchanges from "../../../bouncer/src/proxy/exchange.ts";
import type { Exchange, Report } from "../../../bouncer/src/proxy/exchange.ts";
import type * as telemetry from "../../../bouncer/src/telemetry/metrics.ts";
import { buildRequests, type Decided, type Kind, kinds } from "./requests.ts";

export interface Extent {
  readonly rounds: number;
  readonly requests: number;
}

export const full: Extent = { rounds: 9, requests: 50_000 };
export const short: Extent = { rounds: 3, requests: 20_000 };

/** What is done with each request; `all`: audit record and metrics. */
export const parts = ["exchange", "audit", "metrics", "all"] as const;

export type Part = (typeof parts)[number];

export interface Cell {
  readonly version: string;
  readonly kind: Kind;
  readonly part: Part;
  /** User and system time, microseconds a request. */
  readonly cpuUs: number;
  /** Allocated on V8's heap, a request. */
  readonly bytes: number;
}

interface Version extends AsyncDisposable {
  readonly name: string;
  readonly begin: (report: Report) => Exchange;
  readonly reports: Readonly<Record<Part, Report>>;
  /** Until the reader of the records has taken what it was given: it is not what is measured. */
  readonly settle: () => Promise<void>;
}

const source = { address: "10.244.1.17", port: 40_000 };
const destination = { address: "10.244.2.9", port: 3000 };

/** `folder`: the sources of a bouncer; records go to another process, through a pipe. */
export async function startVersion(name: string, folder: string): Promise<Version> {
  const load = async (path: string): Promise<unknown> => await import(join(folder, path));
  const { createAudit } = (await load("audit/audit.ts")) as typeof audits;
  const { createMetrics } = (await load("telemetry/metrics.ts")) as typeof telemetry;
  const { Exchange: Exchanges } = (await load("proxy/exchange.ts")) as typeof exchanges;
  const reader = spawn("cat", { stdio: ["pipe", "ignore", "inherit"] });
  const audit = await createAudit(
    {
      enableAuditLog: true,
      auditLogDestination: "stdout",
      auditLogFile: "",
      auditMode: "availability",
      auditMasks: null,
      podName: "orders-6d5f7c9b8-x2x7k",
      podNamespace: "shop",
    },
    {
      version: "1.0.0",
      stdout: reader.stdin,
      onDropped: (records) => {
        throw new Error(`${records} records were lost: the run says nothing`);
      },
    },
  );
  const metrics = createMetrics({
    version: "1.0.0",
    policy: () => {
      throw new Error("nobody asks");
    },
    inFlight: () => 0,
    connections: () => 0,
  });
  return {
    name,
    begin: (report) => new Exchanges(source, destination, report),
    reports: {
      exchange: () => undefined,
      audit: (report) => {
        audit.record(report);
      },
      metrics: (report) => {
        metrics.observe(report);
      },
      all: (report) => {
        audit.record(report);
        metrics.observe(report);
      },
    },
    settle: async () => {
      await setImmediate();
      if (reader.stdin.writableLength > 0) {
        await new Promise((resolve) => reader.stdin.write("", resolve));
      }
    },
    [Symbol.asyncDispose]: async () => {
      await audit.close();
      reader.stdin.end();
      await once(reader, "close");
    },
  };
}

/** Requests between two looks at the event loop: about what comes in with one poll. */
const burst = 20;

async function run(
  { begin, reports, settle }: Version,
  part: Part,
  requests: readonly Decided[],
  count: number,
): Promise<void> {
  const report = reports[part];
  for (let done = 0; done < count; done += 1) {
    const request = requests[done % requests.length];
    if (request !== undefined) finish(begin(report), request);
    if (done % burst === burst - 1) await settle();
  }
}

function finish(exchange: Exchange, { head, decision }: Decided): void {
  const { verdict } = decision;
  exchange.head = head;
  exchange.decision = decision;
  if (verdict.kind === "deny") exchange.reason = verdict.reason;
  exchange.status = verdict.kind === "deny" ? verdict.status : 200;
  exchange.responseBytes = 1024;
  exchange.finish();
}

async function measureCpu(version: Version, cell: Asked, count: number): Promise<number> {
  const start = process.cpuUsage();
  await run(version, cell.part, cell.requests, count);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / count;
}

/** Few enough that nothing is collected meanwhile, even in the smallest young generation. */
const counted = 40;

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function measureBytes(version: Version, cell: Asked): Promise<number> {
  const samples: number[] = [];
  for (let sample = 0; sample < 15; sample += 1) {
    collect();
    const before = process.memoryUsage().heapUsed;
    await run(version, cell.part, cell.requests, counted);
    samples.push((process.memoryUsage().heapUsed - before) / counted);
  }
  return median(samples);
}

interface Asked {
  readonly kind: Kind;
  readonly part: Part;
  readonly requests: readonly Decided[];
}

export async function measure(
  versions: readonly Version[],
  { rounds, requests }: Extent,
): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  for (const kind of kinds) {
    const asked = buildRequests(kind, 512);
    for (const part of parts) {
      const samples = new Map(versions.map((version) => [version, [] as number[]]));
      const cell = { kind, part, requests: asked };
      for (const version of versions) await measureCpu(version, cell, requests);
      for (let round = 0; round < rounds; round += 1) {
        for (const [version, found] of samples) {
          found.push(await measureCpu(version, cell, requests));
        }
      }
      for (const [version, found] of samples) {
        const cpuUs = median(found);
        const bytes = await measureBytes(version, cell);
        cells.push({ version: version.name, kind, part, cpuUs, bytes });
      }
    }
  }
  return cells;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? 0;
}
