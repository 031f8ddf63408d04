/** A bridge that dies, and a fleet that comes back to the next one all at once. */
import { fork } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { packBundle } from "../../../bridge/test/archive.ts";
import { memoryMiB } from "../process.ts";
import {
  type BridgeOptions,
  type Certificate,
  createMount,
  findFreePort,
  startApi,
  startBridge,
} from "./bridge.ts";
import type { FleetNews, FleetOrder } from "./fleet.ts";

export interface Reconnect {
  readonly bouncers: number;
  readonly bundleKiB: number;
  /** From the start of the second bridge to the last bouncer that has what changed meanwhile. */
  readonly seconds: number;
  /** Bouncers without the last content. */
  readonly lost: number;
  readonly tokenReviews: number;
  readonly peakMiB: number;
  readonly settledMiB: number;
}

export interface ReconnectOptions {
  readonly program: string;
  readonly folder: string;
  readonly certificate: Certificate;
  readonly bouncers: number;
  readonly bundleKiB: number;
}

const bundle = "policy.tar.gz";
const patienceMs = 180_000;

export async function measureReconnect(options: ReconnectOptions): Promise<Reconnect> {
  const { bouncers, certificate, folder, program } = options;
  const api = await startApi(certificate);
  const mount = await createMount(`${folder}/bundles`);
  const contents = await Promise.all([1, 2, 3].map((version) => pack(version, options.bundleKiB)));
  const [first, second, third] = contents;
  if (first === undefined || second === undefined || third === undefined) throw new Error("none");
  await mount.write(bundle, first);
  const port = await findFreePort();
  const bridge: BridgeOptions = { program, folder, bundles: mount.path, certificate, api, port };
  const old = await startBridge(bridge);
  const fleet = startFleet({ count: bouncers, port, ca: certificate.cert, bundle });
  try {
    await fleet.all(first);
    await old.kill();
    await mount.write(bundle, second);
    const reviewed = api.reviews();
    const startedAt = Date.now();
    const fresh = await startBridge(bridge);
    await fleet.some(second);
    // In the midst of those who come back.
    await mount.write(bundle, third);
    const lastAt = await fleet.all(third);
    const { peak, rss } = memoryMiB(fresh.pid);
    const tokenReviews = api.reviews() - reviewed;
    await fresh.kill();
    return {
      bouncers,
      bundleKiB: Math.round(third.length / 1024),
      seconds: (lastAt - startedAt) / 1000,
      lost: fleet.without(third),
      tokenReviews,
      peakMiB: peak,
      settledMiB: rss,
    };
  } finally {
    fleet.close();
    api.close();
  }
}

/** Random bytes do not compress: the archive is as large as what is in it. */
async function pack(version: number, sizeKiB: number): Promise<Buffer> {
  const data = JSON.stringify({ noise: randomBytes(sizeKiB * 768).toString("base64") });
  return packBundle({
    "/.manifest": JSON.stringify({ revision: `r${version}` }),
    "/data.json": data,
  });
}

const ignore = (): void => undefined;

function startFleet(order: FleetOrder) {
  const child = fork(fileURLToPath(new URL("./fleet.ts", import.meta.url)));
  const enforced = new Map<number, string>();
  let look: (at: number) => void = ignore;
  child.on("message", ({ index, sha256, at }: FleetNews) => {
    enforced.set(index, sha256);
    look(at);
  });
  child.send(order);
  const countOf = (bytes: Buffer): number => {
    const wanted = createHash("sha256").update(bytes).digest("hex");
    return [...enforced.values()].filter((sha256) => sha256 === wanted).length;
  };
  /** Resolves with the time at which so many have it, or when patience ends. */
  const until = (bytes: Buffer, count: number): Promise<number> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => resolve(Date.now()), patienceMs);
      look = (at) => {
        if (countOf(bytes) < count) return;
        clearTimeout(timer);
        look = ignore;
        resolve(at);
      };
      look(Date.now());
    });
  return {
    all: (bytes: Buffer) => until(bytes, order.count),
    some: (bytes: Buffer) => until(bytes, 1),
    without: (bytes: Buffer) => order.count - countOf(bytes),
    close: () => child.disconnect(),
  };
}
