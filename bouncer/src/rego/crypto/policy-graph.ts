/**
 * Certificate policies along a chain (RFC 5280, 6.1, as updated by RFC 9618), which Go checks for any
 * policy: a chain fails only when a CA demands one that counts all the way down. Pure.
 */
import type { Certificate } from "./certificate.ts";

const anyPolicy = "551d2000";

interface Node {
  readonly policy: string;
  expected: readonly string[];
  readonly parents: Set<Node>;
  readonly children: Set<Node>;
}

type Stratum = Map<string, Node>;

function key(policy: Uint8Array): string {
  return Buffer.from(policy).toString("hex");
}

class Graph {
  readonly #strata: Stratum[] = [new Map()];

  constructor() {
    this.#insert(anyPolicy, [], [anyPolicy]);
  }

  get #leaves(): Stratum {
    return this.#strata.at(-1) ?? new Map<string, Node>();
  }

  get #above(): Stratum {
    return this.#strata.at(-2) ?? new Map<string, Node>();
  }

  #insert(policy: string, parents: readonly Node[], expected: readonly string[]): void {
    const node: Node = { policy, expected, parents: new Set(parents), children: new Set() };
    for (const parent of parents) parent.children.add(node);
    this.#leaves.set(policy, node);
  }

  /** 6.1.3 (d): the policies of the next certificate. */
  grow(policies: readonly string[], takesAny: boolean): void {
    this.#strata.push(new Map());
    const byExpected = Map.groupBy(
      [...this.#above.values()].flatMap((node) =>
        node.expected.map((policy) => [policy, node] as const),
      ),
      ([policy]) => policy,
    );
    const any = this.#above.get(anyPolicy);
    for (const policy of policies) {
      if (policy === anyPolicy) continue;
      const expecting = byExpected.get(policy)?.map(([, node]) => node);
      const parents = expecting ?? (any === undefined ? [] : [any]);
      if (parents.length > 0) this.#insert(policy, parents, [policy]);
    }
    if (takesAny && policies.includes(anyPolicy)) {
      for (const [policy, pairs] of byExpected) {
        const parents = pairs.map(([, node]) => node);
        if (!this.#leaves.has(policy)) this.#insert(policy, parents, [policy]);
      }
    }
    this.#prune();
  }

  /** 6.1.4 (b). */
  map(mappings: ReadonlyMap<string, readonly string[]>, isAllowed: boolean): void {
    if (!isAllowed) for (const issuer of mappings.keys()) this.#drop(this.#leaves, issuer);
    this.#prune();
    if (!isAllowed) return;
    for (const [issuer, subjects] of mappings) {
      const leaf = this.#leaves.get(issuer);
      const any = this.#leaves.get(anyPolicy);
      if (leaf !== undefined) leaf.expected = subjects;
      else if (any !== undefined) this.#insert(issuer, [any], subjects);
    }
  }

  #drop(stratum: Stratum, policy: string): void {
    const node = stratum.get(policy);
    if (node === undefined) return;
    for (const parent of node.parents) parent.children.delete(node);
    for (const child of node.children) child.parents.delete(node);
    stratum.delete(policy);
  }

  /** Of all but the first and the last stratum, what leads nowhere. */
  #prune(): void {
    for (const stratum of this.#strata.slice(1, -1).toReversed()) {
      for (const node of stratum.values()) {
        if (node.children.size === 0) this.#drop(stratum, node.policy);
      }
    }
  }

  /** 6.1.5 (g): whether any policy is left. */
  hasPolicy(): boolean {
    if (this.#leaves.has(anyPolicy)) return true;
    return this.#strata.some((stratum) =>
      [...stratum.values()].some(
        ({ policy, parents }) =>
          policy !== anyPolicy && parents.size === 1 && [...parents][0]?.policy === anyPolicy,
      ),
    );
  }
}

interface State {
  graph: Graph | null;
  explicit: bigint;
  mapping: bigint;
  any: bigint;
}

/** `chain` goes from the leaf to the root, which is trusted as it is. */
export function keepsPolicies(chain: readonly Certificate[]): boolean {
  const count = BigInt(chain.length);
  const state: State = { graph: new Graph(), explicit: count, mapping: count, any: count };
  const certified = chain.slice(0, -1).toReversed();
  for (const [at, certificate] of certified.entries()) {
    const isLeaf = at === certified.length - 1;
    if (!takePolicies(state, certificate, isLeaf)) return false;
    if (!isLeaf) countDown(state, certificate);
  }
  if (certified.length === 0) return true;
  const leafDemands = chain[0]?.says.RequireExplicitPolicy === 0n;
  const isExplicit = leafDemands || state.explicit <= 1n;
  return !isExplicit || (state.graph?.hasPolicy() ?? false);
}

function isSelfIssued({ rawIssuer, rawSubject }: Certificate): boolean {
  return Buffer.compare(rawIssuer, rawSubject) === 0;
}

/** False when a policy is demanded and there is none. */
function takePolicies(state: State, certificate: Certificate, isLeaf: boolean): boolean {
  const policies = (certificate.says.Policies ?? []).map(key);
  if (policies.length === 0) state.graph = null;
  if (state.graph === null) return state.explicit > 0n;
  state.graph.grow(policies, state.any > 0n || (!isLeaf && isSelfIssued(certificate)));
  if (isLeaf || certificate.says.PolicyMappings.length === 0) return true;
  const pairs = certificate.says.PolicyMappings.map(
    ([issuer, subject]) => [key(issuer), key(subject)] as const,
  );
  const isAllowed = state.mapping > 0n;
  if (isAllowed && pairs.flat().includes(anyPolicy)) return false;
  const grouped = [...Map.groupBy(pairs, ([issuer]) => issuer)].map(
    ([issuer, group]) => [issuer, group.map(([, subject]) => subject)] as const,
  );
  state.graph.map(new Map(grouped), isAllowed);
  return true;
}

/** 6.1.4 (h) to (j): what the certificates further down have to keep to. */
function countDown(state: State, certificate: Certificate): void {
  const step = isSelfIssued(certificate) ? 0n : 1n;
  const { RequireExplicitPolicy, InhibitPolicyMapping, InhibitAnyPolicy } = certificate.says;
  state.explicit = next(state.explicit, step, RequireExplicitPolicy);
  state.mapping = next(state.mapping, step, InhibitPolicyMapping);
  state.any = next(state.any, step, InhibitAnyPolicy);
}

function next(current: bigint, step: bigint, bound: bigint | null): bigint {
  const left = current > 0n ? current - step : current;
  return bound !== null && bound >= 0n && bound < left ? bound : left;
}
