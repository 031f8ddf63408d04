/**
 * A bundle in an OCI registry, as `oras push` and OPA's own downloader know it: an image manifest
 * with one layer that is the bundle. What comes is what its digest says, or is not taken.
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { messageOf } from "../errors.ts";
import type { Answer } from "./get.ts";
import type { Registry } from "./oci-registry.ts";
import { refusalCode, type Upstream, upstreamError } from "./upstream.ts";

export interface ImageOptions {
  readonly repository: string;
  /** A tag, or a digest. */
  readonly reference: string;
  /** For messages. */
  readonly text: string;
  readonly registry: Registry;
  readonly maxBytes: number;
}

/** Of the layer that is the bundle. */
const layerType = "application/vnd.oci.image.layer.v1.tar+gzip";
const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");
const maxManifestBytes = 4 * 1024 * 1024;
const maxManifests = 16;

const digest = v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/));
const platform = v.object({ os: v.string(), architecture: v.string() });
const manifestSchema = v.object({
  layers: v.optional(v.array(v.object({ mediaType: v.string(), digest, size: v.number() })), []),
  manifests: v.optional(v.array(v.object({ digest, platform: v.optional(platform) })), []),
});
type Manifest = v.InferOutput<typeof manifestSchema>;

export function createImageUpstream(options: ImageOptions): Upstream {
  const { repository, reference, text, registry, maxBytes } = options;

  async function get(path: string, limit: number, signal: AbortSignal): Promise<Answer> {
    const answer = await registry.get(repository, path, {
      accept: manifestTypes,
      maxBytes: limit,
      signal,
    });
    if (answer.status === 200) return answer;
    const problem = `the registry answered with status ${answer.status}`;
    throw upstreamError(refusalCode(answer.status), text, problem);
  }

  async function getManifest(wanted: string, signal: AbortSignal) {
    const answer = await get(`manifests/${wanted}`, maxManifestBytes, signal);
    const found = digestOf(answer.body);
    const said = wanted.startsWith("sha256:") ? wanted : answer.header("docker-content-digest");
    if (said !== null && said !== found)
      throw upstreamError("upstream_invalid", text, `the manifest is ${found}, not ${said}`);
    return { digest: found, manifest: parseManifest(answer.body, text) };
  }

  /** The layer of an image, or of the first image of an index that has it. */
  async function findLayer(manifest: Manifest, signal: AbortSignal) {
    const own = layerOf(manifest);
    if (own !== undefined) return own;
    for (const { digest: one, platform: on } of manifest.manifests.slice(0, maxManifests)) {
      // Where builders put what they know about the others, which holds no bundle.
      if (on?.os === "unknown" && on.architecture === "unknown") continue;
      const layer = layerOf((await getManifest(one, signal)).manifest);
      if (layer !== undefined) return layer;
    }
    throw upstreamError("upstream_invalid", text, `it has no layer of type ${layerType}`);
  }

  return {
    async fetch(tag, signal) {
      const top = await getManifest(reference, signal);
      if (top.digest === tag) return null;
      const layer = await findLayer(top.manifest, signal);
      if (layer.size > maxBytes)
        throw upstreamError("bundle_too_large", text, `it has more than ${maxBytes} bytes`);
      const { body } = await get(`blobs/${layer.digest}`, maxBytes, signal);
      const found = digestOf(body);
      if (found !== layer.digest)
        throw upstreamError("upstream_invalid", text, `the layer is ${found}, not ${layer.digest}`);
      return { bytes: body, tag: top.digest };
    },
    close: async () => undefined,
  };
}

function layerOf({ layers }: Manifest) {
  return layers.find(({ mediaType }) => mediaType === layerType);
}

function parseManifest(body: Buffer, text: string): Manifest {
  try {
    return v.parse(manifestSchema, JSON.parse(body.toString("utf8")));
  } catch (error) {
    const problem = `the manifest is not one of an image or an index (${messageOf(error)})`;
    throw upstreamError("upstream_invalid", text, problem, error);
  }
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
