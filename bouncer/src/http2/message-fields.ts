/** The order of the fields of a message (RFC 9113, 8.1 and 8.3), of whatever kind it is. Pure. */
import type { RawHeaders, RejectReason } from "../http/message.ts";
import type { Field } from "./hpack/field.ts";

export interface Fault {
  readonly reason: RejectReason;
  readonly detail: string;
}

/** Where fields go that are allowed where they are. */
export interface MessageFields {
  /** Null, or what is wrong with it. */
  setPseudo(name: string, value: string): string | null;
  add(field: Field): Fault | null;
}

function fault(detail: string): Fault {
  return { reason: "bad_request", detail };
}

export function addFields(fields: readonly Field[], to: MessageFields): Fault | null {
  let isInPseudo = true;
  for (const field of fields) {
    if (field.fault !== null) return fault(field.fault);
    if (field.name.charCodeAt(0) === 0x3a) {
      if (!isInPseudo) return fault(`${field.name} comes after a header`);
      const problem = to.setPseudo(field.name, field.value);
      if (problem !== null) return fault(problem);
    } else {
      isInPseudo = false;
      const found = to.add(field);
      if (found !== null) return found;
    }
  }
  return null;
}

export type Trailers =
  | { readonly kind: "trailers"; readonly trailers: RawHeaders }
  | { readonly kind: "bad"; readonly detail: string };

/** Trailers have no pseudo-headers (RFC 9113, 8.1). */
export function readTrailers(fields: readonly Field[]): Trailers {
  const trailers: string[] = [];
  for (const { name, value, fault: problem } of fields) {
    if (problem !== null) return { kind: "bad", detail: problem };
    if (name.charCodeAt(0) === 0x3a) return { kind: "bad", detail: `${name} is in the trailers` };
    trailers.push(name, value);
  }
  return { kind: "trailers", trailers };
}
