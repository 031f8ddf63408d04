/**
 * One WebSocket to the bridge, from handshake to end. Ends by itself when nothing is heard for a
 * while: the kernel may take many minutes to notice that the other side is gone.
 */
import type { Socket } from "node:net";
import type { BouncerMessage, Hint, ProtocolVersion } from "bouncer-bridge/protocol";
import { WebSocket } from "ws";
import { placeOf } from "../client/connect.ts";
import { connector } from "../client/request.ts";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import type { Clock } from "../clock.ts";
import { authorize, identify } from "./access.ts";
import { describeFailure } from "./failure.ts";
import { decode, encode } from "./wire.ts";

export const linkTiming = {
  /** Between two pings. The bridge sends its own; both count as signs of life. */
  heartbeatMs: 15_000,
  /** Without a sign of life, the connection is given up. */
  silenceMs: 50_000,
} as const;

/** Far beyond every hint. */
const maxMessageBytes = 1024 * 1024;

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
  const place = placeOf(url);
  const connect = connector(
    place,
    () => identify(config),
    (socket) => sockets.add(socket),
  );
  const socket = new WebSocket(url, {
    headers,
    perMessageDeflate: false,
    maxPayload: maxMessageBytes,
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the types have Node's own only
    createConnection: connect as never,
  });
  try {
    const end = await follow(socket, options);
    if (signal.aborted) socket.close();
    return end;
  } finally {
    // A close frame would wait for a dead peer.
    for (const open of sockets)
      if (signal.aborted) open.destroySoon();
      else open.destroy();
    socket.terminate();
  }
}

/** Ended by this side. */
const ownEnd: LinkEnd = { code: 1000, reason: "", wasHinted: false };

async function follow(socket: WebSocket, options: LinkOptions): Promise<LinkEnd> {
  const { clock, signal, url, version } = options;
  const ended = new AbortController();
  let heardAt = clock.now();
  let opened = false;
  let wasHinted = false;
  const hear = (): void => {
    heardAt = clock.now();
  };
  socket.on("ping", hear).on("pong", hear);
  const closing = Promise.withResolvers<LinkEnd>();
  const give = (error: AppError): void => closing.reject(error);
  const onAbort = (): void => closing.resolve(ownEnd);
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  socket.on("open", () => {
    opened = true;
    hear();
    options.onOpen((message) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(encode(message, version));
    });
  });
  socket.on("message", (data, isBinary) => {
    hear();
    const hint =
      isBinary || !Buffer.isBuffer(data) ? null : decode(data.toString(), version, options.bundles);
    if (hint === null) return options.onUnknown();
    wasHinted = true;
    options.onHint(hint);
  });
  socket.on("unexpected-response", (_request, { statusCode }) => {
    give(unreachable(url, `the server answered with status ${statusCode}`));
  });
  socket.on("error", (error) => {
    // Once it was open, its end says enough.
    if (!opened) give(unreachable(url, describeFailure(error)));
  });
  socket.on("close", (code, why) => {
    closing.resolve({ code, reason: why.toString(), wasHinted });
  });
  const watching = watch(socket, clock, ended.signal, () => heardAt);
  const silenced = watching.then((isSilent) => {
    return isSilent ? give(unreachable(url, "nothing was heard of it for too long")) : undefined;
  });
  try {
    return await closing.promise;
  } finally {
    signal.removeEventListener("abort", onAbort);
    ended.abort();
    await silenced;
  }
}

function unreachable(url: URL, reason: string): AppError {
  return new AppError("sync_unreachable", `Cannot follow bridge "${url.href}": ${reason}`);
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
    if (socket.readyState === WebSocket.OPEN) socket.ping();
  }
  return false;
}
