import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Certificate } from "./certificate.ts";
import { isDue, planAuthorities, planServing, planValidity, rotationPolicy } from "./rotation.ts";
import type { RotationPolicy, Validity } from "./rotation.ts";

const policy: RotationPolicy = {
  authorityLifetime: 300,
  servingLifetime: 10,
  publishLead: 30,
  clockSkew: 0,
};
const first = { name: "first", notBefore: 0, notAfter: 300 };
const second = { name: "second", notBefore: 200, notAfter: 500 };

describe("planAuthorities", () => {
  test.each([
    { state: "nothing", of: [], now: 0, keep: [], signer: null, issue: true },
    { state: "a new one", of: [first], now: 0, keep: [first], signer: first, issue: false },
    { state: "one of age", of: [first], now: 199, keep: [first], signer: first, issue: false },
    { state: "one due", of: [first], now: 200, keep: [first], signer: first, issue: true },
    { state: "one expired", of: [first], now: 300, keep: [], signer: null, issue: true },
    {
      state: "a successor just published",
      of: [second, first],
      now: 201,
      keep: [first, second],
      signer: first,
      issue: false,
    },
    {
      state: "a successor published long enough",
      of: [first, second],
      now: 230,
      keep: [first, second],
      signer: second,
      issue: false,
    },
    {
      state: "the last certificate of the old one could still be served",
      of: [first, second],
      now: 239,
      keep: [first, second],
      signer: second,
      issue: false,
    },
    {
      state: "the last certificate of the old one has expired",
      of: [first, second],
      now: 240,
      keep: [second],
      signer: second,
      issue: false,
    },
    {
      state: "the old one expired before the successor was published long enough",
      of: [first, { ...second, notBefore: 290 }],
      now: 301,
      keep: [{ ...second, notBefore: 290 }],
      signer: { ...second, notBefore: 290 },
      issue: false,
    },
    {
      state: "one made by a replica whose clock is ahead",
      of: [second],
      now: 150,
      keep: [second],
      signer: second,
      issue: false,
    },
  ])("$state, at $now", ({ of, now, keep, signer, issue }) => {
    expect(planAuthorities(of, now, policy)).toEqual({ keep, signer, issue });
  });
});

interface Leaf extends Validity {
  readonly signer: Validity;
}

interface State {
  readonly authorities: readonly Validity[];
  readonly leaf: Leaf;
}

/** What the injector does with the plans, without the cryptography. */
function step(state: State | null, now: number): State {
  const plan = planAuthorities(state?.authorities ?? [], now, policy);
  const issued = plan.issue
    ? [planValidity(now, policy.authorityLifetime, { clockSkew: policy.clockSkew })]
    : [];
  const authorities = [...plan.keep, ...issued];
  const signer = plan.signer ?? issued[0];
  if (signer === undefined) throw new Error("no signer");
  const good = state !== null && state.leaf.signer === signer && !isDue(state.leaf, now);
  const limits = { clockSkew: policy.clockSkew, signer };
  return {
    authorities,
    leaf: good ? state.leaf : { ...planValidity(now, policy.servingLifetime, limits), signer },
  };
}

/** The states at each moment of a life in which the injector looked after these pauses. */
function live(pauses: readonly number[]): { now: number; state: State }[] {
  const moments: { now: number; state: State }[] = [];
  let now = 0;
  let state: State | null = null;
  for (const pause of [0, ...pauses]) {
    now += pause;
    state = step(state, now);
    moments.push({ now, state });
  }
  return moments;
}

test("at any time, whatever was issued and is not expired is trusted", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 200 }), (pauses) => {
      const moments = live(pauses);
      const leaves = new Set(moments.map(({ state }) => state.leaf));
      for (const { now, state } of moments) {
        expect(state.leaf.notAfter).toBeGreaterThan(now);
        expect(state.leaf.notAfter).toBeLessThanOrEqual(state.leaf.signer.notAfter);
        expect(state.authorities.length).toBeLessThanOrEqual(2);
        const served = [...leaves].filter((l) => l.notBefore <= now && now < l.notAfter);
        expect(state.authorities).toEqual(expect.arrayContaining(served.map((l) => l.signer)));
      }
    }),
  );
});

test("a successor signs only after it was published for the lead", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 200 }), (pauses) => {
      const moments = live(pauses);
      const root = moments[0]?.state.leaf.signer;
      const successors = moments.filter(({ state }) => state.leaf.signer !== root);
      const published = successors.map(({ now, state }) => now - state.leaf.signer.notBefore);
      expect(Math.min(policy.publishLead, ...published)).toBe(policy.publishLead);
    }),
  );
});

test("the plan does not depend on the order in which authorities are stored", () => {
  const authority = fc
    .record({ notBefore: fc.nat(400), life: fc.integer({ min: 1, max: 300 }) })
    .map(({ notBefore, life }) => ({ notBefore, notAfter: notBefore + life }));
  const distinct = fc.uniqueArray(authority, { maxLength: 4, selector: (a) => a.notBefore });
  fc.assert(
    fc.property(distinct, fc.nat(900), (authorities, now) => {
      const plan = planAuthorities(authorities, now, policy);
      expect(planAuthorities(authorities.toReversed(), now, policy)).toEqual(plan);
    }),
  );
});

describe("planServing", () => {
  const certificate: Certificate = {
    pem: "",
    fingerprint: "",
    subject: "",
    notBefore: 0,
    notAfter: 90,
    isAuthority: false,
    dnsNames: ["a.svc", "a"],
  };
  const good = { certificate, keyMatches: true, signedBySigner: true };
  test.each([
    { state: "good", serving: good, names: ["a"], now: 59, reason: null },
    { state: "absent", serving: null, names: ["a"], now: 0, reason: "missing" },
    { state: "at 2/3", serving: good, names: ["a"], now: 60, reason: "due" },
    { state: "expired", serving: good, names: ["a"], now: 91, reason: "due" },
    { state: "for other names", serving: good, names: ["a", "b"], now: 0, reason: "other_names" },
    {
      state: "of another key",
      serving: { ...good, keyMatches: false },
      names: ["a"],
      now: 0,
      reason: "unreadable",
    },
    {
      state: "of an authority that is on its way out",
      serving: { ...good, signedBySigner: false },
      names: ["a"],
      now: 0,
      reason: "other_authority",
    },
  ])("a certificate $state: $reason", ({ serving, names, now, reason }) => {
    expect(planServing(serving, names, now)).toBe(reason);
  });
});

test("the lives in use leave room for an overlap before an authority expires", () => {
  const { authorityLifetime, servingLifetime, publishLead } = rotationPolicy;
  expect(authorityLifetime / 3).toBeGreaterThan(publishLead + servingLifetime);
});
