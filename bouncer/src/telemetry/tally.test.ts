import * as fc from "fast-check";
import { Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { CountedHistogram } from "./counted-histogram.ts";
import { Buckets, Counts, sumTallies, Tally } from "./tally.ts";

const verdicts = ["allow", "deny", "none"] as const;
const bounds = [0.001, 0.01, 0.1, 1];
const described = { name: "seconds", help: "h", buckets: bounds };

const value = fc.oneof(
  fc.constantFrom(0, ...bounds, 1.0000001, 50),
  fc.double({ min: 0, max: 2, noNaN: true }),
);

test("what is counted is shown as prom-client would have shown it", async () => {
  const observations = fc.array(fc.tuple(fc.constantFrom(...verdicts), value));
  await fc.assert(
    fc.asyncProperty(observations, fc.array(value), async (labelled, unlabelled) => {
      const [ours, theirs] = [new Registry(), new Registry()];
      const labelNames = ["verdict"];
      const peer = new Histogram({ ...described, labelNames, registers: [theirs] });
      const bare = new Histogram({ ...described, name: "bare", registers: [theirs] });
      const series: { labels: { verdict: (typeof verdicts)[number] }; buckets: Buckets }[] = [];
      for (const [verdict, observed] of labelled) {
        peer.observe({ verdict }, observed);
        let of = series.find(({ labels }) => labels.verdict === verdict);
        if (of === undefined) {
          of = { labels: { verdict }, buckets: new Buckets(bounds) };
          series.push(of);
        }
        of.buckets.add(observed);
      }
      const alone = new Buckets(bounds);
      for (const observed of unlabelled) {
        bare.observe(observed);
        alone.add(observed);
      }
      const bareSeries = [{ labels: {}, buckets: alone }];
      // oxlint-disable no-new -- they live in the registry
      new CountedHistogram({ ...described, labelNames, registers: [ours] }, () => series);
      new CountedHistogram({ ...described, name: "bare", registers: [ours] }, () => bareSeries);
      // oxlint-enable no-new
      expect(await ours.metrics()).toBe(await theirs.metrics());
    }),
  );
});

test("requests are counted by verdict and reason, in the order in which they were met first", () => {
  const verdict = fc.constantFrom("allow", "deny", "none");
  const reason = fc.constantFrom("", "policy", "app_failed");
  fc.assert(
    fc.property(fc.array(fc.tuple(verdict, reason)), (all) => {
      const counts = new Counts();
      const expected = new Map<string, number>();
      for (const [one, why] of all) {
        counts.add(one, why);
        expected.set(`${one} ${why}`, (expected.get(`${one} ${why}`) ?? 0) + 1);
      }
      const counted = counts.all.map((one) => [`${one.verdict} ${one.reason}`, one.value]);
      expect(counted).toEqual([...expected]);
    }),
  );
});

const report = fc.record({
  decision: fc.constantFrom(
    null,
    { verdict: { kind: "allow" }, evaluationNs: 20_000 } as const,
    {
      verdict: { kind: "deny" },
      evaluationNs: 0,
    } as const,
  ),
  reason: fc.constantFrom(null, "policy" as const, "app_failed" as const),
  opaque: fc.boolean(),
  durationMs: fc.integer({ min: 0, max: 40_000 }),
  passage: fc.constantFrom(null, { kind: "shadow", reason: "policy" } as const),
  aborted: fc.constantFrom(null, "client" as const, "app" as const),
});

function sorted(all: Iterable<unknown>): string[] {
  return [...all].map((one) => JSON.stringify(one)).toSorted();
}

/** In an order of its own: threads meet verdicts and reasons at different times. */
function show(tallies: readonly Tally[]): unknown {
  const sum = sumTallies(tallies);
  return [
    sorted(sum.requests.all),
    sorted(sum.opaque.all),
    sorted(sum.durations.map(({ labels, buckets: { counts } }) => ({ labels, counts }))),
    sorted(sum.evaluations.map(({ buckets: { counts } }) => counts)),
    ...[sum.upstreamErrors, sum.shadow, sum.degraded, sum.aborted].map(sorted),
  ];
}

test("what several threads have counted is what one would have", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat({ max: 2 }), report)), (observed) => {
      const alone = new Tally();
      const threads = [new Tally(), new Tally(), new Tally()];
      for (const [thread, one] of observed) {
        // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all that it looks at
        const seen = one as unknown as Parameters<Tally["observe"]>[0];
        alone.observe(seen);
        threads[thread]?.observe(seen);
      }
      expect(show(threads)).toEqual(show([alone]));
    }),
  );
});
