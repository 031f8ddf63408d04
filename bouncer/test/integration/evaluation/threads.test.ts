/** Threads that do not answer, answer late, answer nonsense or are not there: nobody waits for them. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { createEvaluator } from "../../../src/evaluation/evaluator.ts";
import type { Answer, Request } from "../../../src/evaluation/messages.ts";
import type { Contents } from "../../../src/evaluation/prepare.ts";
import { createSlowLane, slowLaneLimits } from "../../../src/evaluation/slow-lane.ts";
import {
  prepareBeside,
  prepareLimitMs,
  type ThreadListener,
} from "../../../src/evaluation/thread.ts";
import { openSet } from "../../../src/bundle/set.ts";
import { OpenQuery } from "../../../src/rego/query.ts";
import { buildBundle } from "../policy/opa.ts";
import { requirements } from "../policy/requirements.ts";

const bundle = await buildBundle({ "authz.rego": "package envoy.authz\nallow := true" });
const snapshots = [{ name: "bundle.tar.gz", bytes: bundle, deltas: [] }];
const preparation = { snapshots, requirements, evaluationBytes: 1024 };

/** Threads that say what the test wants, and nothing else. */
function createThreads(onPost: (request: Request) => void = () => undefined) {
  const threads: { readonly listener: ThreadListener; ended: boolean }[] = [];
  return {
    threads,
    start: (listener: ThreadListener) => {
      const thread = { listener, ended: false };
      threads.push(thread);
      return {
        post: onPost,
        end: () => {
          thread.ended = true;
        },
      };
    },
    say: (answer: Answer, at = -1) => threads.at(at)?.listener.onAnswer(answer),
  };
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

async function contentsOf(): Promise<Contents> {
  const { wasm: _, data: __, ...opened } = await openSet(snapshots, requirements);
  return { ...opened, mentioned: [] };
}

async function preparedWith(pages: number): Promise<Answer> {
  const module = new WebAssembly.Module(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  const addresses = { entrypoint: 0, dataAddress: 0, heapAddress: 0 };
  const image = { module, builtins: {}, ...addresses, pages, maximumPages: pages };
  return { kind: "prepared", contents: await contentsOf(), image };
}

describe("a policy that is prepared beside", () => {
  test("without end is given up", async () => {
    const { start, threads } = createThreads();
    const preparing = prepareBeside(preparation, start);
    vi.advanceTimersByTime(prepareLimitMs);
    await expect(preparing).rejects.toThrow("120 seconds");
    expect(threads.map(({ ended }) => ended)).toEqual([true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("for which there is no memory is refused", async () => {
    const { start, say } = createThreads();
    const preparing = prepareBeside(preparation, start);
    say(await preparedWith(70_000));
    await expect(preparing).rejects.toThrow("Cannot load bundle");
    expect(vi.getTimerCount()).toBe(0);
  });

  test("with pieces that lie nowhere is refused", async () => {
    const { start, say } = createThreads();
    const preparing = prepareBeside(preparation, start);
    say(await preparedWith(1));
    say({ kind: "memory", address: 2 ** 31, bytes: new ArrayBuffer(0) });
    say({ kind: "complete" });
    await expect(preparing).rejects.toThrow("Cannot load bundle");
  });

  test("by a thread that ends is refused", async () => {
    const { start, threads } = createThreads();
    const preparing = prepareBeside(preparation, start);
    threads[0]?.listener.onEnd("no more room");
    await expect(preparing).rejects.toThrow("no more room");
  });
});

const jobOf = (input: string, withinMs = 60_000) => ({
  input,
  query: new OpenQuery(() => 0n),
  budgetMs: 100,
  deadline: performance.now() + withinMs,
});
const query = new OpenQuery(() => 0n).save();
const evaluated = (value: unknown): Answer => ({
  kind: "evaluated",
  evaluation: { kind: "value", value },
  query,
});

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

describe("an evaluation beside", () => {
  test("that is answered too late is never taken for the next one", async () => {
    const { start, say, threads } = createThreads();
    const lane = createSlowLane(preparation, start);
    const first = lane.evaluate(jobOf("1", 100));
    const second = lane.evaluate(jobOf("2"));
    await turn();
    say({ kind: "loaded" });
    await turn();
    vi.advanceTimersByTime(100 + slowLaneLimits.graceMs);
    expect(await first).toEqual({ kind: "timeout" });
    await turn();
    expect(threads.map(({ ended }) => ended)).toEqual([true, false]);
    say(evaluated("of the first"), 0);
    say({ kind: "loaded" });
    await turn();
    say(evaluated("of the first"), 0);
    threads[0]?.listener.onEnd("it was ended");
    say(evaluated("of the second"));
    expect(await second).toEqual({ kind: "value", value: "of the second" });
    lane.close();
    expect(threads.map(({ ended }) => ended)).toEqual([true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test.each([
    [
      "be started",
      () => {
        throw new Error("no thread");
      },
    ],
    [
      "be told",
      createThreads(() => {
        throw new Error("no thread");
      }).start,
    ],
  ])("fails alone when its thread cannot %s", async (_name, start) => {
    const lane = createSlowLane(preparation, start);
    for (const input of ["1", "2"]) {
      expect(await lane.evaluate(jobOf(input))).toEqual({ kind: "error", message: "no thread" });
    }
    lane.close();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("that waits when the policy is closed still ends, and its thread with it", async () => {
    const { start, say, threads } = createThreads();
    const lane = createSlowLane(preparation, start);
    const first = lane.evaluate(jobOf("1"));
    lane.close();
    await turn();
    say({ kind: "loaded" });
    await turn();
    say(evaluated(1));
    expect(await first).toEqual({ kind: "value", value: 1 });
    expect(await lane.evaluate(jobOf("2"))).toEqual({ kind: "timeout" });
    expect(threads.map(({ ended }) => ended)).toEqual([true]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a network that fails in a way that it must not is an error of the one decision", async () => {
  const evaluator = createEvaluator({
    engine: {
      evaluate: (_input, evaluating) => {
        evaluating.query.answer({ name: "http.send", operands: [] });
        return { kind: "value", value: true };
      },
      evaluateTerm: () => ({ kind: "timeout" }),
      revivals: () => 0,
    },
    slowLane: {
      evaluate: async () => await Promise.reject(new Error("no")),
      close: () => undefined,
    },
    makeCall: async () => await Promise.reject(new Error("no such directory")),
    now: () => 0,
    limits: { evaluationMs: 100, decisionMs: 1000 },
  });
  expect(await evaluator.evaluate("{}")).toEqual({ kind: "error", message: "no such directory" });
});
