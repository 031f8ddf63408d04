/** The head of an answer, made of the fields of HTTP/2 (RFC 9113, 8.3.2). Pure. */
import type { RawHeaders } from "../http/message.ts";
import type { Field } from "./hpack/field.ts";
import { addFields, type Fault, type MessageFields } from "./message-fields.ts";

export type ResponseFieldsRead =
  | {
      readonly kind: "head";
      readonly status: number;
      readonly rawHeaders: RawHeaders;
      /** What content-length says; null: it is not there. */
      readonly contentLength: number | null;
    }
  | { readonly kind: "bad"; readonly detail: string };

class ResponseFields implements MessageFields {
  readonly rawHeaders: string[] = [];
  status = "";
  contentLength: string | null = null;

  setPseudo(name: string, value: string): string | null {
    if (name !== ":status") return `${name} is not known`;
    if (this.status !== "") return ":status is there more than once";
    this.status = value;
    return null;
  }

  add({ name, value }: Field): Fault | null {
    if (name === "content-length") {
      if (this.contentLength !== null && this.contentLength !== value) {
        return { reason: "bad_request", detail: "content-length is there with different values" };
      }
      if (this.contentLength !== null) return null;
      this.contentLength = value;
    }
    this.rawHeaders.push(name, value);
    return null;
  }
}

const isStatus = /^[1-9]\d\d$/;
const isLength = /^\d{1,15}$/;

export function readResponseHead(fields: readonly Field[]): ResponseFieldsRead {
  const list = new ResponseFields();
  const fault = addFields(fields, list);
  if (fault !== null) return { kind: "bad", detail: fault.detail };
  const { status, contentLength } = list;
  if (!isStatus.test(status)) return { kind: "bad", detail: ":status is missing or no status" };
  // There is nothing to switch to (RFC 9113, 8.6).
  if (status === "101") return { kind: "bad", detail: ":status is 101" };
  if (contentLength !== null && !isLength.test(contentLength)) {
    return { kind: "bad", detail: "content-length is not a number" };
  }
  return {
    kind: "head",
    status: Number(status),
    rawHeaders: list.rawHeaders,
    contentLength: contentLength === null ? null : Number(contentLength),
  };
}
