/** The network that policies may use, by the configuration. */
import type { Environment } from "bouncer-environment/table";
import type { Config } from "../config.ts";
import type { Network } from "../rego/network/network.ts";
import type { MakeCall } from "./evaluator.ts";

export interface LazyNetwork {
  readonly makeCall: MakeCall;
  close(): Promise<void>;
}

/** Few policies ask the network: what that takes is loaded with the first call. */
export function createLazyNetwork(config: Config, environment: Environment): LazyNetwork {
  let opening: Promise<Network> | null = null;
  const open = async (): Promise<Network> => {
    const { createNetwork } = await import("../rego/network/network.ts");
    return createNetwork({
      rules: { allow: config.policyHttpAllow, deny: config.policyHttpDeny },
      tls: { directory: config.policyHttpTlsDirectory, environment },
      maxBodyBytes: config.policyHttpMaxBodyBytes,
    });
  };
  return {
    makeCall: async (...args) => {
      opening ??= open();
      return await (await opening).call(...args);
    },
    close: async () => {
      if (opening !== null) await (await opening).close();
    },
  };
}
