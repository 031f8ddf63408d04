/**
 * What rows are made of: one thing that the client or the application does, or that one of them is
 * to get. Steps are done one after the other, so rows read as what happens.
 */
import { digestOf, type Headers, type Message, valuesOf } from "./reader.ts";
import { Mismatch, type Trial, type Wire } from "./trial.ts";

export type Step = (trial: Trial) => Promise<void>;

/** Bytes for request or answer: as text, each character one byte. */
type Bytes = string | Buffer;

export interface BodyMatch {
  /** All of it, without its framing. */
  readonly body?: Bytes;
  /** `Name: value`, exactly these, in this order; the case of names does not matter. */
  readonly trailers?: readonly string[];
}

export interface HeadMatch {
  /** `Name: value`: there, and the only one of that name; the case of names does not matter. */
  readonly has?: readonly string[];
  /** Lower-case names that are not there. */
  readonly lacks?: readonly string[];
  /** `Name: value`, in this order and case, among others. */
  readonly inOrder?: readonly string[];
}

export interface RequestMatch extends BodyMatch, HeadMatch {
  readonly method?: string;
  readonly target?: string;
  readonly version?: string;
}

export interface ResponseMatch extends BodyMatch, HeadMatch {
  readonly status?: number;
  readonly version?: string;
  readonly reason?: string;
  /** It answers HEAD, or a CONNECT that was accepted. */
  readonly bodyless?: boolean;
  /** Interim answers of this status may come first. */
  readonly afterInterim?: number;
  /** How its end is known to the client. */
  readonly framing?: "length" | "chunked" | "close" | "none";
}

/** Names are the same in any case. */
function foldLine(line: string): string {
  return line.replace(/^[^:]*/, (name) => name.toLowerCase());
}

function sameHeaders(found: Headers, wanted: readonly string[]): boolean {
  const lines = found.map(([name, value]) => foldLine(`${name}: ${value}`));
  return lines.length === wanted.length && wanted.every((line, i) => lines[i] === foldLine(line));
}

/** The tokens of Connection are the same in any case (RFC 9110, 7.6.1). */
function sameValue(name: string, found: string, wanted: string): boolean {
  return name === "connection" ? found.toLowerCase() === wanted.toLowerCase() : found === wanted;
}

function findHeadProblem(headers: Headers, { has, lacks, inOrder }: HeadMatch): string | null {
  for (const line of has ?? []) {
    const at = line.indexOf(": ");
    const name = line.slice(0, at).toLowerCase();
    const found = valuesOf(headers, name);
    if (found.length !== 1 || !sameValue(name, found[0] ?? "", line.slice(at + 2))) {
      const shown = found.length === 0 ? "none" : found.map((value) => `"${value}"`).join(" and ");
      return `has ${name} ${shown}`;
    }
  }
  for (const name of lacks ?? []) {
    const [value] = valuesOf(headers, name);
    if (value !== undefined) return `has ${name} "${value}"`;
  }
  let at = 0;
  for (const line of inOrder ?? []) {
    const found = headers.findIndex(
      ([name, value], i) => i >= at && line === (value === "" ? `${name}:` : `${name}: ${value}`),
    );
    if (found === -1) return `has not, or not in its place, "${line}"`;
    at = found + 1;
  }
  return null;
}

function findBodyProblem(message: Message, { body, trailers }: BodyMatch): string | null {
  if (body !== undefined) {
    const wanted = bytesOf(body);
    if (message.length !== wanted.length || message.digest() !== digestOf(wanted)) {
      if (message.length > 60) return `has a body of ${message.length} other bytes`;
      return `has the body ${JSON.stringify(message.body)}`;
    }
  }
  if (trailers !== undefined && !sameHeaders(message.trailers, trailers)) {
    const found = message.trailers.map(([name, value]) => `${name}: ${value}`).join(", ");
    return found === "" ? "has no trailers" : `has the trailers ${found}`;
  }
  return null;
}

function check(who: string, problem: string | null): void {
  if (problem !== null) throw new Mismatch(`${who} ${problem}`);
}

/** ---- what the client does ---- */

/** Sends bytes as they are, on a connection that is made when it is first named. */
export function send(bytes: Bytes, on = "a"): Step {
  return async (trial) => {
    (await trial.dial(on)).send(bytes);
  };
}

/** Byte by byte, each a write of its own. */
export function sendEach(bytes: string, on = "a"): Step {
  return async (trial) => {
    const wire = await trial.dial(on);
    for (const byte of bytes) wire.send(byte);
  };
}

/** Ends its side, and goes on reading. */
export function end(on = "a"): Step {
  return async (trial) => {
    (await trial.dial(on)).socket.end();
  };
}

/** Goes away without a word. */
export function reset(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    wire.dropped = true;
    wire.socket.resetAndDestroy();
    return Promise.resolve();
  };
}

/** Goes away as a program does that is killed: both ways are closed. */
export function leave(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    wire.dropped = true;
    wire.socket.destroy();
    return Promise.resolve();
  };
}

/** ---- what the application gets ---- */

/** What the client got while the application was to get something. */
function findAnswer(trial: Trial): string | null {
  for (const [, wire] of trial.clients) {
    if (wire.dropped) continue;
    const [, status] =
      /^HTTP\/1\.[01] ([45]\d\d)/.exec(wire.reader.pending.toString("latin1")) ?? [];
    if (status !== undefined) return `the client gets ${status}`;
    if (wire.isOver && wire.reader.pendingLength === 0) return "the connection is closed";
  }
  return null;
}

async function takeRequest(trial: Trial, match: RequestMatch): Promise<Message> {
  const { wire, message } = await trial.until("the application's request", () => {
    const found = trial.findRequest();
    const answer = found === null ? findAnswer(trial) : null;
    if (answer !== null) throw new Mismatch(answer);
    return found;
  });
  trial.app = wire;
  const [method, target, version] = message.line.split(" ");
  if (match.method !== undefined && method !== match.method) {
    throw new Mismatch(`the application gets the method ${method}`);
  }
  if (match.target !== undefined && target !== match.target) {
    throw new Mismatch(`the application gets the target ${target}`);
  }
  if (match.version !== undefined && version !== match.version) {
    throw new Mismatch(`the application gets ${version}`);
  }
  check("the application's request", findHeadProblem(message.headers, match));
  return message;
}

async function takeRest(trial: Trial, message: Message, match: BodyMatch): Promise<void> {
  const wire = trial.serving;
  await trial.until("the end of the application's request", () => {
    if (!message.isComplete) wire.reader.pump(false);
    if (message.isComplete) return true;
    if (wire.isOver) throw new Mismatch("the application's request is cut off");
    const answer = findAnswer(trial);
    if (answer !== null) throw new Mismatch(answer);
    return null;
  });
  check("the application's request", findBodyProblem(message, match));
}

/** The application gets this request, the whole of it. */
export function seen(match: RequestMatch): Step {
  return async (trial) => {
    const message = await takeRequest(trial, match);
    await takeRest(trial, message, { body: "", ...match });
  };
}

/** The application gets the head of this request; there is more to come. */
export function seenHead(match: RequestMatch): Step {
  return async (trial) => {
    await takeRequest(trial, match);
  };
}

/** The application has got this much of the body. */
export function seenBody(body: string): Step {
  return async (trial) => {
    const wire = trial.serving;
    const { message } = wire;
    if (message === null) throw new Error("no request is being read");
    await trial.until("more of the application's request", () => {
      if (!message.isComplete) wire.reader.pump(false);
      if (message.length >= body.length) return true;
      const answer = findAnswer(trial);
      if (answer !== null) throw new Mismatch(answer);
      return null;
    });
    if (message.isComplete || message.body !== body) {
      throw new Mismatch(`the application gets the body ${JSON.stringify(message.body)}`);
    }
  };
}

/** The application gets the rest of its request; `body`: the whole of it. */
export function seenRest(match: BodyMatch): Step {
  return async (trial) => {
    const { message } = trial.serving;
    if (message === null) throw new Error("no request is being read");
    await takeRest(trial, message, match);
  };
}

/** What the application gets is cut off: it cannot take it for whole. */
export function seenCut(): Step {
  return async (trial) => {
    const wire = trial.serving;
    const { message } = wire;
    await trial.until("the end of the application's connection", () => {
      wire.reader.pump(false);
      if (message?.isComplete === true) {
        throw new Mismatch("the application gets the request as if it were whole");
      }
      return wire.isOver ? true : null;
    });
  };
}

/** The connection to the application is closed, and nothing more came on it. */
export function appClosed(): Step {
  return async (trial) => {
    const wire = trial.serving;
    await trial.until("the end of the application's connection", () => (wire.isOver ? true : null));
    if (wire.reader.pendingLength > 0) throw new Mismatch("the application gets more");
  };
}

/** So many connections were made to the application until now. */
export function connections(count: number): Step {
  return async (trial) => {
    if (trial.apps.length !== count) {
      throw new Mismatch(`there were ${trial.apps.length} connections to the application`);
    }
    return Promise.resolve();
  };
}

/** ---- what the application does ---- */

export function reply(bytes: Bytes): Step {
  return async (trial) => {
    trial.serving.send(bytes);
    return Promise.resolve();
  };
}

/** Byte by byte, each a write of its own. */
export function replyEach(bytes: string): Step {
  return async (trial) => {
    for (const byte of bytes) trial.serving.send(byte);
    return Promise.resolve();
  };
}

/** On the first connection that was made to the application. */
export function replyFirst(bytes: string): Step {
  return async (trial) => {
    trial.apps[0]?.send(bytes);
    return Promise.resolve();
  };
}

/** Goes on answering until the connection is closed: that is how it learns of it. */
export function replyUntilClosed(): Step {
  return async (trial) => {
    const { socket } = trial.serving;
    const timer = setInterval(() => {
      if (socket.writable) socket.write("more");
    }, 5);
    try {
      await trial.until("the end of the application's connection", () =>
        trial.serving.isOver ? true : null,
      );
    } finally {
      clearInterval(timer);
    }
  };
}

/** The application ends its side. */
export function appEnd(): Step {
  return async (trial) => {
    trial.serving.socket.end();
    return Promise.resolve();
  };
}

/** The application closes its connection, reading nothing more. */
export function appReset(): Step {
  return async (trial) => {
    trial.serving.socket.resetAndDestroy();
    return Promise.resolve();
  };
}

/** ---- what the client gets ---- */

function endsOf(wire: Wire): string {
  if (wire.reader.pendingLength > 0) return "the answer is cut off in its head";
  return "the connection is closed";
}

async function takeResponse(trial: Trial, on: string, match: ResponseMatch): Promise<Message> {
  const wire = trial.client(on);
  const { bodyless = false } = match;
  const message = await trial.until("the answer", () => {
    let found = trial.findResponse(wire, { bodyless });
    while (found !== null && found.status === match.afterInterim)
      found = trial.findResponse(wire, { bodyless });
    if (found === null && wire.isOver) throw new Mismatch(endsOf(wire));
    return found;
  });
  const [, version, status, reason] = /^(\S+) (\d+) ?(.*)$/.exec(message.line) ?? [];
  if (match.status !== undefined && status !== String(match.status)) {
    throw new Mismatch(`the client gets ${status}`);
  }
  if (match.version !== undefined && version !== match.version) {
    throw new Mismatch(`the client gets ${version}`);
  }
  if (match.reason !== undefined && reason !== match.reason) {
    throw new Mismatch(`the client gets the reason "${reason}"`);
  }
  check("the answer", findHeadProblem(message.headers, match));
  checkFraming(message, match.framing);
  return message;
}

function checkFraming(message: Message, wanted: ResponseMatch["framing"]): void {
  if (wanted === undefined) return;
  const found =
    message.values("transfer-encoding").length > 0
      ? "chunked"
      : message.values("content-length").length > 0
        ? "length"
        : message.values("connection").includes("close")
          ? "close"
          : "none";
  if (found !== wanted) throw new Mismatch(`the answer's end is known by ${found}`);
}

async function takeAnswer(trial: Trial, on: string, match: BodyMatch): Promise<void> {
  const wire = trial.client(on);
  const { message } = wire;
  if (message === null) throw new Error("no answer is being read");
  await trial.until("the end of the answer", () => {
    if (!message.isComplete) wire.reader.pump(wire.ended && !wire.failed);
    if (message.isComplete) return true;
    if (wire.isOver) throw new Mismatch("the answer is cut off");
    return null;
  });
  check("the answer", findBodyProblem(message, match));
}

/** The client gets this answer, the whole of it. */
export function got(match: ResponseMatch, on = "a"): Step {
  return async (trial) => {
    await takeResponse(trial, on, match);
    await takeAnswer(trial, on, match);
  };
}

/** The client gets this interim answer. */
export function gotInterim(status: number, match: HeadMatch = {}, on = "a"): Step {
  return got({ status, ...match }, on);
}

/** The client gets the head of this answer; there is more to come. */
export function gotHead(match: ResponseMatch, on = "a"): Step {
  return async (trial) => {
    await takeResponse(trial, on, match);
  };
}

/** The client has got this much of the body, and there is more to come. */
export function gotBody(body: string, on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    const { message } = wire;
    if (message === null) throw new Error("no answer is being read");
    await trial.until("more of the answer", () => {
      if (!message.isComplete) wire.reader.pump(false);
      if (message.length >= body.length) return true;
      if (wire.isOver) throw new Mismatch("the answer is cut off");
      return null;
    });
    if (message.isComplete || message.body !== body) {
      throw new Mismatch(`the client gets the body ${JSON.stringify(message.body)}`);
    }
  };
}

/** The client gets the rest of its answer; `body`: the whole of it. */
export function gotRest(match: BodyMatch, on = "a"): Step {
  return async (trial) => {
    await takeAnswer(trial, on, match);
  };
}

/** The client's answer breaks off, and the client can see that it does. */
export function gotCut(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    const { message } = wire;
    await trial.until("the end of the connection", () => {
      if (message !== null && !message.isComplete) wire.reader.pump(wire.ended && !wire.failed);
      if (message?.isComplete === true) throw new Mismatch("the answer looks whole to the client");
      return wire.isOver ? true : null;
    });
    wire.dropped = true;
  };
}

/** The client gets 502, or a part of an answer, or nothing, and sees that it is not whole. */
export function gotFailure(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    const message = await trial.until("an end", () => {
      const found = trial.findResponse(wire, {});
      return found ?? (wire.isOver ? "nothing" : null);
    });
    if (message === "nothing") wire.dropped = true;
    else if (message.status === 502) await takeAnswer(trial, on, {});
    else await gotCut(on)(trial);
  };
}

/** The connection is closed by the other side, and nothing more came. */
export function closed(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    await trial.until("the end of the connection", () => {
      if (wire.reader.pendingLength > 0) {
        const [line = ""] = wire.reader.pending.toString("latin1").split("\r\n");
        throw new Mismatch(`the client gets more: ${line.slice(0, 40)}`);
      }
      return wire.isOver ? true : null;
    });
    wire.dropped = true;
  };
}

/** ---- both ---- */

export const okAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** A plain exchange, from beginning to end: what was there before is over, and did no harm. */
export function exchange(target = "/next", on = "a"): Step {
  return all(
    send(`GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`, on),
    seen({ method: "GET", target }),
    reply(okAnswer),
    got({ status: 200, body: "ok" }, on),
  );
}

/** The connection may be used again. */
export function open(on = "a"): Step {
  return exchange("/next", on);
}

/**
 * Another client's exchange, which shows that what the application was to get before is there:
 * those requests, of which it should have none or none that is whole.
 */
async function passBarrier(trial: Trial): Promise<Wire[]> {
  const before: Wire[] = [];
  (await trial.dial("barrier")).send("GET /barrier HTTP/1.1\r\nHost: a\r\n\r\n");
  await trial.until("the next request", () => {
    for (let found = trial.findRequest(); found !== null; found = trial.findRequest()) {
      if (found.message.line.includes(" /barrier ")) {
        trial.app = found.wire;
        return true;
      }
      before.push(found.wire);
    }
    return null;
  });
  trial.serving.send(okAnswer);
  await got({ status: 200, body: "ok" }, "barrier")(trial);
  return before;
}

/**
 * The body is against the grammar or ends too soon: the application must not take it for whole, and
 * the client's connection must not be used any more. Whether it is told 400 is open.
 */
export function broken(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    await trial.until("the end of the connection", () => {
      const answer = trial.findResponse(wire, {});
      if (answer !== null && answer.status !== 400) {
        throw new Mismatch(`the client gets ${answer.status}`);
      }
      return wire.isOver ? true : null;
    });
    wire.reader.takeAll();
    wire.dropped = true;
    for (const forwarded of await passBarrier(trial)) {
      trial.app = forwarded;
      await seenCut()(trial);
    }
  };
}

/** Nothing of it came to the application: the next thing that does is another client's request. */
export function nothingForApp(): Step {
  return async (trial) => {
    const [early] = await passBarrier(trial);
    if (early?.message !== null && early !== undefined) {
      throw new Mismatch(`the application gets ${early.message.line}`);
    }
    if (trial.apps.some((one) => one !== trial.app && one.reader.pendingLength > 0)) {
      throw new Mismatch("the application gets a part of it");
    }
  };
}

/** The request is answered with this status, and the application is not asked. */
export function refused(status: number, on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    const message = await trial.until("an answer", () => {
      const found = trial.findResponse(wire, {});
      if (found !== null) return found;
      const forwarded = trial.findRequest();
      if (forwarded !== null) {
        throw new Mismatch(
          `the application gets ${forwarded.message.line}${framingOf(forwarded.message)}`,
        );
      }
      if (wire.isOver) throw new Mismatch(endsOf(wire));
      return null;
    });
    if (message.status !== status) throw new Mismatch(`the client gets ${message.status}`);
    await takeAnswer(trial, on, {});
    await nothingForApp()(trial);
  };
}

/** And its connection is closed: nobody can tell where the next request would begin. */
export function rejected(status: number, on = "a"): Step {
  return all(refused(status, on), closed(on));
}

function framingOf(message: Message): string {
  const [encoding] = message.values("transfer-encoding");
  const [length] = message.values("content-length");
  if (encoding !== undefined) return `, ${encoding}`;
  return length === undefined ? "" : `, length ${length}`;
}

/** The request comes through as it is matched, is answered, and the connection stays open. */
export function passes(bytes: Bytes, match: RequestMatch): Step {
  return all(send(bytes), seen(match), reply(okAnswer), got({ status: 200, body: "ok" }), open());
}

/** The answer comes back as it is matched to a plain request, and the connection stays open. */
export function answers(bytes: Bytes, match: ResponseMatch): Step {
  return all(
    send("GET /first HTTP/1.1\r\nHost: a\r\n\r\n"),
    seen({ target: "/first" }),
    reply(bytes),
    got(match),
    open(),
  );
}

export function all(...steps: readonly Step[]): Step {
  return async (trial) => {
    for (const step of steps) await step(trial);
  };
}

/** ---- connections that no longer carry HTTP ---- */

async function takeRaw(trial: Trial, wire: Wire, bytes: Buffer, who: string): Promise<void> {
  await trial.until(`${who} bytes`, () => {
    if (wire.reader.pendingLength >= bytes.length) return true;
    if (wire.isOver) throw new Mismatch(`${who} connection is closed`);
    return null;
  });
  wire.isRaw = true;
  const found = wire.reader.takeAll();
  if (digestOf(found) !== digestOf(bytes)) {
    throw new Mismatch(`${who} bytes are ${JSON.stringify(found.toString("latin1", 0, 60))}`);
  }
}

function bytesOf(bytes: Bytes): Buffer {
  return typeof bytes === "string" ? Buffer.from(bytes, "latin1") : bytes;
}

/** The application gets exactly these bytes. */
export function seenRaw(bytes: Bytes): Step {
  return (trial) => takeRaw(trial, trial.serving, bytesOf(bytes), "the application's");
}

/** The client gets exactly these bytes. */
export function gotRaw(bytes: Bytes, on = "a"): Step {
  return (trial) => takeRaw(trial, trial.client(on), bytesOf(bytes), "the client's");
}

/** The application hears the end of the client's side, and may still talk. */
export function seenEnd(): Step {
  return async (trial) => {
    const wire = trial.serving;
    await trial.until("the end of what the client says", () => (wire.ended ? true : null));
    if (wire.failed) throw new Mismatch("the application's connection is cut off");
  };
}

/** The client hears the end of the application's side, and may still talk. */
export function gotEnd(on = "a"): Step {
  return async (trial) => {
    const wire = trial.client(on);
    await trial.until("the end of what the application says", () => (wire.ended ? true : null));
    if (wire.failed) throw new Mismatch("the client's connection is cut off");
    wire.dropped = true;
  };
}

/** The connection is cut off: that is no end. */
export function isCut(side: "client" | "application"): Step {
  return async (trial) => {
    const wire = side === "client" ? trial.client("a") : trial.serving;
    await trial.until("the connection to be cut off", () => (wire.closed ? true : null));
    if (!wire.failed) throw new Mismatch(`the ${side} hears an ordinary end`);
    wire.dropped = true;
  };
}
