/** The head of the application's answer as the client gets it; made once for heads that repeat. */
import type { HeaderMemo, RawHeaders, ResponseHead } from "../http/message.ts";
import type { Header } from "../policy/decision.ts";
import { kind, kindOf } from "./header-kind.ts";
import { buildResponseHeaders } from "./headers.ts";

class AnswerHead implements ResponseHead {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: RawHeaders;
  readonly bodyLength: number | null;
  readonly memo: HeaderMemo = { made: null, lines: null };

  constructor({ status, reason, bodyLength }: ResponseHead, rawHeaders: RawHeaders) {
    this.status = status;
    this.reason = reason;
    this.rawHeaders = rawHeaders;
    this.bodyLength = bodyLength;
  }
}

function hasDate(headers: RawHeaders): boolean {
  for (let i = 0; i < headers.length; i += 2) {
    if ((kindOf(headers[i] ?? "") & kind.date) !== 0) return true;
  }
  return false;
}

/** `add`: of the verdict; `date`: for an answer that has none. */
export function buildAnswerHead(
  head: ResponseHead,
  add: readonly Header[],
  date: () => string,
): ResponseHead {
  const { memo } = head;
  if (add.length === 0 && memo?.made instanceof AnswerHead) return memo.made;
  const rawHeaders = buildResponseHeaders(head.rawHeaders, add, date());
  const { status, reason, bodyLength } = head;
  if (memo === undefined || add.length > 0 || !hasDate(head.rawHeaders)) {
    return { status, reason, rawHeaders, bodyLength };
  }
  const made = new AnswerHead(head, rawHeaders);
  memo.made = made;
  return made;
}
