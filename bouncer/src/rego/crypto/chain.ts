/** Chains of certificates from a leaf to a trusted root, found and checked as Go's Certificate.Verify does. */
import type { Certificate } from "./certificate.ts";
import { keepsConstraints } from "./constraint-check.ts";
import { isForHost } from "./hostname.ts";
import { keepsPolicies } from "./policy-graph.ts";

export interface Verification {
  readonly roots: readonly Certificate[];
  readonly intermediates: readonly Certificate[];
  /** Empty: for no host in particular. */
  readonly host: string;
  /** Nanoseconds since the epoch. */
  readonly now: () => bigint;
  /** By Go's numbers; empty: serverAuth. */
  readonly usages: readonly number[];
  readonly checkTime: () => void;
}

type Chain = readonly Certificate[];

const maxSignatureChecks = 100;
const anyUsage = 0;
const serverAuth = 1;

/** The first chain that holds; null when there is none. */
export function findChain(leaf: Certificate, verification: Verification): Chain | null {
  const { host, roots, checkTime } = verification;
  const usages = verification.usages.length === 0 ? [serverAuth] : verification.usages;
  if (!isUsable(leaf, "leaf", [], verification.now())) return null;
  if (host !== "" && !isForHost(leaf, host)) return null;
  const chains = roots.some(({ raw }) => areSame(raw, leaf.raw))
    ? [[leaf]]
    : new Search(verification).from([leaf]);
  const holds = (chain: Chain): boolean =>
    keepsPolicies(chain) &&
    (usages.includes(anyUsage) || keepsUsages(chain, usages)) &&
    keepsConstraints(chain, checkTime);
  return chains.find(holds) ?? null;
}

function areSame(one: Uint8Array | null, other: Uint8Array | null): boolean {
  return Buffer.compare(one ?? new Uint8Array(), other ?? new Uint8Array()) === 0;
}

type Role = "leaf" | "intermediate" | "root";

/** `chain` is what is below the certificate. */
function isUsable(certificate: Certificate, role: Role, chain: Chain, now: bigint): boolean {
  const { says, notBefore, notAfter } = certificate;
  if (says.UnhandledCriticalExtensions.length > 0) return false;
  const child = chain.at(-1);
  if (child !== undefined && !areSame(child.rawIssuer, certificate.rawSubject)) return false;
  if (now < notBefore.ns || now > notAfter.ns) return false;
  if (role === "intermediate" && !(says.BasicConstraintsValid && says.IsCA)) return false;
  const isLimited = says.BasicConstraintsValid && says.MaxPathLen >= 0n;
  return !isLimited || BigInt(chain.length - 1) <= says.MaxPathLen;
}

/** The bit for signing certificates (RFC 5280, 4.2.1.3). */
const certSign = 1 << 5;

function isSignedBy(certificate: Certificate, parent: Certificate): boolean {
  const { says, version, publicKey } = parent;
  const isCa = says.BasicConstraintsValid ? says.IsCA : version !== 3;
  const maySign = says.KeyUsage === 0 || (says.KeyUsage & certSign) !== 0;
  const verify = certificate.signatureAlgorithm?.verify ?? null;
  if (!isCa || !maySign || publicKey === null || verify === null) return false;
  return verify(publicKey, certificate.rawTbs, certificate.signature);
}

/** Same subject, key and alternative names: the same CA again. */
function isIn(chain: Chain, candidate: Certificate): boolean {
  const names = alternativeNames(candidate);
  for (const certificate of chain) {
    const isSame =
      areSame(candidate.rawSubject, certificate.rawSubject) &&
      areSame(candidate.rawPublicKeyInfo, certificate.rawPublicKeyInfo);
    if (!isSame) continue;
    const others = alternativeNames(certificate);
    // As Go has it: when only one has names, the rest of the chain is not looked at.
    if (names === null || others === null) return names === others;
    if (areSame(names, others)) return true;
  }
  return false;
}

function alternativeNames({ extensions }: Certificate): Uint8Array | null {
  return extensions.find(({ Id }) => Id.join(".") === "2.5.29.17")?.Value ?? null;
}

class Search {
  readonly #verification: Verification;
  #checks = 0;

  constructor(verification: Verification) {
    this.#verification = verification;
  }

  from(chain: Chain): readonly Chain[] {
    const { roots, intermediates } = this.#verification;
    return [
      ...this.#extend(chain, "root", roots),
      ...this.#extend(chain, "intermediate", intermediates),
    ];
  }

  #extend(chain: Chain, role: Role, pool: Chain): readonly Chain[] {
    const certificate = chain.at(-1);
    if (certificate === undefined) return [];
    return rank(certificate, pool).flatMap((candidate) => {
      if (!this.#isParent(candidate, chain, certificate, role)) return [];
      const longer = [...chain, candidate];
      return role === "root" ? [longer] : this.from(longer);
    });
  }

  #isParent(candidate: Certificate, chain: Chain, child: Certificate, role: Role): boolean {
    const { checkTime, now } = this.#verification;
    checkTime();
    this.#checks += 1;
    if (this.#checks > maxSignatureChecks || isIn(chain, candidate)) return false;
    return isSignedBy(child, candidate) && isUsable(candidate, role, chain, now());
  }
}

/** Those with the subject that the certificate names, first the ones whose key it names, too. */
function rank(certificate: Certificate, pool: Chain): Chain {
  const wanted = certificate.says.AuthorityKeyId;
  const score = ({ says }: Certificate): number => {
    if (areSame(says.SubjectKeyId, wanted)) return 0;
    return (says.SubjectKeyId?.length ?? 0) === 0 || (wanted?.length ?? 0) === 0 ? 1 : 2;
  };
  return pool
    .filter(({ rawSubject }) => areSame(rawSubject, certificate.rawIssuer))
    .toSorted((one, other) => score(one) - score(other));
}

/** Each usage that is asked for has to be left by some certificates, and one by all of them. */
function keepsUsages(chain: Chain, usages: readonly number[]): boolean {
  return (
    chain.reduceRight((left, { says }) => {
      const isFree = says.ExtKeyUsage.length === 0 && says.UnknownExtKeyUsage.length === 0;
      if (isFree || says.ExtKeyUsage.includes(anyUsage)) return left;
      return left.filter((usage) => says.ExtKeyUsage.includes(usage));
    }, usages).length > 0
  );
}
