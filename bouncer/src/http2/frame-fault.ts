/** What the head of a frame must be for its type (RFC 9113, 6.1 to 6.10). Pure. */
import { errorCodes } from "./error-code.ts";
import { frameFlags, frameTypes } from "./frame.ts";

/** Why the connection must end. */
export interface FrameFault {
  readonly code: number;
  readonly detail: string;
}

interface FrameRule {
  readonly name: string;
  readonly stream: "one" | "none" | "either";
  /** Of the payload, but for flags that need more. */
  readonly minLength: number;
  readonly maxLength: number;
}

const any = 0xffffff;

const rules: ReadonlyMap<number, FrameRule> = new Map([
  [frameTypes.DATA, rule("DATA", "one", 0, any)],
  [frameTypes.HEADERS, rule("HEADERS", "one", 0, any)],
  // Of the stream only in 6.3, but who cannot count to 5 is nobody to go on with (5.4.1 allows it).
  [frameTypes.PRIORITY, rule("PRIORITY", "one", 5, 5)],
  [frameTypes.RST_STREAM, rule("RST_STREAM", "one", 4, 4)],
  [frameTypes.SETTINGS, rule("SETTINGS", "none", 0, any)],
  [frameTypes.PUSH_PROMISE, rule("PUSH_PROMISE", "one", 4, any)],
  [frameTypes.PING, rule("PING", "none", 8, 8)],
  [frameTypes.GOAWAY, rule("GOAWAY", "none", 8, any)],
  [frameTypes.WINDOW_UPDATE, rule("WINDOW_UPDATE", "either", 4, 4)],
  [frameTypes.CONTINUATION, rule("CONTINUATION", "one", 0, any)],
]);

function rule(
  name: string,
  stream: FrameRule["stream"],
  minLength: number,
  maxLength: number,
): FrameRule {
  return { name, stream, minLength, maxLength };
}

/** Null: nothing is wrong, or the type is one that RFC 9113 does not know. */
export function frameFault(
  type: number,
  flags: number,
  streamId: number,
  length: number,
): FrameFault | null {
  const found = rules.get(type);
  if (found === undefined) return null;
  if (found.stream !== "either" && (found.stream === "none") !== (streamId === 0)) {
    return protocol(
      found.stream === "none"
        ? `${found.name} on stream ${streamId}, must be on 0`
        : `${found.name} on stream 0, must be on one of its own`,
    );
  }
  // Clients must not push (RFC 9113, 8.4), and we ask no server to.
  if (type === frameTypes.PUSH_PROMISE) return protocol("PUSH_PROMISE, but push is not enabled");
  const least = found.minLength + flaggedBytes(type, flags);
  if (length < least || length > found.maxLength || isOddSettings(type, flags, length)) {
    const detail = `${found.name} with ${length} bytes, must have ${lengthRule(type, least)}`;
    return { code: errorCodes.FRAME_SIZE_ERROR, detail };
  }
  return null;
}

function protocol(detail: string): FrameFault {
  return { code: errorCodes.PROTOCOL_ERROR, detail };
}

/** What the flags say that there is before anything else. */
function flaggedBytes(type: number, flags: number): number {
  if (type !== frameTypes.DATA && type !== frameTypes.HEADERS) return 0;
  const padLength = (flags & frameFlags.PADDED) === 0 ? 0 : 1;
  const isWithPriority = type === frameTypes.HEADERS && (flags & frameFlags.PRIORITY) !== 0;
  return padLength + (isWithPriority ? 5 : 0);
}

function isOddSettings(type: number, flags: number, length: number): boolean {
  if (type !== frameTypes.SETTINGS) return false;
  return (flags & frameFlags.ACK) === 0 ? length % 6 !== 0 : length !== 0;
}

function lengthRule(type: number, least: number): string {
  if (type === frameTypes.SETTINGS) return "a multiple of 6, or 0 with ACK";
  const found = rules.get(type);
  return found?.minLength === found?.maxLength ? `${least}` : `${least} or more`;
}
