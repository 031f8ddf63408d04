/** `crypto.x509.parse_and_verify_certificates`, and the same with options. */
import { BuiltinError, type Builtins, type Query } from "../builtin.ts";
import { attempt } from "../crypto/attempt.ts";
import type { Certificate } from "../crypto/certificate.ts";
import { describeCertificate, describeWithUris } from "../crypto/certificate-json.ts";
import { findCertificates } from "../crypto/certificate-source.ts";
import { findChain } from "../crypto/chain.ts";
import { type Json, toValue } from "../crypto/go-json.ts";
import { trimBoth } from "../crypto/trim.ts";
import { RegoNumber } from "../number.ts";
import { toInt64 } from "../text/int64.ts";
import { isArray, type RegoObject, RegoSet, type Value } from "../value.ts";

interface Options {
  readonly host: string;
  readonly now: bigint | null;
  readonly usages: readonly number[];
}

const defaults: Options = { host: "", now: null, usages: [] };

// In the order of Go's constants, from 0.
const usageNames = [
  "Any",
  "ServerAuth",
  "ClientAuth",
  "CodeSigning",
  "EmailProtection",
  "IPSECEndSystem",
  "IPSECTunnel",
  "IPSECUser",
  "TimeStamping",
  "OCSPSigning",
  "MicrosoftServerGatedCrypto",
  "NetscapeServerGatedCrypto",
  "MicrosoftCommercialCodeSigning",
  "MicrosoftKernelCodeSigning",
].map((name) => `KeyUsage${name}`);

function readHost(value: Value): string {
  if (typeof value !== "string") throw new BuiltinError("'DNSName' should be a string");
  return trimBoth(value, '"');
}

function readInteger(value: Value): bigint {
  const integer = value instanceof RegoNumber ? toInt64(value) : null;
  if (integer === null) throw new BuiltinError("not a number of 64 bits");
  return integer;
}

function readUsages(value: Value): readonly number[] {
  if (!isArray(value) && !(value instanceof RegoSet)) {
    throw new BuiltinError("'KeyUsages' should be an Array or Set");
  }
  return [...value].flatMap((name) => {
    if (typeof name !== "string") return [];
    const usage = usageNames.indexOf(trimBoth(name, '"'));
    if (usage < 0) throw new BuiltinError("invalid entries for 'KeyUsages' found");
    return [usage];
  });
}

const readers: Readonly<Record<string, (value: Value) => Partial<Options>>> = {
  DNSName: (value) => ({ host: readHost(value) }),
  CurrentTime: (value) => ({ now: readInteger(value) }),
  KeyUsages: (value) => ({ usages: readUsages(value) }),
  // Go has no use for it any more: comparisons are cheap there, and bounded by the query's time here.
  MaxConstraintComparisons: (value) => {
    readInteger(value);
    return {};
  },
};

function readOptions(object: RegoObject): Options {
  let options = defaults;
  for (const [name, value] of object) {
    if (typeof name !== "string") continue;
    const read = Object.hasOwn(readers, name) ? readers[name] : undefined;
    if (read === undefined) throw new BuiltinError("invalid key option");
    options = { ...options, ...read(value) };
  }
  return options;
}

/** The first is the root, the last the leaf. The decision depends on the clock without a time. */
function verify(
  certificates: readonly Certificate[],
  options: Options,
  query: Query,
): readonly Certificate[] | null {
  const [root, ...others] = certificates;
  const leaf = others.pop();
  if (root === undefined || leaf === undefined) return null;
  return findChain(leaf, {
    roots: [root],
    intermediates: [
      ...new Map(others.map((one) => [Buffer.from(one.raw).toString("latin1"), one])).values(),
    ],
    host: options.host,
    now: () => options.now ?? query.now(),
    usages: options.usages,
    checkTime: () => {
      query.checkTime();
    },
  });
}

function answer(
  chain: readonly Certificate[] | null,
  describe: (certificate: Certificate) => Json,
): Value {
  return chain === null ? [false, []] : [true, toValue(chain.map(describe))];
}

export const builtins: Builtins = {
  "crypto.x509.parse_and_verify_certificates": (operands, query) => {
    const text = operands.string(0);
    const certificates = attempt(() => findCertificates(text));
    const chain = certificates === null ? null : verify(certificates, defaults, query);
    return answer(chain, describeWithUris);
  },
  "crypto.x509.parse_and_verify_certificates_with_options": (operands, query) => {
    const [text, object] = [operands.string(0), operands.object(1)];
    const certificates = attempt(() => findCertificates(text));
    if (certificates === null) return answer(null, describeCertificate);
    return answer(verify(certificates, readOptions(object), query), describeCertificate);
  },
};
