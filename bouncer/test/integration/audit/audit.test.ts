import { hash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { type Audit, createAudit } from "../../../src/audit/audit.ts";
import { openAuditFile } from "../../../src/audit/file.ts";
import { createSink, createStreamWriter } from "../../../src/audit/sink.ts";
import type { ExchangeReport } from "../../../src/proxy/exchange.ts";
import { readAll } from "../proxy/harness.ts";

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "audit-"));
});

afterEach(() => rm(directory, { recursive: true }));

const report: ExchangeReport = {
  id: "1",
  startedAt: 0,
  durationMs: 1,
  source: { address: "10.0.0.9", port: 1 },
  destination: { address: "10.0.0.1", port: 2 },
  head: null,
  decision: null,
  passage: null,
  recorded: null,
  reason: null,
  detail: null,
  status: 200,
  aborted: null,
  upgraded: false,
  opaque: false,
  requestBytes: 0,
  responseBytes: 0,
  span: null,
};

function create(auditLogDestination: "stdout" | "file", file: string, stdout = new PassThrough()) {
  const config = {
    enableAuditLog: true,
    auditMode: "availability",
    auditMasks: null,
    podName: "",
    podNamespace: "",
  } as const;
  return createAudit(
    { ...config, auditLogDestination, auditLogFile: file },
    {
      version: "1",
      stdout,
      onDropped: (records, error) => {
        throw new Error(`lost ${records}`, { cause: error });
      },
    },
  );
}

function record(audit: Audit, count: number): void {
  for (let i = 0; i < count; i += 1) audit.record({ ...report, id: String(i) });
}

/** Lines of a chain, checked as an auditor would. */
function checkChain(text: string): number {
  let previous = "";
  const lines = text.trimEnd().split("\n");
  for (const [i, line] of lines.entries()) {
    const [, body = "", own = ""] = /^(.*),"hash":"(\w+)"\}$/.exec(line) ?? [];
    expect(hash("sha256", `${body}}`)).toBe(own);
    expect(JSON.parse(line)).toMatchObject({ sequence: i + 1, previous_hash: previous });
    previous = own;
  }
  return lines.length;
}

test("to stdout: every record is out when the log is closed", async () => {
  const stdout = new PassThrough();
  const text = readAll(stdout);
  const audit = await create("stdout", "", stdout);
  record(audit, 500);
  await audit.close();
  stdout.end();
  expect(checkChain(await text)).toBe(500);
});

test("to a file: the same, in a directory that need not be there", async () => {
  const path = join(directory, "deep", "audit.log");
  const audit = await create("file", path);
  record(audit, 500);
  await audit.close();
  expect(checkChain(await readFile(path, "utf8"))).toBe(500);
});

test("a file that cannot be written is known at start", async () => {
  await writeFile(join(directory, "file"), "");
  const opening = create("file", join(directory, "file", "audit.log"));
  await expect(opening).rejects.toMatchObject({ code: "audit_unwritable" });
});

test("files are moved aside before they grow too big, and the oldest goes", async () => {
  const path = join(directory, "audit.log");
  const file = await openAuditFile(path, { maxBytes: 100, keep: 2 });
  for (let i = 0; i < 12; i += 1) await file.writeBatch(`${i}`.padEnd(39, ".") + "\n");
  await file.close();
  expect((await readdir(directory)).toSorted()).toEqual([
    "audit.log",
    "audit.log.1",
    "audit.log.2",
  ]);
  const first = async (name: string): Promise<string> =>
    (await readFile(join(directory, name), "utf8")).replaceAll(".", "").replaceAll("\n", " ");
  expect(await first("audit.log")).toBe("10 11 ");
  expect(await first("audit.log.1")).toBe("8 9 ");
  expect(await first("audit.log.2")).toBe("6 7 ");
});

test("a file that was there is gone on with, and counts", async () => {
  const path = join(directory, "audit.log");
  await writeFile(path, "x".repeat(90));
  const file = await openAuditFile(path, { maxBytes: 100, keep: 1 });
  await file.writeBatch("y".repeat(20));
  await file.close();
  expect((await stat(`${path}.1`)).size).toBe(90);
  expect((await stat(path)).size).toBe(20);
});

test("a reader that does not read costs records, which are counted, not memory or requests", async () => {
  const stuck = new Writable({ write: () => {} });
  const sink = createSink({
    writeBatch: createStreamWriter(stuck),
    maxQueued: 1000,
    batchSize: 100,
    patienceMs: 60_000,
    flushMs: 1000,
    onLost: () => {},
  });
  const accepted = Array.from({ length: 100 }, () => sink.write("x".repeat(50)));
  expect(accepted.filter(Boolean).length).toBeLessThan(25);
  expect(accepted[0]).toBe(true);
  expect(accepted.at(-1)).toBe(false);
});

test("a batch that cannot be written is counted, and the next is tried", async () => {
  const lost: number[] = [];
  const written: string[] = [];
  let fail = true;
  const sink = createSink({
    writeBatch: (batch) => {
      if (fail) return Promise.reject(new Error("disk full"));
      written.push(batch);
      return Promise.resolve();
    },
    maxQueued: 1000,
    batchSize: 10,
    patienceMs: 60_000,
    flushMs: 1,
    onLost: (lines) => {
      lost.push(lines);
      fail = false;
    },
  });
  sink.write("a".repeat(10));
  sink.write("b");
  sink.write("c");
  await sink.close();
  expect(lost).toEqual([1]);
  expect(written).toEqual(["b\nc\n"]);
});

test("what a request waits for: written, refused when it failed or does not fit, and written again", async () => {
  let fail = true;
  const lost: number[] = [];
  const written: string[] = [];
  const sink = createSink({
    writeBatch: (batch) => {
      if (fail) return Promise.reject(new Error("disk full"));
      written.push(batch);
      return Promise.resolve();
    },
    maxQueued: 10,
    batchSize: 10,
    patienceMs: 60_000,
    flushMs: 60_000,
    onLost: (lines) => lost.push(lines),
  });
  expect(await Promise.all([sink.commit("a"), sink.commit("b")])).toEqual(["refused", "refused"]);
  expect({ lost, problem: sink.problem() }).toEqual({ lost: [2], problem: "disk full" });
  fail = false;
  const both = [sink.commit("c".repeat(10)), sink.commit("d")];
  expect(sink.isOpen()).toBe(false);
  expect(await Promise.all(both)).toEqual(["written", "refused"]);
  expect({ open: sink.isOpen(), problem: sink.problem() }).toEqual({ open: true, problem: null });
  expect(written).toEqual([`${"c".repeat(10)}\n`]);
});

test("a destination that takes nothing does not keep the end waiting for ever", async () => {
  const lost: number[] = [];
  const sink = createSink({
    writeBatch: () => new Promise(() => {}),
    maxQueued: 100,
    batchSize: 1,
    patienceMs: 1,
    flushMs: 1,
    onLost: (lines) => lost.push(lines),
  });
  sink.write("a");
  sink.write("b");
  await sink.close();
  expect(lost).toEqual([2]);
});

test("a stream that has failed fails each write, and ends nothing else", async () => {
  const stream = new Writable({
    write: (_chunk, _encoding, done) => {
      done(new Error("broken pipe"));
    },
  });
  const write = createStreamWriter(stream);
  await expect(write("a")).rejects.toThrow("broken pipe");
  await expect(write("b")).rejects.toThrow("after");
});
