/** One file somewhere else, as the bridge sees it. Types and the errors they share. */
import { BridgeError, messageOf, type ErrorCode } from "../errors.ts";

export interface Fetched {
  readonly bytes: Buffer;
  /** What to ask with the next time; null: nothing tells this content from the next. */
  readonly tag: string | null;
}

export interface Upstream {
  /**
   * Null when it is what `tag` stands for.
   * @throws BridgeError `upstream_unreachable`, `upstream_refused`, `upstream_missing`,
   * `upstream_invalid` or `bundle_too_large`
   */
  fetch(tag: string | null, signal: AbortSignal): Promise<Fetched | null>;
  close(): Promise<void>;
}

export function upstreamError(
  code: ErrorCode,
  where: string,
  problem: string,
  cause?: unknown,
): BridgeError {
  return new BridgeError(code, `Cannot fetch "${where}": ${problem}`, cause);
}

/** The code of an answer that is neither the file nor "unchanged". */
export function refusalCode(status: number): ErrorCode {
  switch (status) {
    case 401:
    case 403:
      return "upstream_refused";
    case 404:
    case 410:
      return "upstream_missing";
    default:
      return "upstream_unreachable";
  }
}

/** The cause that says most: undici wraps what the system said. */
export function describeCause(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message !== "" ? cause.message : messageOf(error);
}
