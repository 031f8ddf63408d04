import { X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { issueAuthority } from "./authority.ts";
import type { KeyedCertificate } from "./authority.ts";
import {
  isIssuedBy,
  joinPem,
  keyMatches,
  parseBundle,
  parseCertificate,
  splitKeys,
} from "./certificate.ts";
import { createIdentity } from "./key-pair.ts";
import type { Identity } from "./key-pair.ts";
import { issueServing } from "./serving.ts";

const now = Date.UTC(2026, 10, 21);
const year = 365 * 86_400_000;
const names = ["bouncer-injector.bouncer-system.svc", "bouncer-injector"] as const;
let identity: Identity;
let other: Identity;
let authority: KeyedCertificate;
let serving: KeyedCertificate;

beforeAll(async () => {
  [identity, other] = await Promise.all([createIdentity(2048), createIdentity(2048)]);
  authority = issueAuthority({
    identity,
    commonName: "bouncer-injector",
    notBefore: now,
    notAfter: now + 10 * year,
  });
  serving = issueServing({
    identity: other,
    authority,
    dnsNames: [...names],
    notBefore: now,
    notAfter: now + year,
  });
});

describe("an authority", () => {
  test("may sign certificates, and nothing below it may", () => {
    const x509 = new X509Certificate(authority.certificate);
    expect(x509.ca).toBe(true);
    expect(x509.checkIssued(x509)).toBe(true);
    expect(keyMatches(authority.certificate, authority.key)).toBe(true);
  });

  test("is the same for the same input", () => {
    const again = issueAuthority({
      identity,
      commonName: "bouncer-injector",
      notBefore: now,
      notAfter: now + 10 * year,
    });
    expect(again).toEqual(authority);
  });

  test("has a name of its own, so that two can overlap", () => {
    const request = { commonName: "bouncer-injector", notBefore: now, notAfter: now + year };
    const next = issueAuthority({ ...request, identity: other });
    expect(parseCertificate(next.certificate)?.subject).not.toBe(
      parseCertificate(authority.certificate)?.subject,
    );
  });
});

describe("a serving certificate", () => {
  test("names every host, is for servers only and is signed by the authority", () => {
    const x509 = new X509Certificate(serving.certificate);
    const parsed = parseCertificate(serving.certificate);
    expect(parsed).toMatchObject({
      isAuthority: false,
      dnsNames: names,
      notBefore: now,
      notAfter: now + year,
    });
    expect(x509.keyUsage).toEqual(["1.3.6.1.5.5.7.3.1"]);
    expect(isIssuedBy(serving.certificate, authority.certificate)).toBe(true);
    expect(keyMatches(serving.certificate, serving.key)).toBe(true);
    expect(x509.checkHost(names[0])).toBe(names[0]);
    expect(x509.checkHost("elsewhere.svc")).toBeUndefined();
  });

  test("is not issued by another authority, nor fits another key", () => {
    const request = { commonName: "other", notBefore: now, notAfter: now + year };
    const stranger = issueAuthority({ ...request, identity: other });
    expect(isIssuedBy(serving.certificate, stranger.certificate)).toBe(false);
    expect(keyMatches(serving.certificate, authority.key)).toBe(false);
  });

  test("keeps its common name within the limit when the host name is long", () => {
    const long = `${"a".repeat(60)}.${"b".repeat(60)}.svc`;
    const issued = issueServing({
      identity: other,
      authority,
      dnsNames: [long],
      notBefore: now,
      notAfter: now + year,
    });
    expect(new X509Certificate(issued.certificate).subject).toBe(`CN=${long.slice(0, 64)}`);
    expect(parseCertificate(issued.certificate)?.dnsNames).toEqual([long]);
  });
});

describe("reading", () => {
  test("a bundle comes back as it was joined, whatever its line ends", () => {
    const bundle = joinPem([authority.certificate, serving.certificate]);
    expect(
      parseBundle(bundle)
        .map((c) => c.pem)
        .join(""),
    ).toBe(bundle);
    expect(
      parseBundle(bundle.replaceAll("\n", "\r\n"))
        .map((c) => c.pem)
        .join(""),
    ).toBe(bundle);
  });

  test("keys are split", () => {
    expect(splitKeys(joinPem([authority.key, serving.key]))).toHaveLength(2);
  });

  test.each([
    "",
    "not PEM",
    "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
  ])("nothing is made of %j", (text) => {
    expect(parseCertificate(text)).toBeUndefined();
    expect(parseBundle(text)).toEqual([]);
    expect(keyMatches(serving.certificate, text)).toBe(false);
    expect(keyMatches(text, serving.key)).toBe(false);
    expect(isIssuedBy(text, authority.certificate)).toBe(false);
  });
});
