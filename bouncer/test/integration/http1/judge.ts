/**
 * Whether two readings of the same bytes may both be. Ours may refuse what the other accepts, and
 * may stop reading sooner; whatever it accepts, the other must have accepted and understood alike.
 */
import type { Message, Reading } from "./own-reader.ts";

function factsOf({ line, headers, body, trailers }: Message): string {
  return JSON.stringify([line, headers, body, trailers]);
}

/** Of no weight if ours refuses as soon as the line has an end. */
export const undecided = "ours still reads a body that is refused";

/** A sentence about what differs, or null. */
export function findDisagreement(own: Reading, other: Reading): string | null {
  const accepted = own.messages.filter(({ isComplete }) => isComplete);
  const others = other.messages.filter(({ isComplete }) => isComplete);
  for (const [i, message] of accepted.entries()) {
    const counterpart = other.messages[i];
    if (counterpart?.isComplete !== true) return `message ${i + 1} is accepted by ours only`;
    if (factsOf(message) !== factsOf(counterpart))
      return `message ${i + 1} is understood differently`;
  }
  if (own.end !== "clean" && own.end !== "partial") return null;
  if (others.length !== accepted.length) return "ours finds fewer messages and refuses none";
  if (own.end === "clean" && other.end === "malformed") return "ours refuses nothing";
  const isInBody = own.messages.length > accepted.length;
  return isInBody && other.end === "malformed" ? undecided : null;
}
