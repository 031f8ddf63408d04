/** Certificate signing requests (RFC 2986), as Go's x509.ParseCertificateRequest has them. */
import { BuiltinError } from "../builtin.ts";
import { attempt } from "./attempt.ts";
import { readExtensionList, readKnownKey } from "./certificate.ts";
import {
  describeAlternativeNames,
  describeExtensions,
  describePublicKey,
  toBase64,
} from "./certificate-json.ts";
import { contextTag, Der, type Element, tags, toInteger, toOid } from "./der.ts";
import { type Attribute, buildName, readAttributes, readString } from "./distinguished-name.ts";
import type { Extension } from "./extension.ts";
import { readAlternativeNames } from "./general-name.ts";
import { type Json, orNull } from "./go-json.ts";
import { alignRight, readAlgorithm } from "./public-key.ts";
import { signatureAlgorithmOf } from "./signature-algorithm.ts";
import { readTime } from "./time.ts";

export function describeRequest(der: Uint8Array): Json {
  const reader = new Der(der);
  const raw = reader.element(tags.sequence).raw;
  if (!reader.isEmpty) throw new BuiltinError("there is something after the request");
  const outer = new Der(raw).inside(tags.sequence);
  const rawInfo = outer.element(tags.sequence).raw;
  const algorithm = readAlgorithm(outer.inside(tags.sequence));
  const signature = alignRight(outer.bitString());
  return {
    Raw: toBase64(raw),
    RawTBSCertificateRequest: toBase64(rawInfo),
    SignatureAlgorithm: signatureAlgorithmOf(algorithm)?.number ?? 0,
    Signature: toBase64(signature),
    ...describeInfo(new Der(rawInfo).inside(tags.sequence)),
  };
}

function describeInfo(info: Der): { readonly [name: string]: Json } {
  const version = BigInt.asIntN(64, info.integer());
  const rawSubject = info.any().raw;
  const rawPublicKeyInfo = info.element(tags.sequence).raw;
  const attributes = readElements(info.inside(contextTag(0, true)));
  const key = readKnownKey(rawPublicKeyInfo);
  const extensions = attributes.flatMap(readRequested);
  checkUnique(extensions);
  return {
    Version: version,
    RawSubject: toBase64(rawSubject),
    RawSubjectPublicKeyInfo: toBase64(rawPublicKeyInfo),
    Subject: buildName(readAttributes(rawSubject, readAnything)),
    PublicKeyAlgorithm: key.publicKeyAlgorithm,
    PublicKey: describePublicKey(key.publicKey),
    Attributes: orNull(attributes.flatMap(describeAttribute)),
    Extensions: describeExtensions(extensions),
    ExtraExtensions: null,
    ...describeNames(extensions),
  };
}

function readElements(der: Der): readonly Element[] {
  const elements: Element[] = [];
  while (!der.isEmpty) elements.push(der.any());
  return elements;
}

function describeNames(extensions: readonly Extension[]): { readonly [name: string]: Json } {
  const names = extensions.findLast(({ Id }) => Id.join(".") === "2.5.29.17");
  const { dns, emails, ips, uris } = readAlternativeNames(
    names?.Value ?? Uint8Array.of(tags.sequence, 0),
  );
  return describeAlternativeNames({
    DNSNames: dns,
    EmailAddresses: emails,
    IPAddresses: ips,
    URIs: uris,
  });
}

interface RawAttribute {
  readonly id: readonly number[];
  readonly values: readonly Element[];
}

function readAttribute(element: Element): RawAttribute | null {
  if (element.tag !== tags.sequence) return null;
  const attribute = new Der(element.content);
  return { id: attribute.oid(), values: readElements(attribute.inside(tags.set)) };
}

/** Those of the attribute `extensionRequest` (RFC 2985, 5.4.2). */
function readRequested(element: Element): readonly Extension[] {
  const attribute = attempt(() => readAttribute(element));
  const [first] = attribute?.values ?? [];
  if (first === undefined || attribute?.id.join(".") !== "1.2.840.113549.1.9.14") return [];
  return readExtensionList(new Der(first.raw).inside(tags.sequence));
}

function checkUnique(extensions: readonly Extension[]): void {
  const ids = extensions.map(({ Id }) => Id.join("."));
  if (new Set(ids).size < ids.length) throw new BuiltinError("an extension is requested twice");
}

/** Go sees pairs of identifier and value in each: `critical` for a value, when there is one. */
function describeAttribute(element: Element): readonly Json[] {
  const described = attempt(() => {
    const attribute = readAttribute(element);
    if (attribute === null) return [];
    const values = attribute.values.map((value) =>
      readElements(new Der(value.raw).inside(tags.sequence)).map(readPair),
    );
    return [{ Type: attribute.id, Value: values }];
  });
  // What does not look like an attribute is skipped, as in Go.
  return described ?? [];
}

function readPair(element: Element): Json {
  const pair = new Der(element.raw).inside(tags.sequence);
  const attribute: Attribute = { Type: pair.oid(), Value: readAnything(pair.any()) };
  return { ...attribute };
}

type Read = (element: Element) => Json;

const time: Read = ({ raw }) => readTime(new Der(raw)).text;

const simple: ReadonlyMap<number, Read> = new Map<number, Read>([
  [tags.boolean, ({ raw }) => new Der(raw).boolean()],
  [tags.integer, readInt64],
  [tags.bitString, readBits],
  [tags.oid, ({ content }) => toOid(content)],
  [tags.octetString, ({ content }) => toBase64(content)],
  [tags.utcTime, time],
  [tags.generalizedTime, time],
  [tags.t61String, readString],
  [tags.utf8String, readString],
  [tags.numericString, readString],
  [tags.printableString, readString],
  [tags.ia5String, readString],
  [tags.bmpString, readString],
]);

/** As Go reads a value of any type; null for types that it does not know. */
function readAnything(element: Element): Json {
  return simple.get(element.tag)?.(element) ?? null;
}

function readInt64({ content }: Element): Json {
  const value = toInteger(content);
  if (BigInt.asIntN(64, value) !== value) throw new BuiltinError("integer too large");
  return value;
}

function readBits({ raw }: Element): Json {
  const { bytes, unusedBits } = new Der(raw).bitString();
  return { Bytes: toBase64(bytes), BitLength: 8 * bytes.length - unusedBits };
}
