/**
 * The serving certificate: `tls.crt` and `tls.key` of a mounted Secret, loaded again whenever they
 * change. An unusable pair is reported, and the one before it goes on being served.
 */
import { X509Certificate, createPrivateKey } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Logger } from "pino";
import { BridgeError, messageOf, type ErrorCode } from "./errors.ts";
import { watchDirectory } from "./watch.ts";

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
  /** Milliseconds since the epoch. */
  readonly notAfter: number;
}

export interface CertificateSource {
  /** Null until a usable pair has been found. */
  current(): KeyPair | null;
  /** Looks at the files now. Never rejects. */
  load(): Promise<void>;
  close(): void;
}

export interface CertificateOptions {
  readonly directory: string;
  readonly log: Logger;
  readonly onLoaded: (pair: KeyPair) => void;
  readonly onProblem: (code: ErrorCode) => void;
  readonly pollMs?: number;
}

const defaultPollMs = 10_000;

export function createCertificateSource(options: CertificateOptions): CertificateSource {
  const { directory, log } = options;
  let current: KeyPair | null = null;
  let problem: string | null = null;

  async function load(): Promise<void> {
    try {
      const pair = await readPair(directory);
      problem = null;
      if (pair.cert === current?.cert && pair.key === current.key) return;
      current = pair;
      log.info({ notAfter: new Date(pair.notAfter).toISOString() }, "certificate loaded");
      options.onLoaded(pair);
    } catch (error) {
      const code = error instanceof BridgeError ? error.code : "certificate_unreadable";
      if (messageOf(error) === problem) return;
      problem = messageOf(error);
      options.onProblem(code);
      log.error({ code, problem }, "certificate problem");
    }
  }

  const watcher = watchDirectory(directory, () => void load(), options.pollMs ?? defaultPollMs);
  return { current: () => current, load, close: () => watcher.close() };
}

/** @throws BridgeError `certificate_unreadable` or `certificate_invalid` */
async function readPair(directory: string): Promise<KeyPair> {
  const [cert, key] = await Promise.all([
    readPem(join(directory, "tls.crt")),
    readPem(join(directory, "tls.key")),
  ]);
  try {
    const certificate = new X509Certificate(cert);
    if (!certificate.checkPrivateKey(createPrivateKey(key))) {
      throw new Error("the key is not that of the certificate");
    }
    return { cert, key, notAfter: certificate.validToDate.getTime() };
  } catch (error) {
    throw new BridgeError(
      "certificate_invalid",
      `Cannot use the certificate in "${directory}": ${messageOf(error)}`,
      error,
    );
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new BridgeError(
      "certificate_unreadable",
      `Cannot read "${path}": ${messageOf(error)}`,
      error,
    );
  }
}
