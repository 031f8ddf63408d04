/** `BRIDGE_UPSTREAM`: the places that bundles come from, as text and as what it says. Pure. */
import { isBundleName } from "../bundle.ts";
import { rolloutFileName } from "../rollout.ts";

export type RemoteLocation = {
  /** File name that the bridge serves it under, or `rollout.json`. */
  readonly name: string;
  /** As it was written, for people. */
  readonly text: string;
} & (
  | { readonly kind: "http"; readonly url: URL }
  | { readonly kind: "s3"; readonly bucket: string; readonly key: string }
  | {
      readonly kind: "oci";
      /** `https://registry.example`. */
      readonly registry: string;
      readonly repository: string;
      /** A tag, or a digest. */
      readonly reference: string;
    }
);

export interface Locations {
  readonly hasDirectory: boolean;
  readonly remote: readonly RemoteLocation[];
}

export const acceptedLocations =
  "a comma-separated list of `directory`, `https://HOST/PATH`, `s3://BUCKET/KEY` and `oci://REGISTRY/REPOSITORY:TAG` (or `@sha256:DIGEST`), each URL without credentials and with `NAME=` before it when it does not end with the name, which is `NAME.tar.gz` or `rollout.json` and unique";

/** Null when it is not acceptable. */
export function parseLocations(text: string): Locations | null {
  const items = text.split(",").map((item) => item.trim());
  const written = items.filter((item) => item !== "directory");
  const remote = written.map(parseLocation).filter((location) => location !== null);
  const names = new Set(remote.map(({ name }) => name));
  if (remote.length !== written.length || names.size !== remote.length) return null;
  return { hasDirectory: remote.length < items.length, remote };
}

/** No URL begins like this, so a `=` in its query is none of ours. */
const named = /^([A-Za-z0-9._-]+)=(.*)$/s;

function parseLocation(text: string): RemoteLocation | null {
  const [, given, written = text] = named.exec(text) ?? [];
  const url = URL.canParse(written) ? new URL(written) : null;
  if (url === null || url.username !== "" || url.password !== "" || url.hash !== "") return null;
  const location = understand(url, text);
  if (location === null) return null;
  const name = given ?? location.name;
  return isBundleName(name) || name === rolloutFileName ? { ...location, name } : null;
}

function understand(url: URL, text: string): RemoteLocation | null {
  const path = url.pathname.replace(/^\/+/, "");
  const last = path.split("/").at(-1) ?? "";
  switch (url.protocol) {
    case "http:":
    case "https:":
      return { kind: "http", url, name: last, text };
    case "s3:": {
      const isWhole = url.host !== "" && path !== "" && url.search === "";
      return isWhole
        ? { kind: "s3", bucket: url.host, key: decodeURIComponent(path), name: last, text }
        : null;
    }
    case "oci:":
      return understandImage(`https://${url.host}`, path, text);
    // For registries without TLS: on the same machine, in a test.
    case "oci+http:":
      return understandImage(`http://${url.host}`, path, text);
    default:
      return null;
  }
}

/** Of the distribution specification: name, then tag or digest. */
const image =
  /^([a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([A-Za-z0-9_][A-Za-z0-9._-]{0,127})|@(sha256:[0-9a-f]{64}))$/;

function understandImage(registry: string, path: string, text: string): RemoteLocation | null {
  const [, repository, tag, digest] = image.exec(path) ?? [];
  const reference = tag ?? digest;
  if (repository === undefined || reference === undefined || !URL.canParse(registry)) return null;
  const name = `${repository.split("/").at(-1) ?? ""}.tar.gz`;
  return { kind: "oci", registry, repository, reference, name, text };
}
