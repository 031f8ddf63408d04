/** Where the API server is, and as whom it is asked: what requests need to know of both. */
import type { Dispatcher } from "undici";

export interface Access {
  /** Who asks. */
  readonly headers: Readonly<Record<string, string>>;
  /** Keeps the connections; undefined: those that undici keeps for everybody. */
  readonly dispatcher: Dispatcher | undefined;
}

export interface ApiServer {
  /** `https://10.96.0.1:443`, perhaps with a path, without a slash at its end. */
  readonly url: string;
  /** Asked for before each request, since tokens are replaced while the process runs. */
  access(): Promise<Access>;
  /**
   * A connection of that dispatcher failed: perhaps the API server's authority is another one now,
   * so the next request makes connections anew. What is under way on others is not disturbed.
   */
  connectionFailed(dispatcher: Dispatcher | undefined): void;
  /** Ends kept connections when nothing is under way on them any more. */
  close(): void;
}
