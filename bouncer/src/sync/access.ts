/** How policy servers are talked to: trusted authorities, the own certificate, the bearer token. */
import { readFile } from "node:fs/promises";
import type { Identity } from "../client/connect.ts";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { AppError } from "../errors.ts";
import { createTokenSource, type TokenSource } from "./oauth.ts";

/** What the servers of policy are verified against, and shown; read anew for every connection. */
export async function identify(config: Config): Promise<Identity> {
  const ca = config.policySyncCa === null ? {} : { ca: config.policySyncCa };
  const { policySyncClientCertFile: certFile, policySyncClientKeyFile: keyFile } = config;
  if (certFile === null || keyFile === null) return ca;
  const [cert, key] = await Promise.all([readSecret(certFile), readSecret(keyFile)]);
  return { ...ca, cert, key };
}

async function readSecret(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("sync_unreachable", `Cannot read "${path}"`, { cause: error });
  }
}

/** What is said to servers of policy about who asks. */
export interface Credentials {
  /** Headers of a request. Throws AppError. */
  headers(): Promise<Record<string, string>>;
  /** They were not accepted. */
  refused(): void;
}

export function createCredentials(config: Config, clock: Pick<Clock, "now">): Credentials {
  const granted = createGranted(config, clock);
  const takeToken = async (): Promise<string | null> =>
    // A file is read on every use: the kubelet renews a projected token before it expires.
    granted === null
      ? (config.policySyncClientToken ?? (await readTokenFile(config)))
      : await granted.take();
  return {
    headers: async () => {
      const token = await takeToken();
      return token === null ? {} : { authorization: `Bearer ${token}` };
    },
    refused: () => granted?.forget(),
  };
}

function createGranted(config: Config, clock: Pick<Clock, "now">): TokenSource | null {
  const {
    policySyncOauth2TokenUrl: tokenUrl,
    policySyncOauth2ClientId: clientId,
    policySyncOauth2ClientSecret: clientSecret,
    policySyncOauth2Scopes: scopes,
  } = config;
  if (tokenUrl === null || clientId === null || clientSecret === null) return null;
  const credentials = { tokenUrl, clientId, clientSecret, scopes };
  return createTokenSource(credentials, () => identify(config), clock);
}

/** For one connection that lasts. */
export async function authorize(config: Config): Promise<Record<string, string>> {
  return await createCredentials(config, systemClock).headers();
}

async function readTokenFile(config: Config): Promise<string | null> {
  const path = config.policySyncClientTokenFile;
  if (path === null) return null;
  try {
    return (await readFile(path, "utf8")).trim();
  } catch (error) {
    throw new AppError("sync_unreachable", `Cannot read token "${path}"`, { cause: error });
  }
}
