import { expect, test } from "vitest";
import { InjectorError } from "../errors.ts";
import { createLog } from "../telemetry/log.ts";
import type { EventDraft, ObjectReference } from "./event.ts";
import { createRecorder } from "./recorder.ts";
import type { EventResult, RecorderDeps } from "./recorder.ts";

const about = (name: string): ObjectReference => ({
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  namespace: "shop",
  name,
  uid: name,
});
const draft = (name: string): EventDraft => ({
  about: about(name),
  type: "Normal",
  reason: "BouncerInjected",
  code: "injected",
  message: "x",
});

function setUp(changed: Partial<RecorderDeps> = {}) {
  const written: string[] = [];
  const counts = new Map<EventResult, number>();
  const waits: number[] = [];
  let time = 0;
  const recorder = createRecorder({
    write: async (event) => {
      written.push(event.about.name);
    },
    findTopOwner: async (reference) => reference,
    count: (result) => counts.set(result, (counts.get(result) ?? 0) + 1),
    monotonic: () => time,
    timer: {
      after: (ms, callback) => {
        waits.push(ms);
        setImmediate(callback);
        return () => undefined;
      },
    },
    log: createLog("fatal"),
    ...changed,
  });
  return {
    recorder,
    written,
    counts,
    waits,
    pass: (ms: number) => {
      time += ms;
    },
  };
}

/** A timer whose time never comes. */
const never = { after: () => () => undefined };

test("events are written one after the other, and nothing happens at once", async () => {
  const { recorder, written } = setUp({ timer: never });
  for (const name of ["a", "b", "c"]) recorder.record(draft(name));
  expect(written).toEqual([]);
  await recorder.close(1000);
  expect(written).toEqual(["a", "b", "c"]);
});

test("the same of the same owner is written once, something else as well", async () => {
  const { recorder, written, counts } = setUp({ timer: never });
  recorder.record(draft("a"));
  recorder.record(draft("a"));
  recorder.record({ ...draft("a"), code: "no_app_ports", reason: "BouncerNoAppPorts" });
  await recorder.close(1000);
  expect(written).toEqual(["a", "a"]);
  expect(Object.fromEntries(counts)).toEqual({ repeated: 1, written: 2 });
});

test("the same is written again after ten minutes", async () => {
  const first = Promise.withResolvers<void>();
  const written: string[] = [];
  const { recorder, pass } = setUp({
    timer: never,
    write: async ({ about: { name } }) => {
      written.push(name);
      first.resolve();
    },
  });
  recorder.record(draft("a"));
  await first.promise;
  pass(10 * 60_000);
  recorder.record(draft("a"));
  await recorder.close(1000);
  expect(written).toEqual(["a", "a"]);
});

test("what is told of a Deployment is told once for all its ReplicaSets", async () => {
  const { recorder, written, counts } = setUp({
    timer: never,
    findTopOwner: async (reference) => ({ ...reference, name: "web", uid: "web" }),
  });
  recorder.record(draft("web-1"));
  recorder.record(draft("web-2"));
  await recorder.close(1000);
  expect(written).toEqual(["web"]);
  expect(counts).toEqual(
    new Map([
      ["written", 1],
      ["repeated", 1],
    ]),
  );
});

test("a failure that may pass is tried three times in all, with pauses", async () => {
  const { recorder, counts, waits } = setUp({
    write: () => Promise.reject(new InjectorError("api_failed", "down")),
  });
  recorder.record(draft("a"));
  await new Promise<void>((resolve) => {
    const look = (): void => {
      if (counts.size > 0) resolve();
      else setImmediate(look);
    };
    look();
  });
  expect(waits).toEqual([1000, 2000]);
  expect(counts).toEqual(new Map([["failed", 1]]));
});

test("a full queue drops and counts, and recording still returns at once", async () => {
  const { recorder, counts } = setUp({
    write: () => Promise.withResolvers<never>().promise,
  });
  for (let index = 0; index < 1005; index += 1) recorder.record(draft(`a${index}`));
  expect(counts).toEqual(new Map([["dropped", 5]]));
  // At the end of the time the rest is dropped, but for the one that is on its way.
  await recorder.close(10);
  expect(counts.get("dropped")).toBe(5 + 999);
  recorder.record(draft("late"));
  expect(counts.get("dropped")).toBe(5 + 1000);
});

test("closing ends a pause, tries once more, and writes the rest", async () => {
  const paused = Promise.withResolvers<void>();
  let attempts = 0;
  const written: string[] = [];
  const { recorder } = setUp({
    timer: {
      after: () => {
        paused.resolve();
        return () => undefined;
      },
    },
    write: async (event) => {
      attempts += 1;
      if (attempts === 1) throw new InjectorError("api_failed", "down");
      written.push(event.about.name);
    },
  });
  recorder.record(draft("a"));
  recorder.record(draft("b"));
  await paused.promise;
  await recorder.close(1000);
  expect(written).toEqual(["a", "b"]);
});
