/**
 * Why a call of `http.send` has no response, with the code that policies get when they ask for no
 * error to be raised. Pure.
 */
import { BuiltinError } from "../builtin.ts";
import { RegoNumber } from "../number.ts";
import { RegoObject } from "../value.ts";

export const failureCodes = {
  /** The request itself, or what is needed to make it, is wrong; or the body broke off. */
  internal: "eval_http_send_internal_error",
  /** No response was had. */
  network: "eval_http_send_network_error",
  /** This bouncer does not connect to that address. */
  denied: "eval_http_send_denied_error",
} as const;

export type FailureKind = keyof typeof failureCodes;

export class HttpFailure extends BuiltinError {
  readonly kind: FailureKind;

  constructor(kind: FailureKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** What `raise_error: false` answers with. */
export function toErrorAnswer({ kind, message }: HttpFailure): RegoObject {
  return RegoObject.of({
    status_code: RegoNumber.of(0),
    error: RegoObject.of({ code: failureCodes[kind], message: message.toWellFormed() }),
  });
}
