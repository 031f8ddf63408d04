/**
 * What the command line needs of the world, passed in by `main.ts`:
 * `runCommandLine(argv, deps): Promise<number>` in command-line.ts; argv without node and script,
 * the result is the exit code. Types only.
 */
export interface CommandLineDeps {
  /** As it was called: `bouncer-injector`, or `kubectl bouncer` as a plugin. */
  readonly program: string;
  /** Version of the injector. */
  readonly version: string;
  /** Somebody reads stdout, so colours help; NO_COLOR is respected. */
  readonly isTerminal: boolean;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly readStdin: () => Promise<Uint8Array>;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
  /** A new unguessable token, see `InjectionContext.adminToken`. */
  readonly createAdminToken: () => string;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}
