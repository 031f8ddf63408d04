/**
 * Requests to one OCI registry, with the tokens it asks for (the distribution specification's
 * bearer scheme, or basic). Credentials are those that `docker login` and image pull secrets keep.
 */
import * as v from "valibot";
import type { Answer, Getter } from "./get.ts";
import type { TextFile } from "./text-file.ts";
import { upstreamError } from "./upstream.ts";

export interface RegistryOptions {
  /** `https://registry.example`. */
  readonly origin: string;
  readonly getter: Getter;
  /** A `config.json` of Docker's; null: asked for without a name. */
  readonly credentials: TextFile | null;
  readonly now: () => number;
}

export interface RegistryRequest {
  readonly accept: string;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
}

export interface Registry {
  get(repository: string, path: string, request: RegistryRequest): Promise<Answer>;
}

const tokenSchema = v.object({
  token: v.optional(v.string()),
  access_token: v.optional(v.string()),
  expires_in: v.optional(v.number(), 60),
});
const maxTokenBytes = 64 * 1024;
/** Tokens are renewed this much before they end. */
const marginMs = 10_000;

export function createRegistry(options: RegistryOptions): Registry {
  const { origin, getter, now } = options;
  /** By repository: what it is asked with. */
  const kept = new Map<string, { readonly authorization: string; readonly until: number }>();

  async function fetchToken(challenge: Challenge, { signal }: RegistryRequest) {
    const realm = parseRealm(challenge, origin);
    const basic = await readBasic(options);
    const { status, body } = await getter.get(realm, {
      headers: basic === null ? {} : { authorization: basic },
      maxBytes: maxTokenBytes,
      signal,
    });
    if (status !== 200) {
      throw upstreamError("upstream_refused", realm.origin, `no token, but status ${status}`);
    }
    const { token, access_token: other, expires_in: seconds } = parseToken(body, realm.origin);
    const authorization = `Bearer ${token ?? other ?? ""}`;
    return { authorization, until: now() + seconds * 1000 - marginMs };
  }

  async function authorize(header: string, repository: string, request: RegistryRequest) {
    const challenge = parseChallenge(header);
    if (challenge?.scheme === "bearer") {
      const fetched = await fetchToken(challenge, request);
      kept.set(repository, fetched);
      return fetched.authorization;
    }
    const basic = challenge?.scheme === "basic" ? await readBasic(options) : null;
    // Not kept: the file may have changed the next time.
    return basic;
  }

  return {
    async get(repository, path, request) {
      const url = new URL(`/v2/${repository}/${path}`, origin);
      const { accept, ...bounds } = request;
      const known = kept.get(repository);
      const isGood = known !== undefined && known.until > now();
      const first = isGood ? { authorization: known.authorization } : {};
      const answer = await getter.get(url, { headers: { accept, ...first }, ...bounds });
      const header = answer.header("www-authenticate");
      if (answer.status !== 401 || header === null) return answer;
      kept.delete(repository);
      const authorization = await authorize(header, repository, request);
      if (authorization === null) return answer;
      return await getter.get(url, { headers: { accept, authorization }, ...bounds });
    },
  };
}

export interface Challenge {
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** RFC 9110, 11.6.1, as registries write it: one challenge, its parameters quoted. */
export function parseChallenge(header: string): Challenge | null {
  const [, scheme, rest = ""] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(header) ?? [];
  if (scheme === undefined) return null;
  const found = rest.matchAll(/([A-Za-z_]+)="([^"]*)"/g);
  const parameters = Object.fromEntries(
    [...found].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
  );
  return { scheme: scheme.toLowerCase(), parameters };
}

/** Where the token is to be had; credentials go there, so never from TLS to a place without. */
function parseRealm({ parameters }: Challenge, origin: string): URL {
  const { realm = "", service, scope } = parameters;
  const url = URL.canParse(realm) ? new URL(realm) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isPlain(origin));
  if (url === null || !isSafe)
    throw upstreamError("upstream_invalid", origin, `its tokens come from "${realm}"`);
  if (service !== undefined) url.searchParams.set("service", service);
  if (scope !== undefined) url.searchParams.set("scope", scope);
  return url;
}

function isPlain(origin: string): boolean {
  return origin.startsWith("http:");
}

function parseToken(body: Buffer, origin: string): v.InferOutput<typeof tokenSchema> {
  try {
    return v.parse(tokenSchema, JSON.parse(body.toString("utf8")));
  } catch {
    throw upstreamError("upstream_invalid", origin, "the answer for a token has none");
  }
}

const entrySchema = v.object({
  auth: v.optional(v.string()),
  username: v.optional(v.string()),
  password: v.optional(v.string()),
});
const credentialsSchema = v.object({ auths: v.record(v.string(), entrySchema) });

/** Read anew on every use: secrets are renewed. */
async function readBasic({ credentials, origin }: RegistryOptions): Promise<string | null> {
  if (credentials === null) return null;
  const entry = findEntry(parseCredentials(await credentials.read(), origin), new URL(origin).host);
  const { auth = "", username, password } = entry ?? {};
  if (auth !== "") return `Basic ${auth}`;
  if (username === undefined || password === undefined) return null;
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

type Entries = v.InferOutput<typeof credentialsSchema>["auths"];

/** Says nothing of what is in the file, which the messages of a parser would. */
function parseCredentials(text: string, origin: string): Entries {
  try {
    return v.parse(credentialsSchema, JSON.parse(text)).auths;
  } catch {
    throw upstreamError("upstream_refused", origin, "the credentials are not a Docker config.json");
  }
}

/** Keys are hosts, or URLs as older versions of Docker wrote them. */
function findEntry(auths: Entries, host: string) {
  const found = Object.entries(auths).find(
    ([key]) => key.replace(/^https?:\/\//, "").split("/", 1)[0] === host,
  );
  return found?.[1];
}
