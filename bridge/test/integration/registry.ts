/** A real OCI registry (the CNCF's distribution), with or without a server of tokens, and a way to push. */
import { createHash, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { createDirectory } from "./support.ts";
import { startProgram } from "./upstream.ts";

const imageType = "application/vnd.oci.image.manifest.v1+json";
const indexType = "application/vnd.oci.image.index.v1+json";
export const bundleLayerType = "application/vnd.oci.image.layer.v1.tar+gzip";

export interface TestRegistry {
  readonly host: string;
  readonly origin: string;
  /** What pushes need; reading asks for its own. */
  readonly authorization: string | null;
}

/** JSON is YAML. */
async function start(auth: object | null): Promise<string> {
  const file = join(await createDirectory(), "registry.yml");
  const config = {
    version: "0.1",
    log: { level: "info", formatter: "json" },
    storage: { inmemory: {} },
    http: { addr: "127.0.0.1:0", secret: "of-a-test" },
    ...(auth === null ? {} : { auth }),
  };
  await writeFile(file, JSON.stringify(config));
  const registry = startProgram("registry", ["serve", file]);
  return await registry.said(/listening on (127\.0\.0\.1:[0-9]+)/);
}

export async function startRegistry(): Promise<TestRegistry> {
  const host = await start(null);
  return { host, origin: `http://${host}`, authorization: null };
}

/** `alice` and her password. */
export const basic = `Basic ${Buffer.from("alice:correct horse").toString("base64")}`;
const passwords = "alice:$2a$05$EjWAi8fPVkL1PaRt51NDOOaESaLO3lhPLy/JJP3/pD0LMgxRMWHOi\n";

export async function startPasswordRegistry(): Promise<TestRegistry> {
  const path = join(await createDirectory(), "passwords");
  await writeFile(path, passwords);
  const host = await start({ htpasswd: { realm: "test", path } });
  return { host, origin: `http://${host}`, authorization: basic };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

/** Its tokens are issued by a server of the test, to those who know the password. */
export async function startTokenRegistry() {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const key = { ...publicKey.export({ format: "jwk" }), kid: "test", alg: "ES256", use: "sig" };
  const jwks = join(await createDirectory(), "jwks.json");
  await writeFile(jwks, JSON.stringify({ keys: [key] }));

  function issue(scopes: readonly string[], seconds: number): string {
    const now = Math.floor(Date.now() / 1000);
    const claims = {
      iss: "test",
      sub: "alice",
      aud: "registry.test",
      jti: randomUUID(),
      nbf: now - 5,
      iat: now - 5,
      exp: now + seconds,
      access: scopes.map((scope) => {
        const [type, name, actions = ""] = scope.split(":");
        return { type, name, actions: actions.split(",") };
      }),
    };
    const text = `${encode({ alg: "ES256", typ: "JWT", kid: "test" })}.${encode(claims)}`;
    const signature = sign("sha256", Buffer.from(text), {
      key: privateKey,
      dsaEncoding: "ieee-p1363",
    });
    return `${text}.${signature.toString("base64url")}`;
  }

  const asked: { readonly authorization: string | undefined; readonly url: string }[] = [];
  const lifetime = { seconds: 300 };
  const server = createServer((request, response) => {
    const { authorization } = request.headers;
    asked.push({ authorization, url: request.url ?? "" });
    if (authorization !== basic) {
      response.writeHead(401).end();
      return;
    }
    const scopes = new URL(request.url ?? "", "http://x").searchParams.getAll("scope");
    const answer = { token: issue(scopes, 300), expires_in: lifetime.seconds };
    response.end(JSON.stringify(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  const port = address === null || typeof address === "string" ? 0 : address.port;
  const host = await start({
    token: {
      realm: `http://127.0.0.1:${port}/token`,
      service: "registry.test",
      issuer: "test",
      jwks,
      signingalgorithms: ["ES256"],
    },
  });
  const authorization = (repository: string): string =>
    `Bearer ${issue([`repository:${repository}:pull,push`], 300)}`;
  return { host, origin: `http://${host}`, authorizationFor: authorization, asked, lifetime };
}

function digestOf(bytes: Uint8Array): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

interface Sending {
  readonly method: "POST" | "PUT";
  readonly body: Blob;
  readonly type?: string;
}

async function send({ authorization }: TestRegistry, url: URL, sending: Sending) {
  const { method, body, type = "application/octet-stream" } = sending;
  const answer = await fetch(url, {
    method,
    body,
    headers: { "content-type": type, ...(authorization === null ? {} : { authorization }) },
  });
  if (!answer.ok) throw new Error(`${method} ${url.href}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function pushBlob(registry: TestRegistry, repository: string, bytes: Uint8Array) {
  const uploads = new URL(`/v2/${repository}/blobs/uploads/`, registry.origin);
  const begun = await send(registry, uploads, { method: "POST", body: new Blob([]) });
  const target = new URL(begun.headers.get("location") ?? "", registry.origin);
  target.searchParams.set("digest", digestOf(bytes));
  await send(registry, target, { method: "PUT", body: new Blob([new Uint8Array(bytes)]) });
  return { digest: digestOf(bytes), size: bytes.length };
}

async function pushManifest(registry: TestRegistry, path: string, type: string, manifest: object) {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: type, ...manifest }));
  const url = new URL(`/v2/${path.replace(":", "/manifests/")}`, registry.origin);
  await send(registry, url, { method: "PUT", body: new Blob([bytes]), type });
  return { mediaType: type, digest: digestOf(bytes), size: bytes.length };
}

/** As `oras push REPOSITORY:TAG --config ... FILE:TYPE` does it; answers the manifest's descriptor. */
export async function pushImage(
  registry: TestRegistry,
  path: string,
  layer: Uint8Array,
  layerType = bundleLayerType,
) {
  const [repository = ""] = path.split(":");
  const config = await pushBlob(registry, repository, Buffer.from("{}"));
  const pushed = await pushBlob(registry, repository, layer);
  return await pushManifest(registry, path, imageType, {
    config: { mediaType: "application/vnd.oci.image.config.v1+json", ...config },
    layers: [{ mediaType: layerType, ...pushed }],
  });
}

export async function pushIndex(
  registry: TestRegistry,
  path: string,
  manifests: readonly object[],
) {
  return await pushManifest(registry, path, indexType, { manifests });
}
