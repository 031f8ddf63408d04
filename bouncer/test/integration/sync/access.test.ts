import { copyFile, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import { join } from "node:path";
import { TLSSocket } from "node:tls";
import { afterEach, describe, expect, test } from "vitest";
import { createFetcher, type Fetcher } from "../../../src/sync/fetch.ts";
import { configOf, useDirectory } from "../policy/setting.ts";
import { createCertificate, startServer } from "./server.ts";

type Env = Parameters<typeof configOf>[0];

let fetcher: Fetcher | null = null;
afterEach(async () => {
  await fetcher?.close();
  fetcher = null;
});

function fetcherOf(env: Env): Fetcher {
  fetcher = createFetcher(configOf(env));
  return fetcher;
}

/** Accepts the one certificate, and sends its name as the bundle; a connection for each request. */
async function startStrict(accepted: readonly string[]) {
  const own = createCertificate();
  const server = createServer(
    { ...own, ca: [...accepted], requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const { socket } = request;
      const shown = socket instanceof TLSSocket ? socket.getPeerCertificate().fingerprint256 : "";
      response.writeHead(200, { connection: "close" }).end(shown);
    },
  );
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : null;
  return {
    ca: own.cert,
    url: new URL(`https://127.0.0.1:${port}/x`),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("a server that asks for a client certificate", () => {
  test("is shown the one that is in the files now", async () => {
    const [first, second] = [createCertificate(), createCertificate()];
    await using server = await startStrict([first.cert, second.cert]);
    await using directory = await useDirectory();
    const [certFile, keyFile] = [join(directory.path, "tls.crt"), join(directory.path, "tls.key")];
    await writeFile(certFile, first.cert);
    await writeFile(keyFile, first.key);
    const bundles = fetcherOf({
      POLICY_SYNC_CA: server.ca,
      POLICY_SYNC_CLIENT_CERT_FILE: certFile,
      POLICY_SYNC_CLIENT_KEY_FILE: keyFile,
    });
    const before = await bundles.fetch(server.url);
    await writeFile(join(directory.path, "next"), second.cert);
    await copyFile(join(directory.path, "next"), certFile);
    await writeFile(keyFile, second.key);
    const after = await bundles.fetch(server.url);
    expect([before.kind, after.kind]).toEqual(["bundle", "bundle"]);
    expect(after).not.toEqual(before);
  });

  test("refuses whoever has none, or another", async () => {
    await using server = await startStrict([createCertificate().cert]);
    await using directory = await useDirectory();
    const other = createCertificate();
    const [certFile, keyFile] = [join(directory.path, "tls.crt"), join(directory.path, "tls.key")];
    await writeFile(certFile, other.cert);
    await writeFile(keyFile, other.key);
    const code = "bundle_unreachable";
    const none = fetcherOf({ POLICY_SYNC_CA: server.ca });
    await expect(none.fetch(server.url)).rejects.toMatchObject({ code });
    await none.close();
    const bundles = fetcherOf({
      POLICY_SYNC_CA: server.ca,
      POLICY_SYNC_CLIENT_CERT_FILE: certFile,
      POLICY_SYNC_CLIENT_KEY_FILE: keyFile,
    });
    await expect(bundles.fetch(server.url)).rejects.toMatchObject({ code });
  });

  test("is not asked when the files are not there, which is said", async () => {
    await using server = await startStrict([createCertificate().cert]);
    const bundles = fetcherOf({
      POLICY_SYNC_CA: server.ca,
      POLICY_SYNC_CLIENT_CERT_FILE: "/nowhere/tls.crt",
      POLICY_SYNC_CLIENT_KEY_FILE: "/nowhere/tls.key",
    });
    await expect(bundles.fetch(server.url)).rejects.toThrow(
      /Cannot read "\/nowhere\/tls\.(?:crt|key)"/,
    );
  });
});

const token = (text: string, seconds?: number) => ({
  body: { access_token: text, token_type: "Bearer", expires_in: seconds },
});

describe("OAuth2 client credentials", () => {
  interface Answer {
    readonly status?: number;
    readonly body: unknown;
  }

  /** Gives these tokens, and bundles to whoever has the one that is accepted. */
  async function startWith(answers: readonly Answer[], accepted: { token: string }) {
    let asked = 0;
    const bodies: string[] = [];
    const server = await startServer({
      answer: (request, response) => {
        if (request.url !== "/token") {
          const isAccepted = request.headers.authorization === `Bearer ${accepted.token}`;
          response.writeHead(isAccepted ? 200 : 401).end(isAccepted ? "bundle" : "");
          return;
        }
        let body = "";
        request.setEncoding("utf8");
        request.on("data", (chunk: string) => {
          body += chunk;
        });
        request.on("end", () => {
          bodies.push(body);
          const answer = answers[Math.min(asked, answers.length - 1)];
          asked += 1;
          response.writeHead(answer?.status ?? 200).end(JSON.stringify(answer?.body));
        });
      },
    });
    const env = {
      POLICY_SYNC_OAUTH2_TOKEN_URL: `${server.origin}/token`,
      POLICY_SYNC_OAUTH2_CLIENT_ID: "the client",
      POLICY_SYNC_OAUTH2_CLIENT_SECRET: "s3cret:&",
      POLICY_SYNC_OAUTH2_SCOPES: "read bundles",
    };
    return Object.assign(server, { bodies, env, url: new URL(`${server.origin}/x`) });
  }

  test("bring a token, which is used until it ends", async () => {
    await using server = await startWith([token("one", 3600)], { token: "one" });
    const bundles = fetcherOf(server.env);
    for (let count = 0; count < 3; count += 1) {
      expect(await bundles.fetch(server.url)).toMatchObject({ kind: "bundle" });
    }
    expect(server.bodies).toEqual(["grant_type=client_credentials&scope=read+bundles"]);
    const [asked] = server.requests.all;
    const basic = Buffer.from("the+client:s3cret%3A%26").toString("base64");
    expect([asked?.method, asked?.headers.authorization]).toEqual(["POST", `Basic ${basic}`]);
  });

  test("bring another one when it is about to end, or is not accepted", async () => {
    const accepted = { token: "one" };
    const answers = [token("one", 10), token("one", 3600), token("two", 3600)];
    await using server = await startWith(answers, accepted);
    const bundles = fetcherOf(server.env);
    await bundles.fetch(server.url);
    await bundles.fetch(server.url);
    accepted.token = "two";
    await expect(bundles.fetch(server.url)).rejects.toThrow("the server answered with status 401");
    expect(await bundles.fetch(server.url)).toMatchObject({ kind: "bundle" });
    expect(server.bodies.length).toBe(3);
  });

  test.each<readonly [string, Answer, string]>([
    ["refuses", { status: 401, body: {} }, "the server answered with status 401"],
    ["says something else", { body: { token: "x" } }, "the answer is no bearer token"],
    [
      "gives a token of another kind",
      { body: { access_token: "x", token_type: "mac" } },
      "the answer is no bearer token",
    ],
    [
      "gives what is no header",
      { body: { access_token: "x\r\ny: z", token_type: "bearer" } },
      "the answer is no bearer token",
    ],
    ["says too much", { body: "x".repeat(70_000) }, "the answer is larger than 65536 bytes"],
  ])("of a server that %s bring nothing", async (_name, answer, message) => {
    await using server = await startWith([answer], { token: "x" });
    const bundles = fetcherOf(server.env);
    const failure = await bundles.fetch(server.url).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "sync_unreachable" });
    expect(String(failure)).toContain(message);
    expect(String(failure)).not.toContain("s3cret");
  });
});
