/** The lines of header lists that are written more than once. */
import type { HeaderLines, HeaderMemo, RawHeaders } from "../http/message.ts";
import { formatHeaders } from "./serialize.ts";

/** Made once, and kept with the list. */
export function formatLines(rawHeaders: RawHeaders, memo: HeaderMemo): HeaderLines {
  memo.lines ??= { text: flatten(formatHeaders(rawHeaders)) };
  return memo.lines;
}

/** In one piece: a string that was put together is copied each time that it becomes part of another. */
function flatten(text: string): string {
  return Buffer.from(text, "latin1").toString("latin1");
}
