/** What is written as text is what the specification builds in objects, to the byte. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  buildDecisionEvent,
  buildEvent,
  buildOutcomeEvent,
  maskDocument,
} from "../../test/reference/audit-event.ts";
import { reasons } from "../errors.ts";
import type { Decision, Verdict, Watched } from "../policy/decision.ts";
import type { ExchangeReport } from "../proxy/exchange.ts";
import { createDocumentMask } from "./document.ts";
import { noErasures, type Pointer, planErasures } from "./erase.ts";
import { createEventWriter } from "./event.ts";
import { createTargetMask, maskTarget, secretKeys, targetKeys } from "./mask.ts";
import { isPlain, quote } from "./quote.ts";
import { createTimestamps } from "./timestamp.ts";

/** Parts of which hardly any stays as it is wherever it stands. */
const piece = fc.oneof(
  fc.constantFrom('"', "\\", "/", "~", "=", "?", "&", "%", "+", "#", ":", ",", "{", "}", "[", "]"),
  fc.constantFrom("\n", "\u0000", "\u001f", "\u007f", "\u2028", "\ud800", "\udc00", "\u{1f600}"),
  fc.constantFrom(
    '":',
    '":"',
    '","',
    '":null',
    "token=x",
    "?code=1",
    "%74oken=2",
    "null",
    "\\u0022",
  ),
  fc.constantFrom(...secretKeys, ...targetKeys),
  fc.string({ unit: "binary", maxLength: 4 }),
);

const anyText = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(""));

/** Another way to write a name that `toLowerCase` makes the same, or nearly. */
function respell(name: string, how: number): string {
  const spellings = [
    name,
    name.toUpperCase(),
    name.replaceAll("k", "\u212a"),
    name.replaceAll("s", "\u017f"),
    `${name.slice(0, 1).toUpperCase()}${name.slice(1)}`,
    ` ${name}`,
    `${name}"`,
    name.replaceAll("i", "\u0130"),
  ];
  return spellings[how % spellings.length] ?? name;
}

const names = [...secretKeys, ...targetKeys];
const spelled = fc
  .tuple(fc.constantFrom(...names), fc.nat(7))
  .map(([name, how]) => respell(name, how));

const key = fc.oneof(
  spelled,
  fc.constantFrom(
    "__proto__",
    "constructor",
    "toJSON",
    "length",
    "0",
    "17",
    "",
    "headers",
    "a/b~c",
  ),
  anyText,
);

const target = fc
  .tuple(anyText, fc.array(fc.tuple(fc.oneof(spelled, anyText), anyText), { maxLength: 4 }))
  .map(([path, query]) => `/${path}?${query.map((pair) => pair.join("=")).join("&")}`);

const { document } = fc.letrec((tie) => ({
  document: fc.oneof(
    { maxDepth: 5, depthSize: "medium" },
    fc.constantFrom(null, true, false, 0, -0, 1.5, 1e21, "", "null"),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    anyText,
    target,
    fc.array(tie("document"), { maxLength: 4 }),
    fc
      .array(fc.tuple(key, tie("document")), { maxLength: 8 })
      .map((members) =>
        members.reduce<Record<string, unknown>>(
          (tree, [name, value]) => ({ __proto__: null, ...tree, [name]: value }),
          { __proto__: null },
        ),
      ),
  ),
}));

const extra = fc.oneof(
  fc.constant<"all">("all"),
  fc
    .array(fc.oneof(anyText, fc.constantFrom("page", "x")), { maxLength: 2 })
    .map((all) => new Set(all)),
);

test("documents are masked as the specification says, whatever they hold", () => {
  fc.assert(
    fc.property(document, extra, (value, parameters) => {
      const masked = createDocumentMask(createTargetMask(parameters))(JSON.stringify(value), "/x");
      const specified = maskDocument(value, "/x", parameters);
      expect(masked.pointers).toEqual(specified.pointers);
      expect(masked.text).toBe(JSON.stringify(specified.value));
    }),
    { numRuns: 500 },
  );
});

test("of two targets, each is masked as if it were alone", () => {
  fc.assert(
    fc.property(target, target, extra, (one, other, parameters) => {
      const mask = createTargetMask(parameters);
      const expected = [one, one, other, one].map((text) => maskTarget(text, parameters));
      expect([one, one, other, one].map(mask)).toEqual(expected);
    }),
  );
});

test("texts are quoted as JSON.stringify quotes them", () => {
  fc.assert(
    fc.property(fc.oneof(anyText, fc.string({ unit: "binary", maxLength: 80 })), (text) => {
      expect(quote(text)).toBe(JSON.stringify(text));
      expect(!isPlain(text) || JSON.stringify(text) === `"${text}"`).toBe(true);
    }),
    { numRuns: 500 },
  );
});

test("times are as Date writes them, one after the other", () => {
  const format = createTimestamps();
  const time = fc.oneof(
    fc.double({ min: -1e13, max: 1e14, noNaN: true }),
    fc.integer({ min: 1_700_000_000_000, max: 1_700_000_003_000 }),
  );
  fc.assert(
    fc.property(time, (ms) => {
      expect(format(ms)).toBe(new Date(ms).toISOString());
    }),
    { numRuns: 500 },
  );
});

const endpoint = fc.record({ address: anyText, port: fc.nat(65_535) });
const bundle = fc.record({
  name: fc.oneof(fc.constantFrom("policy.tar.gz", "__proto__", "7"), anyText),
  revision: anyText,
  sha256: fc.constant("00"),
  serial: fc.constant(null),
  deltas: fc.constant(0),
});
const reason = fc.constantFrom(...reasons);
const detail = fc.option(anyText);

const verdict = fc.constantFrom<Verdict>(
  {
    kind: "allow",
    requestHeaders: [],
    requestHeadersToRemove: [],
    responseHeaders: [],
    queryParametersToRemove: [],
    queryParametersToSet: [],
  },
  { kind: "deny", status: 403, headers: [], body: null, reason: "policy", detail: null },
);

const watched = fc.record<Watched>({
  bundle,
  role: fc.constantFrom("candidate", "current"),
  verdict: fc.constantFrom("allow", "deny"),
  reason: fc.constantFrom(null, "policy", "policy_error"),
  differs: fc.boolean(),
});

const decision = fc
  .record({
    id: fc.uuid(),
    verdict,
    cached: fc.boolean(),
    bundle: fc.constant(null),
    bundles: fc.array(bundle, { maxLength: 2 }),
    watched: fc.option(watched),
    path: anyText,
    input: fc.option(document),
    result: fc.option(document, { nil: undefined }),
    evaluationNs: fc.nat(),
    hasText: fc.boolean(),
  })
  .map(({ hasText, ...decided }): Decision => {
    // The text alone is enough, where there is one.
    const text = hasText && decided.input !== null ? JSON.stringify(decided.input) : undefined;
    return { ...decided, inputText: text, remembered: decided.cached ? {} : null };
  });

const report: fc.Arbitrary<ExchangeReport> = fc.record({
  id: fc.oneof(fc.uuid(), anyText),
  startedAt: fc.nat(2 ** 42),
  durationMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
  source: endpoint,
  destination: endpoint,
  head: fc.option(
    fc.record({
      method: anyText,
      target: fc.oneof(target, anyText),
      protocol: fc.constantFrom("HTTP/1.1", "HTTP/2"),
      scheme: fc.constantFrom("http", "https"),
      host: anyText,
      rawHeaders: fc.constant([]),
      source: endpoint,
      destination: endpoint,
    }),
  ),
  decision: fc.option(decision),
  passage: fc.option(fc.record({ kind: fc.constantFrom("shadow", "degraded"), reason, detail })),
  recorded: fc.constant(null),
  reason: fc.option(reason),
  detail,
  status: fc.option(fc.integer({ min: 100, max: 599 })),
  aborted: fc.constantFrom(null, "client", "app"),
  upgraded: fc.boolean(),
  opaque: fc.boolean(),
  requestBytes: fc.maxSafeNat(),
  responseBytes: fc.maxSafeNat(),
  span: fc.option(
    fc.record({
      traceId: fc.constant("a".repeat(32)),
      spanId: fc.constant("b".repeat(16)),
      parentSpanId: fc.constant(null),
      sampled: fc.boolean(),
    }),
  ),
});

const labels = { id: "run-1", app: "bouncer", version: '1"2', pod: "p\n", namespace: "n" } as const;

const pointer = fc.oneof(
  fc.constantFrom<Pointer>(
    ["input"],
    ["result"],
    ["input", "attributes", "source"],
    ["input", "attributes", "request", "http", "method"],
    ["input", "attributes", "request", "http", "host"],
    ["input", "attributes", "request", "http", "path"],
    ["input", "parsed_query", "page"],
  ),
  fc.tuple(fc.constantFrom("input", "result"), key),
);

const erasures = fc.oneof(
  fc.constant(noErasures),
  fc.array(pointer, { maxLength: 3 }).map(planErasures),
);

test("records are written as the specification builds them", () => {
  fc.assert(
    fc.property(fc.array(report, { minLength: 1, maxLength: 3 }), erasures, (reports, erased) => {
      const writer = createEventWriter(labels, erased);
      for (const one of reports) {
        expect([writer.whole(one), writer.decision(one), writer.outcome(one)]).toEqual([
          withoutEnd(buildEvent(one, labels, erased)),
          withoutEnd(buildDecisionEvent(one, labels, erased)),
          withoutEnd(buildOutcomeEvent(one, labels)),
        ]);
      }
    }),
    { numRuns: 200 },
  );
});

/** The chain goes on with members of its own. */
function withoutEnd(event: object): string {
  return JSON.stringify(event).slice(0, -1);
}
