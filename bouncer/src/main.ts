/**
 * The program: which role, and with which exit code it ends. What a role needs is loaded when that
 * role runs: `wait` and `version` start without the libraries of the others.
 */
import packageJson from "../package.json" with { type: "json" };
import { AppError } from "./errors.ts";

const { version } = packageJson;
const exitCode = { done: 0, failed: 1, misused: 2 } as const;

const help = `bouncer ${version}: decides each request to an application by policy

Usage: bouncer <role>

  serve      the proxy in front of the application's ports
  load       fetches the policy bundle, before the application starts
  redirect   sends the application's ports to the proxy, in the pod's network
  wait       ends when the bouncer in the same pod listens, or after 60 seconds with exit code 1
  version    prints the version

All settings of these are environment variables: docs/reference/configuration.md

Usage: bouncer <command> [options]; each has --help

  bundle     makes a bundle of Rego and data: tested, compiled, declared, signed
  eval       decides one request by a bundle, and says why
  replay     asks a bundle again what audit logs have recorded, and lists what would change
`;

function print(stream: NodeJS.WriteStream, text: string): void {
  stream.write(text);
}

async function wait(): Promise<number> {
  const { runWait } = await import("./wait/wait.ts");
  return await runWait(process.env, {
    print: (line) => {
      print(process.stderr, `${line}\n`);
    },
  });
}

/** What people run; pods do without all that it needs. */
async function command(name: string): Promise<number> {
  const { runNamed } = await import("./cli/commands.ts");
  const code = await runNamed(name, process.argv.slice(3), {
    print: (text) => {
      print(process.stdout, text);
    },
    note: (text) => {
      print(process.stderr, text);
    },
  });
  return code ?? exitCode.misused;
}

async function run(role: string): Promise<number> {
  switch (role) {
    case "serve":
      return await (await import("./role.ts")).serve(process.env, version);
    case "load":
      return await (await import("./role.ts")).load(process.env);
    case "redirect":
      return await (await import("./role.ts")).redirect(process.env);
    case "wait":
      return await wait();
    case "bundle":
    case "eval":
    case "replay":
      return await command(role);
    case "version":
    case "--version":
      print(process.stdout, `${version}\n`);
      return exitCode.done;
    case "help":
    case "--help":
      print(process.stdout, help);
      return exitCode.done;
    default:
      print(process.stderr, `Unknown role "${role}"\n\n${help}`);
      return exitCode.misused;
  }
}

const flushMs = 1000;

/** Until what was written is taken, if somebody takes it. */
function flush(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) {
      resolve();
      return;
    }
    setTimeout(resolve, flushMs);
    stream.write("", () => {
      resolve();
    });
  });
}

try {
  process.exitCode = await run(process.argv[2] ?? "");
} catch (error) {
  // Misfortunes have their sentence; everything else is a bug and shows where.
  const shown = error instanceof AppError ? error.message : String(error);
  const trace = error instanceof Error && !(error instanceof AppError) ? `\n${error.stack}` : "";
  print(process.stderr, `${shown}${trace}\n`);
  process.exitCode = exitCode.failed;
}
await Promise.all([flush(process.stdout), flush(process.stderr)]);
// What other parts keep open must not keep a process alive that has done its work.
process.exit();
