/**
 * What the command line needs of the world, passed in by `main.ts`:
 * `runCommandLine(argv, deps): Promise<number>` in command-line.ts; argv without node and script,
 * the result is the exit code. Types only.
 */
export interface CommandLineDeps {
  /** Version of the injector. */
  readonly version: string;
  readonly readFile: (path: string) => Promise<Uint8Array>;
  readonly readStdin: () => Promise<Uint8Array>;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
  /** A new unguessable token, see `InjectionContext.adminToken`. */
  readonly createAdminToken: () => string;
}
