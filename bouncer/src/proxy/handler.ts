/** What answers the requests to one port of the application: see `steps.ts` for the order. */
import type { AdminAnswer } from "../admin/routes.ts";
import type { CommitDecision } from "../audit/front.ts";
import type { Route } from "../config.ts";
import type { Rejection, RequestHandler, ServerStream, Upstream } from "../http/message.ts";
import type { DecidingPolicy, Header, RequestHead } from "../policy/decision.ts";
import type { SpanContext } from "../telemetry/trace-context.ts";
import type { Enforcement } from "./degraded.ts";
import { Exchange, type Report } from "./exchange.ts";
import type { InFlight } from "./in-flight.ts";
import { recordFirst } from "./record.ts";
import { buildRefusal, createRefusal } from "./refusal.ts";
import { RequestSteps } from "./steps.ts";

/** What becomes of a stream that goes on under a policy that did not let it begin. */
export type LongLivedStreams = "keep" | "recheck" | "close";

export interface HandlerDeps {
  readonly policy: DecidingPolicy;
  readonly report: Report;
  /** null: nothing waits for its record. */
  readonly commit: CommitDecision | null;
  readonly enforcement: Enforcement;
  readonly isTrusted: (address: string) => boolean;
  /** The answer to an admin request on a port of the application; null: it is none. */
  readonly admin: (
    request: { readonly method: string; readonly target: string },
    isLoopback: boolean,
  ) => AdminAnswer | Promise<AdminAnswer> | null;
  /** A span and the headers that carry it on; null when there are no traces. */
  readonly trace: (head: RequestHead) => { span: SpanContext; headers: readonly Header[] } | null;
  readonly isDraining: () => boolean;
  /** The present as in Date (RFC 9110, 6.6.1). */
  readonly date: () => string;
  readonly targetTimeoutMs: number;
  readonly bodyTimeoutMs: number;
  readonly maxInFlight: number;
  /** What Via calls us; null: it is not added. */
  readonly pseudonym: string | null;
  readonly longLived: LongLivedStreams;
}

export interface HandlerAround {
  readonly route: Route;
  readonly upstreamOf: (stream: ServerStream) => Upstream;
  readonly deps: HandlerDeps;
  readonly inFlight: InFlight;
}

export function createHandler(around: HandlerAround): RequestHandler {
  const { deps } = around;
  return {
    onRequest: (stream) => {
      const answer = deps.admin(stream.request, stream.connection.isLoopback);
      if (answer === null) new RequestSteps(stream, around).run();
      else void answerAdmin(stream, answer);
    },
    onRejection: (rejection) => {
      reject(rejection, deps);
    },
  };
}

function reject({ connection, reason, detail, answer }: Rejection, deps: HandlerDeps): void {
  const exchange = new Exchange(connection.source, connection.destination, deps.report);
  const refusal = createRefusal(reason, detail);
  recordFirst({ exchange, refusal, commit: deps.commit }, (unrecorded) => {
    const told = unrecorded ?? refusal;
    exchange.reason = told.reason;
    exchange.detail = told.detail;
    exchange.status = told.status;
    const { head, body } = buildRefusal(told, exchange.id, null);
    exchange.finish();
    answer(head, body);
  });
}

async function answerAdmin(
  stream: ServerStream,
  answering: AdminAnswer | Promise<AdminAnswer>,
): Promise<void> {
  stream.attach({
    onData: () => true,
    onEnd: () => undefined,
    onDrain: () => undefined,
    onClose: () => undefined,
  });
  const { status, type, body } = await answering;
  const bytes = Buffer.from(body);
  const isHead = stream.request.method === "HEAD";
  const length = String(bytes.length);
  const rawHeaders = ["Content-Type", type, "Content-Length", length, "Cache-Control", "no-store"];
  const bodyLength = isHead ? 0 : bytes.length;
  stream.sendHead({ status, reason: "", rawHeaders, bodyLength }, { close: false });
  if (!isHead) stream.sendData(bytes);
  stream.sendEnd([]);
}
