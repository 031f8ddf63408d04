/** A file on an HTTP(S) server, asked for by its ETag. */
import type { Getter } from "./get.ts";
import type { TextFile } from "./text-file.ts";
import { refusalCode, type Upstream, upstreamError } from "./upstream.ts";

export interface HttpUpstreamOptions {
  readonly url: URL;
  /** For messages. */
  readonly text: string;
  readonly getter: Getter;
  /** Bearer token; null: none is sent. */
  readonly token: TextFile | null;
  readonly maxBytes: number;
}

export function createHttpUpstream(options: HttpUpstreamOptions): Upstream {
  const { url, text, getter, token, maxBytes } = options;
  return {
    async fetch(tag, signal) {
      const headers = {
        accept: "application/vnd.openpolicyagent.bundles, application/gzip, */*",
        ...(token === null ? {} : { authorization: `Bearer ${await token.read()}` }),
        ...(tag === null ? {} : { "if-none-match": tag }),
      };
      const answer = await getter.get(url, { headers, maxBytes, signal });
      if (answer.status === 304 && tag !== null) return null;
      if (answer.status !== 200) {
        throw upstreamError(
          refusalCode(answer.status),
          text,
          `the server answered with status ${answer.status}`,
        );
      }
      return { bytes: answer.body, tag: answer.header("etag") };
    },
    close: async () => undefined,
  };
}
