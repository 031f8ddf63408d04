/** Messages of the bridge's protocol as text, in the version that a connection speaks. */
import {
  type BouncerMessage,
  bridgeMessageSchema,
  type Hint,
  type ProtocolVersion,
} from "bouncer-bridge/protocol";
import { helloToV1, hintFromV1, hintV1Schema, statusToV1 } from "bouncer-bridge/protocol-v1";
import * as v from "valibot";

const hintV2 = v.pipe(v.string(), v.parseJson(), bridgeMessageSchema);
const hintV1 = v.pipe(v.string(), v.parseJson(), hintV1Schema);

export function encode(message: BouncerMessage, version: ProtocolVersion): string {
  if (version === 2) return JSON.stringify(message);
  return JSON.stringify(message.kind === "hello" ? helloToV1(message) : statusToV1(message));
}

/** Null when it is not a hint for one of these bundles; newer bridges may send other messages. */
export function decode(
  data: unknown,
  version: ProtocolVersion,
  bundles: readonly string[],
): Hint | null {
  if (version === 2) {
    const parsed = v.safeParse(hintV2, data);
    return parsed.success && bundles.includes(parsed.output.bundle) ? parsed.output : null;
  }
  const [first = ""] = bundles;
  const parsed = v.safeParse(hintV1, data);
  return parsed.success ? hintFromV1(parsed.output, first) : null;
}
