/**
 * An object of an S3-compatible store, asked for by its ETag. The client is Amazon's own, since it
 * finds credentials wherever they may be (environment, files, web identity, metadata service) and
 * renews them; it is loaded only where it is used, for it takes 17 MiB.
 */
import type { GetObjectCommandOutput, S3Client } from "@aws-sdk/client-s3";
import { BridgeError, messageOf } from "../errors.ts";
import { type Fetched, refusalCode, type Upstream, upstreamError } from "./upstream.ts";

export interface S3Options {
  /** Null: Amazon's own, of the region. */
  readonly endpoint: URL | null;
  readonly region: string;
  /** The bucket in the path, not in the host's name. */
  readonly isPathStyle: boolean;
  readonly ca: string | null;
}

export interface ObjectOptions {
  readonly bucket: string;
  readonly key: string;
  /** For messages. */
  readonly text: string;
  readonly maxBytes: number;
}

export interface ObjectStore {
  upstream(options: ObjectOptions): Upstream;
  close(): Promise<void>;
}

const timeoutMs = { connect: 5_000, idle: 15_000, whole: 120_000 } as const;

/** One client for all objects: it keeps connections and credentials. */
export function createObjectStore(options: S3Options): ObjectStore {
  let loaded: Promise<Loaded> | null = null;

  async function drop(): Promise<void> {
    const { client } = (await loaded) ?? {};
    loaded = null;
    client?.destroy();
  }

  return {
    upstream: (object) => ({
      async fetch(tag, signal) {
        loaded ??= connect(options);
        try {
          return await fetchObject(await loaded, object, tag, signal);
        } catch (error) {
          // The client keeps credentials that have no end of their own; they may have been replaced.
          if (error instanceof BridgeError && error.code === "upstream_refused") await drop();
          throw error;
        }
      },
      close: async () => undefined,
    }),
    close: drop,
  };
}

interface Loaded {
  readonly client: S3Client;
  readonly get: (
    object: ObjectOptions,
    tag: string | null,
    signal: AbortSignal,
  ) => Promise<GetObjectCommandOutput>;
}

async function connect({ endpoint, region, isPathStyle, ca }: S3Options): Promise<Loaded> {
  const [{ GetObjectCommand, S3Client }, { defaultProvider }] = await Promise.all([
    import("@aws-sdk/client-s3"),
    import("@aws-sdk/credential-provider-node"),
  ]);
  const client = new S3Client({
    region,
    credentials: defaultProvider({ ignoreCache: true }),
    ...(endpoint === null ? {} : { endpoint: endpoint.href, forcePathStyle: isPathStyle }),
    // The bridge tries again by itself, for as long as it takes.
    maxAttempts: 2,
    requestHandler: {
      connectionTimeout: timeoutMs.connect,
      socketTimeout: timeoutMs.idle,
      ...(ca === null ? {} : { httpsAgent: { ca } }),
    },
  });
  return {
    client,
    get: ({ bucket, key }, tag, signal) => {
      const ifChanged = tag === null ? {} : { IfNoneMatch: tag };
      const command = new GetObjectCommand({ Bucket: bucket, Key: key, ...ifChanged });
      return client.send(command, { abortSignal: signal });
    },
  };
}

async function fetchObject(
  { get }: Loaded,
  object: ObjectOptions,
  tag: string | null,
  ended: AbortSignal,
): Promise<Fetched | null> {
  const signal = AbortSignal.any([ended, AbortSignal.timeout(timeoutMs.whole)]);
  try {
    const answer = await get(object, tag, signal);
    return { bytes: await readBody(answer, object), tag: answer.ETag ?? null };
  } catch (error) {
    if (error instanceof BridgeError) throw error;
    const status = statusOf(error);
    if (status === 304 && tag !== null) return null;
    const problem =
      status === null
        ? messageOf(error)
        : `the store answered with status ${status} (${error instanceof Error ? error.name : "unknown"})`;
    throw upstreamError(codeOf(error, status), object.text, problem, error);
  }
}

function codeOf(error: unknown, status: number | null) {
  if (status !== null) return refusalCode(status);
  const isUnknown = error instanceof Error && error.name === "CredentialsProviderError";
  return isUnknown ? "upstream_refused" : "upstream_unreachable";
}

async function readBody(answer: GetObjectCommandOutput, object: ObjectOptions): Promise<Buffer> {
  const { maxBytes, text } = object;
  const chunks: Uint8Array[] = [];
  let size = 0;
  // In Node.js the body is a stream of Node.js; its type is that of all platforms together.
  const body: unknown = answer.Body;
  if (!isStream(body)) throw upstreamError("upstream_invalid", text, "the object has no content");
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > maxBytes)
      throw upstreamError("bundle_too_large", text, `it has more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isStream(body: unknown): body is AsyncIterable<Uint8Array> {
  return typeof body === "object" && body !== null && Symbol.asyncIterator in body;
}

/** Of what the client throws, also for "not modified". */
function statusOf(error: unknown): number | null {
  if (typeof error !== "object" || error === null || !("$metadata" in error)) return null;
  const { $metadata: metadata } = error;
  const isKnown = typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata;
  return isKnown && typeof metadata.httpStatusCode === "number" ? metadata.httpStatusCode : null;
}
