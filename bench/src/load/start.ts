/** Starts the load generator. */
import { fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Reply } from "./generator.ts";
import type { Order, Outcome } from "./run.ts";

const program = fileURLToPath(new URL("./generator.ts", import.meta.url));

export interface Generator {
  run(order: Order): Promise<Outcome>;
  close(): void;
}

export function startGenerator(): Generator {
  const child = fork(program, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
  let waiting: PromiseWithResolvers<Outcome> | null = null;
  child.on("message", (reply: Reply) => {
    if (reply.kind === "done") waiting?.resolve(reply.outcome);
    else waiting?.reject(new Error(reply.message));
  });
  child.on("exit", () => waiting?.reject(new Error("the generator ended")));
  return {
    run: (order) => {
      waiting = Promise.withResolvers<Outcome>();
      child.send(order);
      return waiting.promise;
    },
    close: () => child.disconnect(),
  };
}
