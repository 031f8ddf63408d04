import { randomBytes } from "node:crypto";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { fromJson } from "../../../src/rego/term.ts";
import type { Value } from "../../../src/rego/value.ts";
import {
  bits,
  bool,
  buildCertificate,
  buildRequest,
  commonName,
  type ExtensionSpec,
  integer,
  type KeyName,
  keyNames,
  keyOf,
  name,
  type NamePart,
  oid,
  seq,
  type Spec,
  text,
  tlv,
  toPem,
} from "./certificate-builder.ts";
import { type BuiltinCall, compareWithOpa, sample, sampleCalls } from "./harness.ts";
import { anyString, mostly } from "./operand.ts";

const attributes: fc.Arbitrary<NamePart> = fc
  .tuple(
    fc.constantFrom(3, 5, 6, 7, 8, 9, 10, 11, 17, 42),
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc.constantFrom<[number, string][]>(
          [0x13, "Print able"],
          [0x0c, "\u00fcber"],
          [0x16, "a@b"],
          [0x13, "*.a & b"],
        ),
      },
      {
        weight: 1,
        arbitrary: fc.constantFrom<[number, string][]>(
          [0x13, "no_good"],
          [0x12, "12 3"],
          [0x12, "1a"],
          [0x14, "\u00fc\u00df"],
          [0x0c, ""],
          [0x1e, "\u0000a\u0000b"],
          [0x1e, "a"],
          [0x1c, "abcd"],
          [0x1e, "\u0000a\u0000\u0000"],
        ),
      },
    ),
  )
  .map(([arc, [tag, value]]) => ({
    id: arc === 42 ? "1.2.840.113549.1.9.1" : `2.5.4.${arc}`,
    tag,
    value: Buffer.from(value, tag === 0x0c ? "utf8" : "latin1"),
  }));

const names = fc.array(attributes, { maxLength: 4 }).map(name);

const uris = [
  "https://user:p%40ss@host.example:8443/a%2Fb/c?x=1&y#frag",
  "spiffe://trust.domain/workload",
  "urn:uuid:1-2-3",
  "http://[::1]:80/",
  "http://[fe80::1%25en0]/",
  "/relative/path?",
  "mailto:a@b",
  "http://h/%zz",
  "http://a b/",
  "//host/path",
  "http:///empty",
  "http:/no-host",
  "a:b:c",
  "1:2",
  "http://host:port/",
  "http://host/!$&'()*+,;=:@~/",
  "http://h\u00e9/",
  "",
  "http://..",
  "*",
] as const;

const generalName = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .constantFrom("a.example", "*.b.example", "c", "", "a b", "\u00fc")
      .map((value) => text(0x82, value)),
  },
  fc.constantFrom("a@b.example", '"q x"@c', "@", "a@").map((value) => text(0x81, value)),
  { weight: 3, arbitrary: fc.constantFrom(...uris).map((value) => text(0x86, value)) },
  fc
    .constantFrom(
      [10, 0, 0, 1],
      [1, 2, 3],
      Array.from({ length: 16 }, () => 0),
      [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1],
      [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 1, 2, 3, 4],
      [0xfe, 0x80, 0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0, 0],
    )
    .map((bytes) => tlv(0x87, Uint8Array.from(bytes))),
  fc.constantFrom(tlv(0xa0, oid("1.2.3")), tlv(0x88, Uint8Array.of(1))),
);

const subtree = fc.oneof(
  fc
    .constantFrom(".example", "b.example", "", ".", "a..b", "\u00fc")
    .map((value) => text(0x82, value)),
  fc.constantFrom("a@b.example", "b.example", ".example", "a@").map((value) => text(0x81, value)),
  fc.constantFrom("host.example", ".example", "10.0.0.1").map((value) => text(0x86, value)),
  fc
    .constantFrom([10, 0, 0, 0, 255, 0, 0, 0], [10, 0, 0, 0, 255, 0, 255, 0], [1, 2])
    .map((bytes) => tlv(0x87, Uint8Array.from(bytes))),
  fc.constant(tlv(0xa4, seq())),
);

const subtrees = fc.array(subtree, { maxLength: 2 }).map((bases) => bases.map((base) => seq(base)));

const valueOf: Readonly<Record<string, fc.Arbitrary<Uint8Array>>> = {
  "2.5.29.14": fc.constantFrom(tlv(0x04, Uint8Array.of(1, 2, 3)), tlv(0x04), tlv(0x02)),
  "2.5.29.15": fc.constantFrom(
    bits(Uint8Array.of(0x06), 1),
    bits(Uint8Array.of(0xff, 0x80), 7),
    bits(Uint8Array.of()),
    bits(Uint8Array.of(1), 1),
  ),
  "2.5.29.17": fc.array(generalName, { maxLength: 4 }).map((parts) => seq(...parts)),
  "2.5.29.19": fc.constantFrom(
    seq(),
    seq(bool(true)),
    seq(bool(true), integer(0n)),
    seq(integer(3n)),
    seq(bool(true), integer(-1n)),
    seq(bool(true), integer(1n << 64n)),
  ),
  "2.5.29.30": fc
    .tuple(subtrees, subtrees)
    .map(([permitted, excluded]) =>
      seq(
        ...(permitted.length === 0 ? [] : [tlv(0xa0, ...permitted)]),
        ...(excluded.length === 0 ? [] : [tlv(0xa1, ...excluded)]),
      ),
    ),
  "2.5.29.31": fc.constantFrom(
    seq(seq(tlv(0xa0, tlv(0xa0, text(0x86, "http://crl/1"), text(0x86, "http://crl/2"))))),
    seq(seq()),
    seq(seq(tlv(0xa0, tlv(0xa1)))),
    seq(seq(tlv(0xa0, tlv(0xa0, text(0x82, "x"), text(0x86, "y"))))),
  ),
  "2.5.29.32": fc.constantFrom(
    seq(),
    seq(seq(oid("1.2.3.4"))),
    seq(seq(oid("2.5.29.32.0")), seq(oid("1.2.3"), seq())),
    seq(seq(oid("1.2.3")), seq(oid("1.2.3"))),
    seq(seq(tlv(0x06, Uint8Array.of(0x2a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)))),
  ),
  "2.5.29.33": fc.constantFrom(seq(seq(oid("1.2.3"), oid("1.2.4"))), seq(seq(oid("1.2.3"))), seq()),
  "2.5.29.35": fc.constantFrom(
    seq(tlv(0x80, Uint8Array.of(9, 8))),
    seq(),
    seq(tlv(0x80)),
    tlv(0x04),
  ),
  "2.5.29.36": fc.constantFrom(
    seq(tlv(0x80, Uint8Array.of(0)), tlv(0x81, Uint8Array.of(5))),
    seq(),
    seq(tlv(0x81, Uint8Array.of(0))),
    seq(tlv(0x80, Uint8Array.of(0xff))),
    seq(tlv(0x80)),
  ),
  "2.5.29.37": fc
    .array(
      fc.constantFrom(
        "2.5.29.37.0",
        "1.3.6.1.5.5.7.3.1",
        "1.3.6.1.5.5.7.3.9",
        "1.3.6.1.4.1.311.61.1.1",
        "2.16.840.1.113730.4.1",
        "1.2.3",
      ),
    )
    .map((ids) => seq(...ids.map(oid))),
  "2.5.29.54": fc.constantFrom(integer(0n), integer(7n), integer(-3n), integer(1n << 70n)),
  "1.3.6.1.5.5.7.1.1": fc.constantFrom(
    seq(
      seq(oid("1.3.6.1.5.5.7.48.1"), text(0x86, "http://ocsp")),
      seq(oid("1.3.6.1.5.5.7.48.2"), text(0x86, "http://ca\u00fc")),
    ),
    seq(seq(oid("1.2.3"), text(0x86, "z")), seq(oid("1.3.6.1.5.5.7.48.1"), text(0x82, "no"))),
    seq(seq()),
  ),
  "1.2.3.4.5": fc.constantFrom(Uint8Array.of(), Uint8Array.of(5, 0)),
};

const extension: fc.Arbitrary<ExtensionSpec> = fc
  .constantFrom(...Object.keys(valueOf))
  .chain((id) =>
    fc.record({
      id: fc.constant(id),
      isCritical: fc.integer({ min: 0, max: 5 }).map((luck) => luck === 0),
      value: valueOf[id] ?? fc.constant(Uint8Array.of()),
    }),
  );

const times = fc.constantFrom(
  text(0x17, "200101000000Z"),
  text(0x17, "500101000000Z"),
  text(0x17, "4912312359Z"),
  text(0x17, "200101000000+0130"),
  text(0x17, "200101000000+0000"),
  text(0x17, "200230000000Z"),
  text(0x17, "200101240000Z"),
  text(0x17, "200101000060Z"),
  text(0x18, "20500101000000Z"),
  text(0x18, "99991231235959Z"),
  text(0x18, "00010101000000Z"),
  text(0x18, "20500101000000.5Z"),
  text(0x18, "20500101000000-0800"),
  text(0x18, "205001010000Z"),
  text(0x16, "200101000000Z"),
);

/** Mostly something usual. */
function often<T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(usual) }, { weight: 1, arbitrary: other });
}

const specs: fc.Arbitrary<Spec> = fc.record({
  key: fc.constantFrom(...keyNames),
  signer: fc.constantFrom<KeyName[]>("rsa", "p256", "p521", "ed25519"),
  hash: fc.constantFrom("sha1", "sha256", "sha384", "sha512"),
  subject: fc.oneof(fc.constant(commonName("a")), names),
  issuer: fc.oneof(fc.constant(commonName("b")), names),
  serial: often(1n, fc.constantFrom(0n, -1n, 1n << 159n, 127n, 128n)),
  version: often(2, fc.constantFrom(0, 1, 3)),
  notBefore: often(text(0x17, "200101000000Z"), times),
  notAfter: often(text(0x17, "491231235959Z"), times),
  extensions: fc.uniqueArray(extension, { maxLength: 4, selector: ({ id }) => id }),
});

/** Bytes that are changed, cut or added somewhere. */
const broken = (ders: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Uint8Array> =>
  fc
    .tuple(ders, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 12 }))
    .map(([der, where, byte, how]) => {
      const copy = Buffer.from(der);
      if (how === 0) copy[where % copy.length] = byte;
      if (how === 1) return copy.subarray(0, where % copy.length);
      if (how === 2) return Buffer.concat([copy, Uint8Array.of(byte)]);
      // In the head, where most of the structure is.
      if (how === 3) copy[where % 60] = byte;
      return copy;
    });

function toText(type: string, der: Uint8Array, form: number): string {
  const pem = toPem(type, der);
  const forms = [
    pem,
    Buffer.from(der).toString("base64"),
    Buffer.from(pem).toString("base64"),
    pem.replaceAll("\n", "\r\n"),
    pem.replace("-----\n", "-----\nName: value\n\n"),
    `${pem}${pem}`,
    `${pem}after`,
    `before\n${pem}`,
    pem.replace(/=*\n-----END/, "-----END"),
    pem.replace("-----END", "-----END "),
    toPem("OTHER", der),
    Buffer.from(der).toString("base64url"),
    pem.replaceAll("\n", " \t\n"),
    pem.trimEnd(),
  ];
  return forms[form % forms.length] ?? pem;
}

/** Half of them as PEM. */
const form = fc.oneof(fc.constant(0), fc.nat({ max: 13 }));

test("crypto.x509.parse_certificates", async () => {
  const certificate = fc
    .tuple(broken(specs.map(buildCertificate)), form)
    .map(([der, which]) => toText("CERTIFICATE", der, which));
  const calls = sampleCalls("crypto.x509.parse_certificates", fc.tuple(mostly(certificate)), 800);
  expect(await compareWithOpa(calls)).toEqual([]);
});

const requestAttribute = fc.oneof(
  fc
    .uniqueArray(extension, { maxLength: 3, selector: ({ id }) => id })
    .map((list) =>
      seq(
        oid("1.2.840.113549.1.9.14"),
        tlv(
          0x31,
          seq(
            ...list.map(({ id, isCritical, value }) =>
              seq(oid(id), ...(isCritical ? [bool(true)] : []), tlv(0x04, value)),
            ),
          ),
        ),
      ),
    ),
  fc.constantFrom(
    seq(oid("1.2.840.113549.1.9.7"), tlv(0x31, text(0x13, "challenge"))),
    seq(
      oid("1.2.3"),
      tlv(
        0x31,
        seq(seq(oid("1.2.4"), integer(5n)), seq(oid("1.2.5"), bits(Uint8Array.of(0xa0), 5))),
      ),
    ),
    seq(
      oid("1.2.3"),
      tlv(
        0x31,
        seq(seq(oid("1.2.4"), oid("1.2.9")), seq(oid("1.2.5"), text(0x17, "200101000000Z"))),
      ),
    ),
    seq(oid("1.2.3"), tlv(0x31)),
    seq(oid("1.2.3"), tlv(0x31, seq())),
    seq(oid("1.2.3"), tlv(0x31, seq(seq(oid("1.2.4"), seq())))),
  ),
);

test("crypto.x509.parse_certificate_request", async () => {
  const request = fc.record({
    key: fc.constantFrom<KeyName[]>("rsa", "p256", "ed25519", "p224"),
    subject: fc.oneof(fc.constant(commonName("a")), names),
    attributes: fc.array(requestAttribute, { maxLength: 2 }),
  });
  const operand = fc
    .tuple(broken(request.map(buildRequest)), form)
    .map(([der, which]) => toText("CERTIFICATE REQUEST", der, which));
  const calls = sampleCalls(
    "crypto.x509.parse_certificate_request",
    fc.tuple(mostly(operand)),
    800,
  );
  expect(await compareWithOpa(calls)).toEqual([]);
});

function privateKeys(key: KeyName): readonly string[] {
  const secret = keyOf(key);
  const pkcs8 = secret.export({ format: "pem", type: "pkcs8" }).toString();
  const own = key === "rsa" ? "pkcs1" : /^(?:p|secp)/.test(key) ? "sec1" : "pkcs8";
  const other = secret.export({ format: "pem", type: own }).toString();
  return [
    pkcs8,
    other,
    pkcs8 + other,
    Buffer.from(pkcs8).toString("base64"),
    secret.export({ format: "der", type: "pkcs8" }).toString("base64"),
    other.replace("-----\n", "-----\nProc-Type: 4,ENCRYPTED\n\n"),
    pkcs8.slice(0, 100),
    pkcs8.replace("M", "N"),
    `x\n${pkcs8}`,
    `${pkcs8}x`,
  ];
}

const keyText = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom(...keyNames.flatMap(privateKeys)) },
  { weight: 1, arbitrary: anyString },
);

test.each(["crypto.parse_private_keys", "crypto.x509.parse_rsa_private_key"])(
  "%s",
  async (builtin) => {
    expect(await compareWithOpa(sampleCalls(builtin, fc.tuple(mostly(keyText)), 300))).toEqual([]);
  },
);

test("crypto.x509.parse_keypair", async () => {
  const pair = fc.constantFrom(...keyNames).chain((key) =>
    fc.tuple(
      form.map((which) =>
        toText(
          "CERTIFICATE",
          buildCertificate({
            key,
            signer: "p256",
            subject: commonName("a"),
            issuer: commonName("b"),
          }),
          which,
        ),
      ),
      fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...privateKeys(key)) },
        { weight: 1, arbitrary: keyText },
      ),
    ),
  );
  expect(await compareWithOpa(sampleCalls("crypto.x509.parse_keypair", pair, 300))).toEqual([]);
});

const host = "host.example";

/** What CAs have on the way down, with something odd now and then. */
const caExtensions = fc.array(
  fc.constantFrom<ExtensionSpec[]>(
    { id: "2.5.29.15", isCritical: true, value: bits(Uint8Array.of(0x04), 2) },
    { id: "2.5.29.15", isCritical: true, value: bits(Uint8Array.of(0x80), 7) },
    { id: "2.5.29.30", isCritical: true, value: seq(tlv(0xa0, seq(text(0x82, "example")))) },
    { id: "2.5.29.30", isCritical: false, value: seq(tlv(0xa0, seq(text(0x82, ".example")))) },
    { id: "2.5.29.30", isCritical: true, value: seq(tlv(0xa1, seq(text(0x82, "host.example")))) },
    {
      id: "2.5.29.30",
      isCritical: true,
      value: seq(tlv(0xa1, seq(text(0x82, "x.host.example")), seq(text(0x81, "b.example")))),
    },
    {
      id: "2.5.29.30",
      isCritical: true,
      value: seq(tlv(0xa0, seq(text(0x81, "a@b.example")), seq(text(0x86, ".example")))),
    },
    {
      id: "2.5.29.30",
      isCritical: true,
      value: seq(tlv(0xa0, seq(tlv(0x87, Uint8Array.of(10, 0, 0, 0, 255, 0, 0, 0))))),
    },
    { id: "2.5.29.32", isCritical: false, value: seq(seq(oid("1.2.3"))) },
    { id: "2.5.29.32", isCritical: false, value: seq(seq(oid("2.5.29.32.0"))) },
    { id: "2.5.29.32", isCritical: false, value: seq(seq(oid("1.2.3")), seq(oid("2.5.29.32.0"))) },
    { id: "2.5.29.33", isCritical: false, value: seq(seq(oid("1.2.3"), oid("1.2.4"))) },
    { id: "2.5.29.36", isCritical: false, value: seq(tlv(0x80, Uint8Array.of(0))) },
    {
      id: "2.5.29.36",
      isCritical: false,
      value: seq(tlv(0x80, Uint8Array.of(1)), tlv(0x81, Uint8Array.of(0))),
    },
    { id: "2.5.29.54", isCritical: false, value: integer(0n) },
    { id: "2.5.29.37", isCritical: false, value: seq(oid("1.3.6.1.5.5.7.3.2")) },
    { id: "2.5.29.37", isCritical: false, value: seq(oid("2.5.29.37.0")) },
    { id: "2.5.29.14", isCritical: false, value: tlv(0x04, Uint8Array.of(1)) },
    { id: "2.5.29.35", isCritical: false, value: seq(tlv(0x80, Uint8Array.of(1))) },
    { id: "1.2.3.4", isCritical: true, value: seq() },
  ),
  { maxLength: 3 },
);

const leafExtensions = fc.array(
  fc.constantFrom<ExtensionSpec[]>(
    { id: "2.5.29.17", isCritical: false, value: seq(text(0x82, host)) },
    {
      id: "2.5.29.17",
      isCritical: false,
      value: seq(text(0x82, "*.host.example"), text(0x81, "a@b.example")),
    },
    {
      id: "2.5.29.17",
      isCritical: false,
      value: seq(text(0x82, "*.example"), text(0x86, "https://h.example:9/x")),
    },
    {
      id: "2.5.29.17",
      isCritical: true,
      value: seq(tlv(0x87, Uint8Array.of(10, 1, 2, 3)), text(0x86, "spiffe://d/x")),
    },
    { id: "2.5.29.37", isCritical: false, value: seq(oid("1.3.6.1.5.5.7.3.1")) },
    { id: "2.5.29.37", isCritical: false, value: seq(oid("1.3.6.1.5.5.7.3.2"), oid("1.2.3")) },
    { id: "2.5.29.32", isCritical: false, value: seq(seq(oid("1.2.3"))) },
    { id: "2.5.29.32", isCritical: false, value: seq(seq(oid("1.2.4"))) },
    { id: "2.5.29.36", isCritical: false, value: seq(tlv(0x80, Uint8Array.of(0))) },
    { id: "2.5.29.35", isCritical: false, value: seq(tlv(0x80, Uint8Array.of(1))) },
  ),
  { maxLength: 4 },
);

function unique(list: readonly ExtensionSpec[]): readonly ExtensionSpec[] {
  return [...new Map(list.map((one) => [one.id, one])).values()];
}

const basic = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constant<ExtensionSpec[]>([
      { id: "2.5.29.19", isCritical: true, value: seq(bool(true)) },
    ]),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom<ExtensionSpec[][]>(
      [],
      [{ id: "2.5.29.19", isCritical: true, value: seq() }],
      [{ id: "2.5.29.19", isCritical: true, value: seq(bool(true), integer(0n)) }],
    ),
  },
);

const signers: readonly KeyName[] = ["p256", "p384", "ed25519", "rsa", "p224"];

/** Root, CAs on the way, and leaf: mostly a chain that holds. */
const chain = fc
  .record({
    depth: fc.integer({ min: 0, max: 3 }),
    keys: fc.array(fc.constantFrom(...signers), { minLength: 5, maxLength: 5 }),
    cas: fc.array(
      fc.tuple(
        basic,
        fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: caExtensions }),
      ),
      { minLength: 4, maxLength: 4 },
    ),
    leaf: leafExtensions,
    hash: often("sha256", fc.constantFrom("sha1", "sha512")),
    flaw: fc.integer({ min: 0, max: 14 }),
  })
  .map(({ depth, keys, cas, leaf, hash, flaw }) => {
    const keyAt = (at: number): KeyName => keys[at] ?? "p256";
    const ders = Array.from({ length: depth + 2 }, (_, at) => {
      const isLeaf = at === depth + 1;
      const [own, more] = cas[at] ?? [[], []];
      const spec: Spec = {
        key: keyAt(at),
        signer: keyAt(flaw === 0 ? at : Math.max(0, at - 1)),
        hash,
        subject: commonName(flaw === 1 ? "same" : `ca ${at}`),
        issuer: commonName(flaw === 1 ? "same" : `ca ${Math.max(0, at - 1)}`),
        serial: BigInt(at + 1),
        extensions: unique(isLeaf ? leaf : [...own, ...more]),
        ...(flaw === 2 && at === 1 ? { notAfter: text(0x17, "210101000000Z") } : {}),
        ...(flaw === 3 && at === 0 ? { notBefore: text(0x17, "480101000000Z") } : {}),
        ...(flaw === 4 && at === 1 ? { version: 0, extensions: [] } : {}),
      };
      return toPem("CERTIFICATE", buildCertificate(spec));
    });
    if (flaw === 5) ders.reverse();
    if (flaw === 6) ders.splice(1, 1);
    if (flaw === 7) ders.push(ders[0] ?? "");
    if (flaw === 8) ders.splice(1, 0, ders[1] ?? "");
    return ders.join("");
  });

test("crypto.x509.parse_and_verify_certificates", async () => {
  const calls = sampleCalls(
    "crypto.x509.parse_and_verify_certificates",
    fc.tuple(mostly(chain)),
    500,
  );
  expect(await compareWithOpa(calls)).toEqual([]);
});

const options = fc
  .record(
    {
      DNSName: fc.constantFrom<unknown[]>(
        host,
        "x.host.example",
        "HOST.example.",
        "10.1.2.3",
        "[10.1.2.3]",
        '"host.example"',
        "a.b.example",
        "",
        "::1",
        "h\u00f6st",
        5,
      ),
      CurrentTime: fc.constantFrom<unknown[]>(1_772_368_496_000_000_000, 0, 1e18, -1, "1", 1.5),
      MaxConstraintComparisons: fc.constantFrom<unknown[]>(1, 0, -1, "1", 1.5),
      KeyUsages: fc.constantFrom<unknown[]>(
        ["KeyUsageAny"],
        ["KeyUsageServerAuth"],
        ["KeyUsageClientAuth", "KeyUsageServerAuth"],
        ["KeyUsageClientAuth"],
        [],
        ["Nonsense"],
        [1],
        "KeyUsageAny",
        ['"KeyUsageAny"'],
      ),
      other: fc.constant(1),
    },
    { requiredKeys: [] },
  )
  .chain((members) =>
    fc.integer({ min: 0, max: 9 }).map((luck): Value => {
      const { other: _other, MaxConstraintComparisons: _comparisons, ...usual } = members;
      return fromJson(JSON.parse(JSON.stringify(luck === 0 ? members : usual)));
    }),
  );

test("crypto.x509.parse_and_verify_certificates_with_options", async () => {
  const calls = sample(
    fc
      .tuple(
        mostly(chain),
        fc.oneof(fc.constant(fromJson({ KeyUsages: ["KeyUsageAny"] })), mostly(options)),
      )
      .map(([text_, chosen]): BuiltinCall => [
        "crypto.x509.parse_and_verify_certificates_with_options",
        text_,
        chosen,
      ]),
    500,
  );
  expect(await compareWithOpa(calls)).toEqual([]);
});

test("random bytes are no certificates", async () => {
  const calls = Array.from({ length: 20 }, (_, length): BuiltinCall => [
    "crypto.x509.parse_certificates",
    randomBytes(length).toString("base64"),
  ]);
  expect(await compareWithOpa(calls)).toEqual([]);
});
