import { once } from "node:events";
import { connect } from "node:tls";
import { expect, test } from "vitest";
import { packRevision } from "../archive.ts";
import {
  ask,
  askAdmin,
  bundleName,
  connectClient,
  createCertificate,
  hello,
  startTestBridge,
} from "./support.ts";

const path = `/bundles/${bundleName}`;

test("a new certificate is served without a restart, and connections go on", async () => {
  const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
  const client = await connectClient(running);
  client.say(hello("shop/cart-1"));
  await client.next();
  const before = (await ask(running, path)).fingerprint;
  expect((await ask(running, path)).fingerprint).toBe(before);
  running.logged.lines.length = 0;
  await running.tls.write(createCertificate());
  await running.logged.has({ msg: "certificate loaded" });
  expect((await ask(running, path)).fingerprint).not.toBe(before);
  await running.bundles.write({ [bundleName]: await packRevision("r2") });
  expect(await client.next()).toMatchObject({ revision: "r2" });
});

test.each([
  [
    "a key of another certificate",
    () => ({ ...createCertificate(), "tls.key": createCertificate()["tls.key"] }),
    "certificate_invalid",
  ],
  ["not a certificate", () => ({ ...createCertificate(), "tls.crt": "x" }), "certificate_invalid"],
  ["no key", () => ({ "tls.crt": createCertificate()["tls.crt"] }), "certificate_unreadable"],
])(
  "a pair that cannot be used is reported, the one before stays: %s",
  async (_name, files, code) => {
    const running = await startTestBridge({ files: { [bundleName]: await packRevision("r1") } });
    const before = (await ask(running, path)).fingerprint;
    await running.tls.write(files());
    await running.logged.has({ code });
    expect((await ask(running, path)).fingerprint).toBe(before);
    expect(await askAdmin(running, "/ready")).toMatchObject({ status: 200 });
  },
);

test("not ready before there is a certificate, ready when it comes", async () => {
  const running = await startTestBridge({
    certificate: {},
    files: { [bundleName]: await packRevision("r1") },
  });
  expect(await askAdmin(running, "/ready")).toEqual({
    status: 503,
    text: '{"ready":false,"reasons":["certificate_missing"]}\n',
  });
  expect(await askAdmin(running, "/health")).toMatchObject({ status: 200 });
  await expect(ask(running, path)).rejects.toMatchObject({ code: "EPROTO" });
  await running.tls.write(createCertificate());
  await running.logged.has({ msg: "certificate loaded" });
  expect(await askAdmin(running, "/ready")).toMatchObject({ status: 200 });
  expect(await ask(running, path)).toMatchObject({ status: 200 });
});

test("TLS 1.1 is refused", async () => {
  const running = await startTestBridge();
  const socket = connect({
    port: running.bridge.port,
    rejectUnauthorized: false,
    // Without this the client itself would not do it.
    ciphers: "DEFAULT@SECLEVEL=0",
    minVersion: "TLSv1.1",
    maxVersion: "TLSv1.1",
  });
  await expect(once(socket, "secureConnect")).rejects.toMatchObject({
    code: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION",
  });
});
