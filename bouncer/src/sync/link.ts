/**
 * One WebSocket to the bridge, from handshake to end. Ends by itself when nothing is heard for a
 * while: the kernel may take many minutes to notice that the other side is gone.
 */
import diagnostics from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { BouncerMessage, Hint, ProtocolVersion } from "bouncer-bridge/protocol";
import { ping, WebSocket } from "undici";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { authorize, createAgent, explainFailures } from "./access.ts";
import type { Clock } from "../clock.ts";
import { decode, encode } from "./wire.ts";

export const linkTiming = {
  /** Between two pings. The bridge sends its own; both count as signs of life. */
  heartbeatMs: 15_000,
  /** Without a sign of life, the connection is given up. */
  silenceMs: 50_000,
} as const;

/** What undici publishes when control frames arrive; the WebSocket interface hides them. */
const controlChannels = ["undici:websocket:ping", "undici:websocket:pong"] as const;

export interface LinkOptions {
  readonly config: Config;
  readonly url: URL;
  readonly clock: Clock;
  /** Aborting it ends the connection. */
  readonly signal: AbortSignal;
  readonly version: ProtocolVersion;
  /** Names of the bundles that hints are taken for. */
  readonly bundles: readonly string[];
  readonly onOpen: (send: (message: BouncerMessage) => void) => void;
  readonly onHint: (hint: Hint) => void;
  /** A message that is not of the protocol; newer bridges may send some. */
  readonly onUnknown: () => void;
}

/** How the other side ended the connection. */
export interface LinkEnd {
  /** RFC 6455, 7.4.1. */
  readonly code: number;
  readonly reason: string;
  /** It got as far as an announcement. */
  readonly wasHinted: boolean;
}

/** Resolves when the connection has ended; throws AppError when it did not come about. */
export async function runLink(options: LinkOptions): Promise<LinkEnd> {
  const { config, url, signal } = options;
  const headers = await authorize(config);
  const sockets = new Set<Socket>();
  const dispatcher = createAgent(config, (socket) => sockets.add(socket));
  let reason = "the handshake failed";
  const explained = dispatcher.compose(
    explainFailures((found) => {
      reason = found;
    }),
  );
  const socket = new WebSocket(url, { dispatcher: explained, headers });
  try {
    const end = await follow(socket, options, () => reason);
    if (signal.aborted) socket.close();
    return end;
  } finally {
    // An upgraded socket no longer belongs to the agent; a close frame would wait for a dead peer.
    for (const open of sockets)
      if (signal.aborted) open.destroySoon();
      else open.destroy();
    await dispatcher.destroy();
  }
}

/** Ended by this side. */
const ownEnd: LinkEnd = { code: 1000, reason: "", wasHinted: false };

async function follow(
  socket: WebSocket,
  options: LinkOptions,
  reason: () => string,
): Promise<LinkEnd> {
  const { clock, signal, url, version } = options;
  const ended = new AbortController();
  let heardAt = clock.now();
  let opened = false;
  let wasHinted = false;
  const hear = (event: unknown): void => {
    if (isAbout(event, socket)) heardAt = clock.now();
  };
  for (const channel of controlChannels) diagnostics.subscribe(channel, hear);
  const closing = Promise.withResolvers<LinkEnd>();
  const give = (error: AppError): void => closing.reject(error);
  const onAbort = (): void => closing.resolve(ownEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  socket.addEventListener("open", () => {
    opened = true;
    heardAt = clock.now();
    options.onOpen((message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(encode(message, version));
    });
  });
  socket.addEventListener("message", (event) => {
    heardAt = clock.now();
    const hint = decode(event.data, version, options.bundles);
    if (hint === null) return options.onUnknown();
    wasHinted = true;
    options.onHint(hint);
  });
  socket.addEventListener("error", () => {
    if (!opened) give(unreachable(url, reason()));
  });
  socket.addEventListener("close", ({ code, reason: why }) =>
    closing.resolve({ code, reason: why, wasHinted }),
  );
  const watching = watch(socket, clock, ended.signal, () => heardAt);
  const silenced = watching.then((isSilent) => {
    return isSilent ? give(unreachable(url, "nothing was heard of it for too long")) : undefined;
  });
  try {
    return await closing.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    for (const channel of controlChannels) diagnostics.unsubscribe(channel, hear);
    ended.abort();
    await silenced;
  }
}

function unreachable(url: URL, reason: string): AppError {
  return new AppError("sync_unreachable", `Cannot follow bridge "${url.href}": ${reason}`);
}

function isAbout(event: unknown, socket: WebSocket): boolean {
  return (
    typeof event === "object" &&
    event !== null &&
    "websocket" in event &&
    event.websocket === socket
  );
}

/** True when the other side fell silent, false when the connection ended before. */
async function watch(
  socket: WebSocket,
  clock: Clock,
  ended: AbortSignal,
  heardAt: () => number,
): Promise<boolean> {
  while (!ended.aborted) {
    const slept = await clock.wait(linkTiming.heartbeatMs, ended).then(
      () => true,
      () => false,
    );
    if (!slept) return false;
    if (clock.now() - heardAt() >= linkTiming.silenceMs) return true;
    ping(socket);
  }
  return false;
}
