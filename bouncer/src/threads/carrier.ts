/** What a thread beside the main one does, order by order. */
import { createProxyPortAdmin } from "../admin/proxy-port.ts";
import type { AdminAnswer } from "../admin/routes.ts";
import { planErasures } from "../audit/erase.ts";
import { createEventWriter } from "../audit/event.ts";
import { type AuditFront, createAuditFront, noAudit } from "../audit/front.ts";
import { type Commit, defaultBatching } from "../audit/sink.ts";
import { type Config, parseConfig } from "../config.ts";
import { startDataPath } from "../data-path.ts";
import { AppError, type FailureCode } from "../errors.ts";
import { Arrival } from "../evaluation/crossing.ts";
import type { Proxy } from "../proxy/server.ts";
import { createLog } from "../telemetry/log.ts";
import { Tally } from "../telemetry/tally.ts";
import { createTracing } from "../telemetry/tracing.ts";
import { Board } from "./board.ts";
import { createFollower } from "./follower.ts";
import type { Beginning, Notice, Numbers, Order } from "./messages.ts";
import { Pending } from "./pending.ts";
import { createDistantLane, type SlowAnswer } from "./slow-lane.ts";
import { Uplink } from "./uplink.ts";

export type Post = (notice: Notice) => void;

type SetOrder = Extract<Order, { readonly set: number }>;
type Reply = Extract<Order, { readonly id: number }>;
type Control = Exclude<Order, SetOrder | Reply | { readonly kind: "begin" }>;

/** Beyond the patience that the main thread has with the destination. */
const commitMs = defaultBatching.patienceMs + 1000;

/** Returns what takes the orders that follow. */
export function createCarrier(
  beginning: Beginning,
  post: Post,
): (order: Exclude<Order, { readonly kind: "begin" }>) => void {
  const { index, threads, environment, version } = beginning;
  const config = configOf(beginning);
  const board = new Board(threads, beginning.board);
  const tally = new Tally();
  const commits = new Pending<Commit>();
  const evaluations = new Pending<SlowAnswer>();
  const answers = new Pending<AdminAnswer>();
  const arriving = new Map<number, Arrival>();
  const impatience = new AbortController();
  let proxy: Proxy | null = null;
  /** Sets are staged and retired, and listening begins, in the order of the orders. */
  let queue: Promise<void> = Promise.resolve();

  const numbers = (): Numbers => ({ ...policy.counts(), connections: proxy?.connections() ?? 0 });
  const uplink = new Uplink({
    board,
    index,
    numbers,
    post: (batch) => post({ kind: "batch", ...batch }),
  });
  const log = createLog(config, { write: (line) => uplink.addLine(line) });
  const policy = createFollower(config, {
    board,
    environment,
    log,
    slowLane: (set) =>
      createDistantLane(set, (question) =>
        evaluations.ask((id) => post({ kind: "evaluate", id, ...question })),
      ),
    onCompared: (set, compared) => post({ kind: "compared", set, compared }),
  });
  const tracing = createTracing(config, {
    version,
    onDropped: (spans, error) => {
      uplink.loseSpans(spans);
      log.warn({ spans, err: error }, "spans not exported");
    },
  });
  const audit = createFront();

  function createFront(): AuditFront {
    if (beginning.labels === null) return noAudit;
    const events = createEventWriter(beginning.labels, planErasures(config.auditMasks ?? []));
    return createAuditFront(config.auditMode, events, {
      write: (members) => uplink.addRecord(members),
      commit: async (members) => {
        const committed = commits.ask((id) => {
          post({ kind: "commit", id, members });
          setTimeout(() => commits.settle(id, "late"), commitMs).unref();
        });
        return await committed;
      },
    });
  }

  async function stage(set: number): Promise<void> {
    const arrived = arriving.get(set);
    arriving.delete(set);
    try {
      if (arrived === undefined) throw new Error("nothing has arrived of it");
      await policy.stage(set, arrived.complete());
      post({ kind: "staged", set });
    } catch (error) {
      post({ kind: "unstaged", set, message: messageOf(error) });
    }
  }

  async function listen(): Promise<void> {
    try {
      proxy = await startDataPath(config, beginning.routes, {
        log,
        policy,
        audit,
        tracing,
        admin: createProxyPortAdmin(config.adminOnProxyPort, (path) =>
          answers.ask((id) => post({ kind: "admin", id, path })),
        ),
        isDraining: () => board.isDraining,
        observe: (report) => {
          tally.observe(report);
          uplink.touch();
        },
        limits: beginning.limits,
        shared: {
          set: (count) => board.setUnderWay(index, count),
          total: () => board.countUnderWay(),
        },
      });
      post({ kind: "listening" });
    } catch (error) {
      post({ kind: "failed", code: codeOf(error), message: messageOf(error) });
    }
  }

  async function stop(timeoutMs: number): Promise<void> {
    await queue;
    const finished = (await proxy?.stop(timeoutMs, impatience.signal)) ?? true;
    await tracing.close();
    await policy.close();
    uplink.flush();
    post({ kind: "stopped", finished });
  }

  function takeSet(order: SetOrder): void {
    switch (order.kind) {
      case "image":
        arriving.set(order.set, new Arrival(order.contents, order.image));
        return;
      case "memory":
        arriving.get(order.set)?.add(order);
        return;
      case "complete":
        queue = queue.then(() => stage(order.set));
        return;
      case "retire":
        queue = queue.then(() => policy.retire(order.set));
        return;
      default:
        order satisfies never;
    }
  }

  function takeReply(order: Reply): void {
    switch (order.kind) {
      case "look":
        post({ kind: "seen", id: order.id, numbers: numbers(), tally });
        return;
      case "committed":
        commits.settle(order.id, order.commit);
        return;
      case "evaluated":
        evaluations.settle(order.id, order);
        return;
      case "answered":
        answers.settle(order.id, order.answer);
        return;
      default:
        order satisfies never;
    }
  }

  function control(order: Control): void {
    switch (order.kind) {
      case "listen":
        queue = queue.then(listen);
        return;
      case "switched":
        policy.switched();
        return;
      case "stop":
        void stop(order.timeoutMs);
        return;
      case "hurry":
        impatience.abort();
        return;
      case "taken":
        uplink.taken(order.size);
        return;
      default:
        order satisfies never;
    }
  }

  return (order) => {
    if ("set" in order) takeSet(order);
    else if ("id" in order) takeReply(order);
    else control(order);
  };
}

/** The main thread has read the same, and found nothing wrong with it. */
function configOf({ environment, routes }: Beginning): Config {
  const parsed = parseConfig(environment);
  if (parsed.kind === "invalid") throw new Error(parsed.problems.join("; "));
  return { ...parsed.config, routes };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function codeOf(error: unknown): FailureCode {
  return error instanceof AppError ? error.code : "thread_failed";
}
