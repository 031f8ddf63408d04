/** Many bouncers, and a bridge that goes and comes back: none of them misses an update. */
import { createHash } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { packRevision } from "../archive.ts";
import { startFleet } from "../load/bouncer.ts";
import { bundleName, createCertificate, createMount, startTestBridge } from "./support.ts";
import { findFreePort } from "./upstream.ts";

const count = 300;
const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

test("300 bouncers: none misses what changed while the bridge was away, or while they came back", async () => {
  const [r1, r2, r3] = await Promise.all(["r1", "r2", "r3"].map(packRevision));
  if (r1 === undefined || r2 === undefined || r3 === undefined) throw new Error("no bundles");
  const certificate = createCertificate();
  const bundles = await createMount();
  await bundles.write({ [bundleName]: r1 });
  const port = await findFreePort();
  const first = await startTestBridge({ bundles, certificate, port });

  let wanted = { sha256: sha256(r1), left: count, all: Promise.withResolvers<void>() };
  const expectAll = (bytes: Buffer): Promise<void> => {
    wanted = { sha256: sha256(bytes), left: count, all: Promise.withResolvers() };
    return wanted.all.promise;
  };
  const fleet = startFleet(count, {
    port,
    ca: certificate["tls.crt"],
    bundle: bundleName,
    token: () => "good",
    delayMs: () => Math.random() * 500,
    onEnforced: (_index, enforced) => {
      if (enforced !== wanted.sha256) return;
      wanted.left -= 1;
      if (wanted.left === 0) wanted.all.resolve();
    },
  });
  onTestFinished(() => fleet.close());
  await wanted.all.promise;

  await first.bridge.close();
  await bundles.write({ [bundleName]: r2 });
  const last = expectAll(r3);
  const second = await startTestBridge({ bundles, certificate, port });
  // In the midst of those who come back.
  await second.logged.has({ msg: "bouncer connected" });
  await bundles.write({ [bundleName]: r3 });
  await last;
  expect(new Set(fleet.enforced)).toEqual(new Set([sha256(r3)]));
});
