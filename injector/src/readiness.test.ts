import type { Certificate } from "bouncer-certs/certificate";
import { expect, test } from "vitest";
import { assessReadiness } from "./readiness.ts";

const serving: Certificate = {
  pem: "",
  fingerprint: "",
  subject: "",
  notBefore: 0,
  notAfter: 100,
  isAuthority: false,
  dnsNames: [],
};
const certificates = { serving, signer: null, bridge: null, caBundleInSync: true, error: null };
const good = {
  certificates,
  namespacesSynced: true,
  clusterSettled: true,
  draining: false,
  now: 99,
};
const ok = { certificate: "ok", caBundle: "ok", namespaces: "ok", cluster: "ok", process: "ok" };

test.each([
  { state: "all is well", facts: good, checks: ok },
  {
    state: "no certificate",
    facts: { ...good, certificates: { ...certificates, serving: null } },
    checks: { ...ok, certificate: "not loaded yet" },
  },
  {
    state: "the certificate has expired",
    facts: { ...good, now: 100 },
    checks: { ...ok, certificate: "expired" },
  },
  {
    state: "the API server does not trust it",
    facts: { ...good, certificates: { ...certificates, caBundleInSync: false } },
    checks: { ...ok, caBundle: "not published" },
  },
  {
    state: "namespaces are not listed",
    facts: { ...good, namespacesSynced: false },
    checks: { ...ok, namespaces: "not listed yet" },
  },
  {
    state: "the versions of the cluster are not read",
    facts: { ...good, clusterSettled: false },
    checks: { ...ok, cluster: "not read yet" },
  },
  {
    state: "it shuts down",
    facts: { ...good, draining: true },
    checks: { ...ok, process: "shutting down" },
  },
])("$state", ({ facts, checks }) => {
  expect(assessReadiness(facts)).toEqual({
    ready: Object.values(checks).every((check) => check === "ok"),
    checks,
    error: null,
  });
});

test("a failure of the certificates is told, and alone is no reason not to serve", () => {
  const facts = { ...good, certificates: { ...certificates, error: "Cannot read Secret" } };
  expect(assessReadiness(facts)).toMatchObject({ ready: true, error: "Cannot read Secret" });
});
