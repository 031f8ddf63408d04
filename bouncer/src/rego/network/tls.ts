/**
 * Certificates and keys that a policy wants to be used, from where it says they are: in the request,
 * in files below one directory, in variables that are not the bouncer's own.
 */
import { X509Certificate } from "node:crypto";
import { open, realpath } from "node:fs/promises";
import { isAbsolute, resolve, sep } from "node:path";
import { createSecureContext, getCACertificates, type SecureContext } from "node:tls";
import { environment, redirectEnvironment } from "../../contract.ts";
import { HttpFailure } from "./failure.ts";
import type { TlsWish } from "./request.ts";

export interface TlsSources {
  /** Where files may be read; null: nowhere. */
  readonly directory: string | null;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** What was found; equal ones can share connections. */
export interface TlsMaterial {
  /** PEM; empty: those of Node. */
  readonly authorities: readonly string[];
  readonly pairs: readonly { readonly cert: string; readonly key: string }[];
  readonly useSystem: boolean;
  readonly skipVerify: boolean;
}

/** No certificate is larger, and no bundle of authorities either. */
const maxFileBytes = 1024 * 1024;

const own: ReadonlySet<string> = new Set([
  ...Object.values(environment),
  ...Object.values(redirectEnvironment),
]);

/** null when the request wants nothing of the kind. Throws an HttpFailure. */
export async function readTls(wish: TlsWish, sources: TlsSources): Promise<TlsMaterial | null> {
  const { useSystem, skipVerify } = wish;
  const { authorities, pairs } = await readSources(wish, sources);
  const isPlain = authorities.length === 0 && pairs.length === 0 && !useSystem && !skipVerify;
  return isPlain
    ? null
    : { authorities: authorities.map(checkAuthorities), pairs, useSystem, skipVerify };
}

/** Throws an HttpFailure when OpenSSL cannot use it. */
export function toSecureContext({ authorities, pairs, useSystem }: TlsMaterial): SecureContext {
  // The system may have none: then there are those that Node brings.
  const system = useSystem ? [...getCACertificates("system"), ...getCACertificates("default")] : [];
  try {
    return createSecureContext({
      ...(authorities.length > 0 || useSystem ? { ca: [...authorities, ...system] } : {}),
      ...(pairs.length > 0
        ? { cert: pairs.map(({ cert }) => cert), key: pairs.map(({ key }) => key) }
        : {}),
    });
  } catch (error) {
    throw new HttpFailure("internal", `tls: cannot use the certificate or its key: ${say(error)}`);
  }
}

type Texts = Pick<TlsMaterial, "authorities" | "pairs">;

async function readSources(wish: TlsWish, sources: TlsSources): Promise<Texts> {
  const file = async (path: string): Promise<string> => await readBelow(path, sources.directory);
  const variable = (name: string): string => readVariable(name, sources.environment);
  const authorities = [
    // Some write line breaks as two characters, and OPA does not mind.
    ...given(wish.tls_ca_cert).map((text) => text.replaceAll(String.raw`\n`, "\n")),
    ...(await Promise.all(given(wish.tls_ca_cert_file).map(file))),
    ...given(wish.tls_ca_cert_env_variable).map(variable),
  ];
  const pairs = [
    pair(wish.tls_client_cert, wish.tls_client_key),
    pair(wish.tls_client_cert_file, wish.tls_client_key_file, file),
    pair(wish.tls_client_cert_env_variable, wish.tls_client_key_env_variable, variable),
  ];
  return { authorities, pairs: (await Promise.all(pairs)).flat() };
}

function given(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

/** One without the other is not looked at, as in OPA. */
async function pair(
  cert: string | undefined,
  key: string | undefined,
  read: (place: string) => string | Promise<string> = (text) => text,
): Promise<{ cert: string; key: string }[]> {
  return cert === undefined || key === undefined
    ? []
    : [{ cert: await read(cert), key: await read(key) }];
}

/** Tells what is wrong, and nothing of what was found: it may be a secret that is none of theirs. */
function checkAuthorities(text: string): string {
  const certificates =
    text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  const good = certificates.filter((one) => {
    try {
      return new X509Certificate(one).raw.length > 0;
    } catch {
      return false;
    }
  });
  if (good.length === 0) throw new HttpFailure("internal", "could not append CA certificates");
  return good.join("\n");
}

function readVariable(name: string, variables: TlsSources["environment"]): string {
  if (own.has(name)) {
    throw new HttpFailure("internal", `variable ${JSON.stringify(name)} is the bouncer's own`);
  }
  return (Object.hasOwn(variables, name) ? variables[name] : undefined) ?? "";
}

async function readBelow(path: string, directory: string | null): Promise<string> {
  const refused = (why: string): HttpFailure =>
    new HttpFailure("internal", `cannot read file ${JSON.stringify(path)}: ${why}`);
  if (directory === null) throw refused("POLICY_HTTP_TLS_DIRECTORY is not set");
  try {
    const real = await realpath(isAbsolute(path) ? path : resolve(directory, path));
    const root = (await realpath(directory)).replace(/\/+$/, "");
    if (!real.startsWith(root + sep)) throw refused("it is not below POLICY_HTTP_TLS_DIRECTORY");
    return await readBounded(real);
  } catch (error) {
    throw error instanceof HttpFailure ? error : refused(say(error));
  }
}

async function readBounded(path: string): Promise<string> {
  await using file = await open(path, "r");
  const stats = await file.stat();
  if (!stats.isFile() || stats.size > maxFileBytes) throw new Error("it is no file of that kind");
  return await file.readFile("utf8");
}

/** The code of what the system or OpenSSL said; never the text, which may quote. */
function say(error: unknown): string {
  return error instanceof Error && "code" in error
    ? String(error.code)
    : "it is not what it should be";
}
