/** Messages as text, in the version that a connection speaks. */
import type { RawData } from "ws";
import * as v from "valibot";
import type { ErrorCode } from "./errors.ts";
import {
  greetingSchema,
  type Hello,
  helloSchema,
  type Hint,
  type ProtocolVersion,
  type Status,
  statusSchema,
} from "./protocol.ts";
import {
  helloFromV1,
  helloV1Schema,
  hintToV1,
  statusFromV1,
  statusV1Schema,
} from "./protocol-v1.ts";

export type Greeting =
  | { readonly kind: "hello"; readonly hello: Hello; readonly protocol: ProtocolVersion }
  | { readonly kind: "refused"; readonly code: ErrorCode };

export function toText(data: RawData, isBinary: boolean): string | null {
  return !isBinary && Buffer.isBuffer(data) ? data.toString("utf8") : null;
}

/** The version goes first: what else a hello of an unknown version has, nobody knows. */
export function decodeHello(text: string): Greeting {
  const json = parse(text);
  const greeting = v.safeParse(greetingSchema, json);
  if (!greeting.success) {
    return {
      kind: "refused",
      code: kindOf(json) === "status" ? "hello_missing" : "message_invalid",
    };
  }
  switch (greeting.output.protocol) {
    case 1: {
      const parsed = v.safeParse(helloV1Schema, json);
      if (parsed.success) return { kind: "hello", hello: helloFromV1(parsed.output), protocol: 1 };
      return { kind: "refused", code: "message_invalid" };
    }
    case 2: {
      const parsed = v.safeParse(helloSchema, json);
      if (parsed.success) return { kind: "hello", hello: parsed.output, protocol: 2 };
      return { kind: "refused", code: "message_invalid" };
    }
    default:
      return { kind: "refused", code: "protocol_unsupported" };
  }
}

/** Null when it is none, or speaks of bundles that the bouncer did not ask for. */
export function decodeStatus(
  text: string,
  protocol: ProtocolVersion,
  { bundles }: Hello,
): Status | null {
  if (protocol === 1) {
    const parsed = v.safeParse(statusV1Schema, parse(text));
    return parsed.success ? statusFromV1(parsed.output, bundles[0] ?? "") : null;
  }
  const parsed = v.safeParse(statusSchema, parse(text));
  if (!parsed.success) return null;
  return parsed.output.bundles.every(({ bundle }) => bundles.includes(bundle))
    ? parsed.output
    : null;
}

export function encodeHint(hint: Hint, protocol: ProtocolVersion): string {
  return JSON.stringify(protocol === 1 ? hintToV1(hint) : hint);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function kindOf(json: unknown): unknown {
  return typeof json === "object" && json !== null && "kind" in json ? json.kind : undefined;
}
