/**
 * The thread beside the one that serves: opens new bundles, and evaluates what takes too long to
 * hold up other requests. It has no state but the policy that it was given last.
 */
import { constants, setPriority } from "node:os";
import { parentPort } from "node:worker_threads";
import { AppError } from "../errors.ts";
import { plannedFrom } from "../policy/plan.ts";
import { thoroughly, warm } from "../policy/warm.ts";
import { Allowance } from "../rego/allowance.ts";
import { threadCpuMs } from "../rego/cpu.ts";
import { createEngine, type Engine } from "../rego/engine.ts";
import type { Image } from "../rego/image.ts";
import { OpenQuery } from "../rego/query.ts";
import { findBuiltins } from "../rego/registry.ts";
import { piecesOf, shellOf } from "./crossing.ts";
import type { Answer, Request } from "./messages.ts";
import { type Preparation, prepare } from "./prepare.ts";

// On Linux that is this thread alone: what serves goes first, whatever is done here.
setPriority(constants.priority.PRIORITY_LOW);

const port = parentPort;
if (port === null) throw new Error("this file is for a worker thread");

let engine: Engine | null = null;

function post(answer: Answer, transfer: readonly ArrayBuffer[] = []): void {
  port?.postMessage(answer, transfer);
}

async function send(preparation: Preparation): Promise<void> {
  const prepared = await prepare(preparation);
  const { contents, image } = prepared;
  post({ kind: "prepared", contents, image: shellOf(image) });
  for (const piece of piecesOf(image)) post({ kind: "memory", ...piece }, [piece.bytes]);
  // What the compiler makes of the policy is shared; the memory was copied before.
  const plan = plannedFrom(prepared);
  await warm(await openEngine(image), plan, thoroughly);
  post({ kind: "complete" });
}

async function openEngine(image: Image): Promise<Engine> {
  const { builtins } = await findBuiltins(Object.keys(image.builtins));
  return createEngine(image, { builtins, now: threadCpuMs });
}

async function load(preparation: Preparation): Promise<void> {
  const { image } = await prepare(preparation);
  engine = await openEngine(image);
  post({ kind: "loaded" });
}

function evaluate(request: Extract<Request, { kind: "evaluate" }>): void {
  const query = OpenQuery.from(request.query);
  const allowance = new Allowance(query, request.budgetMs);
  const evaluation = engine?.evaluate(request.input, allowance) ?? {
    kind: "error",
    message: "no policy was loaded",
  };
  post({ kind: "evaluated", evaluation, query: query.save() });
}

async function handle(request: Request): Promise<void> {
  switch (request.kind) {
    case "prepare":
      return await send(request.preparation);
    case "load":
      return await load(request.preparation);
    case "evaluate":
      return evaluate(request);
  }
}

port.on("message", (request: Request) => {
  handle(request).catch((error: unknown) => {
    const code = error instanceof AppError ? error.code : "bundle_invalid";
    const message = error instanceof Error ? error.message : String(error);
    post({ kind: "failed", code, message });
  });
});
