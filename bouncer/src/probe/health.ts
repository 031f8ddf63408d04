/**
 * The two messages of grpc.health.v1 that a probe needs, in Protocol Buffers' wire format:
 * `HealthCheckRequest { string service = 1; }` and
 * `HealthCheckResponse { ServingStatus status = 1; }`, each behind gRPC's five-byte prefix. Pure.
 */

const serving = 1;
const names = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"] as const;

function encodeVarint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...encodeVarint(value >>> 7)];
}

export function encodeRequest(service: string): Uint8Array {
  const text = new TextEncoder().encode(service);
  const message = text.length === 0 ? [] : [0x0a, ...encodeVarint(text.length), ...text];
  const prefix = new DataView(new ArrayBuffer(5));
  prefix.setUint32(1, message.length);
  return Uint8Array.from([...new Uint8Array(prefix.buffer), ...message]);
}

export type HealthAnswer =
  | { readonly kind: "serving" }
  | { readonly kind: "not_serving"; readonly status: string }
  | { readonly kind: "unreadable" };

/** The first field 1 of type varint; everything else in the message is skipped. */
export function decodeResponse(frame: Uint8Array): HealthAnswer {
  if (frame.length < 5 || frame[0] !== 0) return { kind: "unreadable" };
  const length = new DataView(frame.buffer, frame.byteOffset).getUint32(1);
  if (frame.length < 5 + length) return { kind: "unreadable" };
  const status = readStatus(frame.subarray(5, 5 + length));
  if (status === null) return { kind: "unreadable" };
  if (status === serving) return { kind: "serving" };
  return { kind: "not_serving", status: names[status] ?? String(status) };
}

function readStatus(message: Uint8Array): number | null {
  // proto3 leaves a zero out.
  if (message.length === 0) return 0;
  const [tag, value] = message;
  return tag === 0x08 && value !== undefined && value < 0x80 ? value : null;
}
