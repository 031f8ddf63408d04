/** `bouncer-injector self-test --namespace NAME`, for people and `helm test`. */
import type { Environment } from "bouncer-environment/table";
import { readServiceAccountFolder } from "./config.ts";
import { messageOf } from "./errors.ts";
import { connectApiServer } from "./kube/connect.ts";
import { createAskApi } from "./kube/request.ts";
import { selfTest } from "./kube/self-test.ts";

const exitCode = { ok: 0, failed: 1, misused: 2 } as const;

export interface SelfTestDeps {
  readonly environment: Environment;
  readonly writeStdout: (text: string) => void;
  readonly writeStderr: (text: string) => void;
}

/** `args` without the command; the result is the exit code. */
export async function runSelfTest(args: readonly string[], deps: SelfTestDeps): Promise<number> {
  const [flag, namespace] = args;
  if (flag !== "--namespace" || namespace === undefined || namespace === "") {
    deps.writeStderr("usage: bouncer-injector self-test --namespace NAME\n");
    return exitCode.misused;
  }
  try {
    const missing = await ask(namespace, deps.environment);
    const complete = missing.length === 0;
    deps.writeStdout(
      complete
        ? `A pod created in namespace "${namespace}" gets a bouncer\n`
        : `A pod created in namespace "${namespace}" lacks ${missing.join(", ")}\n`,
    );
    return complete ? exitCode.ok : exitCode.failed;
  } catch (error) {
    deps.writeStderr(`${messageOf(error)}\n`);
    return exitCode.failed;
  }
}

async function ask(namespace: string, environment: Environment): Promise<string[]> {
  const apiServer = await connectApiServer(environment, readServiceAccountFolder(environment));
  try {
    return await selfTest(createAskApi(apiServer), namespace);
  } finally {
    apiServer.close();
  }
}
