/** How policy servers are talked to: trusted authorities, the bearer token, time limits. */
import { readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { Agent, buildConnector, type Dispatcher } from "undici";
import { type Clock, systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { AppError, type FailureCode } from "../errors.ts";
import { createTokenSource, type TokenSource } from "./oauth.ts";

const connectTimeoutMs = 5000;

/** An agent for one server, or for one connection that must be possible to cut. */
export function createAgent(config: Config, onSocket?: (socket: Socket) => void): Agent {
  return new Agent({
    connect: (options, callback) => {
      void connect(config, options, (...result) => {
        // After a failure there is none, not even null, whatever the types say.
        if (result[0] === null) onSocket?.(result[1]);
        callback(...result);
      });
    },
  });
}

/** For each connection anew: whoever renews the certificate restarts nothing. */
async function connect(
  config: Config,
  options: buildConnector.Options,
  done: buildConnector.Callback,
): Promise<void> {
  const ca = config.policySyncCa === null ? {} : { ca: config.policySyncCa };
  try {
    const identity = await readIdentity(config);
    buildConnector({ timeout: connectTimeoutMs, ...ca, ...identity })(options, done);
  } catch (error) {
    done(error instanceof Error ? error : new Error(String(error)), null);
  }
}

/** The certificate that the servers of policy are shown, and its key; nothing when there is none. */
async function readIdentity(config: Config): Promise<{ cert?: string; key?: string }> {
  const { policySyncClientCertFile: certFile, policySyncClientKeyFile: keyFile } = config;
  if (certFile === null || keyFile === null) return {};
  const [cert, key] = await Promise.all([readSecret(certFile), readSecret(keyFile)]);
  return { cert, key };
}

async function readSecret(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new AppError("sync_unreachable", `Cannot read "${path}"`, { cause: error });
  }
}

/**
 * Tells why a handshake failed: the WebSocket interface hides it, because in a browser a page must
 * not learn it.
 */
export function explainFailures(
  onFailure: (reason: string) => void,
): Dispatcher.DispatcherComposeInterceptor {
  return (dispatch) => (options, handler) =>
    dispatch(options, {
      onRequestStart: (...args) => handler.onRequestStart?.(...args),
      onRequestUpgrade: (...args) => handler.onRequestUpgrade?.(...args),
      onResponseStarted: () => handler.onResponseStarted?.(),
      onResponseStart: (controller, status, ...rest) => {
        onFailure(`the server answered with status ${status}`);
        handler.onResponseStart?.(controller, status, ...rest);
      },
      onResponseData: (...args) => handler.onResponseData?.(...args),
      onResponseEnd: (...args) => handler.onResponseEnd?.(...args),
      onResponseError: (controller, error) => {
        onFailure(describeFailure(error));
        handler.onResponseError?.(controller, error);
      },
    });
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
  // Idle connections of this agent keep no process alive and end by themselves.
  return createTokenSource(credentials, createAgent(config), clock);
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

/** For what should not happen and must not stop a bouncer that has a policy. */
export function toAppError(error: unknown, code: FailureCode): AppError {
  return error instanceof AppError
    ? error
    : new AppError(code, describeFailure(error), { cause: error });
}

/** The cause that says most: undici wraps what the system said. */
export function describeFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  return cause instanceof Error && cause.message !== "" ? cause.message : error.message;
}
