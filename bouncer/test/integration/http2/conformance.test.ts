/**
 * RFC 9113 and what attacks there are, case by case, against our server, and against Node's for
 * reference: where it does something else, the table says so.
 */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { attackCases } from "./cases/attacks.ts";
import type { Case } from "./cases/case.ts";
import { connectionCases } from "./cases/connection.ts";
import { frameCases } from "./cases/frames.ts";
import { messageCases } from "./cases/messages.ts";
import { RawPeer } from "./raw-peer.ts";
import { startNode, startOurs, type Target } from "./target.ts";

const cases: readonly Case[] = [...connectionCases, ...frameCases, ...messageCases, ...attackCases];

const servers = [
  { name: "ours", start: startOurs, expectation: (one: Case) => one.expected },
  {
    name: "node:http2",
    start: startNode,
    expectation: (one: Case) => one.node ?? one.nodeWrong ?? one.expected,
  },
];

describe.each(servers)("$name", ({ start, expectation }) => {
  let target: Target | null = null;

  beforeAll(async () => {
    target = await start();
  });
  afterAll(async () => {
    await target?.close();
  });

  test.each(cases)("$section: $name", async (one) => {
    const expected = expectation(one);
    const peer = await RawPeer.connect(target?.port ?? 0, expected === "nothing");
    const outcome = await one.run(peer);
    peer.close();
    expect(outcome).toBe(expected);
  });
});
