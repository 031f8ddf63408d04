/** The certificate that clients are shown, read again when its files change. */
import { readFileSync, unwatchFile, watchFile } from "node:fs";
import { createSecureContext } from "node:tls";
import { AppError } from "../errors.ts";

export interface CertificatePair {
  readonly cert: Buffer;
  readonly key: Buffer;
}

export interface Certificate {
  current(): CertificatePair;
  onRenewal(listener: (renewed: CertificatePair) => void): void;
  close(): void;
}

export interface CertificateFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

/** Secrets are mounted by links that are replaced: only looking at them shows that. */
const watchIntervalMs = 10_000;

/** Throws AppError when the files cannot be used. `onProblem`: those that took their place. */
export function openCertificate(
  files: CertificateFiles,
  onProblem: (error: Error) => void,
): Certificate {
  let pair = read(files);
  const listeners: ((renewed: CertificatePair) => void)[] = [];
  const onChange = (): void => {
    try {
      pair = read(files);
    } catch (error) {
      // The old one is still good for a while.
      onProblem(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    for (const listener of listeners) listener(pair);
  };
  const paths = [files.certFile, files.keyFile];
  for (const path of paths) {
    watchFile(path, { interval: watchIntervalMs, persistent: false }, onChange);
  }
  return {
    current: () => pair,
    onRenewal: (listener) => {
      listeners.push(listener);
    },
    close: () => {
      for (const path of paths) unwatchFile(path, onChange);
    },
  };
}

function read({ certFile, keyFile }: CertificateFiles): CertificatePair {
  try {
    const pair = { cert: readFileSync(certFile), key: readFileSync(keyFile) };
    // A key that does not belong to its certificate would only show at the first client.
    createSecureContext(pair);
    return pair;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const message = `Cannot use certificate "${certFile}" with key "${keyFile}": ${why}`;
    throw new AppError("certificate_invalid", message, { cause: error });
  }
}
