/** A service account on disk and an API server that it fits, as a pod finds them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { issueAuthority } from "bouncer-certs/authority";
import { createIdentity } from "bouncer-certs/key-pair";
import { issueServing } from "bouncer-certs/serving";

/** Its name in the certificate. */
export const apiHost = "localhost";

export interface Authority {
  readonly ca: string;
  readonly serving: { readonly cert: string; readonly key: string };
}

const hourMs = 3_600_000;

export async function createAuthority(): Promise<Authority> {
  const [one, other] = await Promise.all([createIdentity(2048), createIdentity(2048)]);
  const times = { notBefore: Date.now() - hourMs, notAfter: Date.now() + hourMs };
  const authority = issueAuthority({ identity: one, commonName: "kubernetes", ...times });
  const request = { identity: other, authority, dnsNames: [apiHost], ...times } as const;
  const { certificate, key } = issueServing(request);
  return { ca: authority.certificate, serving: { cert: certificate, key } };
}

export interface ServiceAccountFolder {
  readonly path: string;
  write(file: "token" | "ca.crt", content: string): void;
  remove(): void;
}

export function createServiceAccountFolder(ca: string, token: string): ServiceAccountFolder {
  const path = mkdtempSync(join(tmpdir(), "bouncer-service-account-"));
  const write = (file: string, content: string): void => writeFileSync(join(path, file), content);
  write("ca.crt", ca);
  write("token", token);
  return { path, write, remove: () => rmSync(path, { recursive: true }) };
}
