import { expect, test } from "vitest";
import { type Load, loads } from "./loads.ts";
import { countWork, findProblems, type Outcome, readH2load, readOwn, readWrk } from "./outcome.ts";

function loadOf(name: string): Load {
  const load = loads.find((one) => one.name === name);
  if (load === undefined) throw new Error(`no load "${name}"`);
  return load;
}

test("wrk: the line of our script is found among its own", () => {
  const text = `Running 1s test @ http://127.0.0.1:1/
  Requests/sec:  20.00

{"requests":20,"microseconds":1000000,"bytes":24000,"status":3,"failed":1}
`;
  expect(readWrk(text)).toEqual({
    requests: 20,
    seconds: 1,
    bytes: 24_000,
    refused: 3,
    failed: 1,
    latenciesMs: [],
  });
});

const h2load = `
finished in 2.01s, 7926.00 req/s, 1.2MB/s
requests: 15852 total, 15916 started, 15852 done, 15852 succeeded, 0 failed, 0 errored, 0 timeout
status codes: 15907 2xx, 0 3xx, 2 4xx, 1 5xx
`;

test("h2load: streams that were on their way at the end are no refusals", () => {
  expect(readH2load(h2load)).toMatchObject({ requests: 15_852, refused: 3, failed: 0 });
});

test("what a generator says that is not understood is an error", () => {
  expect(() => readWrk("unable to connect")).toThrow("unable to connect");
  expect(() => readH2load("usage")).toThrow("usage");
});

test("our own generator keeps every latency", () => {
  const outcome = readOwn('{"requests":2,"seconds":1.5,"latenciesNs":[1500000,250000]}');
  expect(outcome).toMatchObject({ requests: 2, seconds: 1.5, latenciesMs: [1.5, 0.25] });
});

const good: Outcome = {
  requests: 100,
  seconds: 1,
  bytes: 120_000,
  refused: 0,
  failed: 0,
  latenciesMs: [],
};

type Case = readonly [load: string, outcome: Partial<Outcome>, decides: boolean];

test.each<[string, Case, readonly string[]]>([
  ["all is well", ["get-16", {}, true], []],
  ["nothing was answered", ["get-16", { requests: 0 }, true], ["no request was answered"]],
  ["some failed", ["get-16", { failed: 2 }, true], ["2 of 100 requests failed"]],
  [
    "errors, quickly",
    ["get-16", { refused: 100, bytes: 5000 }, true],
    ["100 of 100 requests were refused instead of 0", "5000 bytes came instead of 102400 at least"],
  ],
  ["all were refused by what decides", ["refused", { refused: 100, bytes: 5000 }, true], []],
  [
    "one was not refused by what decides",
    ["refused", { refused: 99 }, true],
    ["99 of 100 requests were refused instead of 100"],
  ],
  ["none was refused by what does not decide", ["refused", {}, false], []],
])("%s", (_, [load, outcome, decides], expected) => {
  expect(findProblems(loadOf(load), { ...good, ...outcome }, decides)).toEqual(expected);
});

test("large answers that were on their way count in part", () => {
  expect(countWork(loadOf("get-1m"), { ...good, bytes: 1024 ** 2 * 1.5 })).toBe(1.5);
  expect(countWork(loadOf("get-16"), good)).toBe(100);
});
