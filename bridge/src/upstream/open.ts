/** From the configuration to the source of bundles: the directory, places elsewhere, or both. */
import { readFileSync } from "node:fs";
import type { Logger } from "pino";
import type { Config } from "../config.ts";
import { createBundleDirectory } from "../directory.ts";
import { BridgeError, type ErrorCode, messageOf } from "../errors.ts";
import { maxRolloutBytes, rolloutFileName } from "../rollout.ts";
import type { Rollouts } from "../rollouts.ts";
import type { BundleSource } from "../source.ts";
import { combineSources } from "./combined.ts";
import { createGetter, type Getter } from "./get.ts";
import { createHttpUpstream } from "./http.ts";
import type { RemoteLocation } from "./location.ts";
import { createImageUpstream } from "./oci.ts";
import { createRegistry, type Registry } from "./oci-registry.ts";
import { createObjectStore, type ObjectStore } from "./s3.ts";
import { createRemoteSource, type RemoteOptions } from "./source.ts";
import { createTextFile } from "./text-file.ts";
import type { Upstream } from "./upstream.ts";

export interface SourceDeps {
  readonly log: Logger;
  readonly now: () => number;
  readonly random: () => number;
  readonly onProblem: (code: ErrorCode) => void;
  readonly onPulled: RemoteOptions["onPulled"];
  readonly onRollout: Rollouts["offer"];
}

/** @throws BridgeError `start_failed` */
export function openSource(config: Config, deps: SourceDeps): BundleSource {
  const { hasDirectory, remote } = config.upstream;
  const { log, now, random, onProblem, onPulled, onRollout } = deps;
  const { maxBundleBytes, pollMs } = config;
  const sources: BundleSource[] = [];
  if (remote.length > 0) {
    const files = createPlaces(config, now);
    const options = { pollMs, maxBundleBytes, log, now, random, onProblem, onPulled, onRollout };
    const remoteSource = createRemoteSource({
      ...options,
      files: remote.map((location) => ({
        name: location.name,
        upstream: files.open(location),
      })),
    });
    sources.push({
      ...remoteSource,
      close: async () => {
        await remoteSource.close();
        await files.close();
      },
    });
  }
  if (hasDirectory) {
    const isElsewhere = remote.some(({ name }) => name === rolloutFileName);
    sources.push(
      createBundleDirectory({
        path: config.bundleDirectory,
        maxBundleBytes,
        log,
        now,
        onProblem,
        onRollout: isElsewhere ? null : onRollout,
      }),
    );
  }
  return combineSources(sources);
}

function createPlaces(config: Config, now: () => number) {
  const ca = config.upstreamCaFile === null ? null : readCa(config.upstreamCaFile);
  const getter = createGetter(ca);
  const store = createObjectStore({ ...config.s3, ca });
  const registries = new Map<string, Registry>();
  return {
    open: (location: RemoteLocation): Upstream =>
      openPlace(location, { config, getter, store, registries, now }),
    close: async () => {
      await Promise.all([getter.close(), store.close()]);
    },
  };
}

interface Places {
  readonly config: Config;
  readonly getter: Getter;
  readonly store: ObjectStore;
  readonly registries: Map<string, Registry>;
  readonly now: () => number;
}

function openPlace(location: RemoteLocation, places: Places): Upstream {
  const { config, getter, store } = places;
  const { text } = location;
  const maxBytes = location.name === rolloutFileName ? maxRolloutBytes : config.maxBundleBytes;
  if (location.kind === "http") {
    const { upstreamTokenFile: file } = config;
    const token = file === null ? null : createTextFile(file);
    return createHttpUpstream({ url: location.url, text, getter, token, maxBytes });
  }
  if (location.kind === "s3") {
    const { bucket, key } = location;
    return store.upstream({ bucket, key, text, maxBytes });
  }
  const { repository, reference } = location;
  const registry = openRegistry(location.registry, places);
  return createImageUpstream({ repository, reference, text, registry, maxBytes });
}

function openRegistry(origin: string, { config, getter, registries, now }: Places): Registry {
  const file = config.ociCredentialsFile;
  const credentials = file === null ? null : createTextFile(file);
  const registry = registries.get(origin) ?? createRegistry({ origin, getter, credentials, now });
  registries.set(origin, registry);
  return registry;
}

function readCa(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const message = `Cannot read certificates "${path}": ${messageOf(error)}`;
    throw new BridgeError("start_failed", message, error);
  }
}
