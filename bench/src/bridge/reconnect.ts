/** A bridge that dies, and a fleet that comes back to the next one all at once. */
import { randomBytes } from "node:crypto";
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
import { startFleet } from "./simulated.ts";

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
