/**
 * The API server as pods reach it: its address from the environment, the token and the authority
 * from the service account's files, which the kubelet renews.
 */
import { isIPv6 } from "node:net";
import { Agent } from "undici";
import type { Dispatcher } from "undici";
import type { ApiServer } from "./api-server.ts";

export interface ServiceAccount {
  /** KUBERNETES_SERVICE_HOST, a name or an address. */
  readonly host: string;
  /** KUBERNETES_SERVICE_PORT. */
  readonly port: string;
  /** Of `token` and `ca.crt`. */
  readonly folder: string;
  readonly readFile: (path: string) => Promise<string>;
}

const connectMs = 5000;

export function createInCluster({ host, port, folder, readFile }: ServiceAccount): ApiServer {
  let kept: Agent | null = null;

  const createAgent = async (): Promise<Agent> => {
    const ca = await readFile(`${folder}/ca.crt`);
    // Others may have made one while the file was read.
    kept ??= new Agent({ allowH2: false, connect: { ca, timeout: connectMs } });
    return kept;
  };
  const forget = (): void => {
    // Ends with the last request on it, which nobody waits for.
    kept?.close().catch(() => undefined);
    kept = null;
  };

  return {
    url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
    access: async () => {
      const token = (await readFile(`${folder}/token`)).trim();
      const dispatcher = kept ?? (await createAgent());
      return { headers: { authorization: `Bearer ${token}` }, dispatcher };
    },
    connectionFailed: (dispatcher: Dispatcher | undefined) => {
      if (dispatcher === kept) forget();
    },
    close: forget,
  };
}
