/**
 * The Secrets of certificates, in the injector's own namespace. They are never created here: the
 * chart does that, so that `helm uninstall` removes them and no right to create Secrets is needed.
 */
import * as v from "valibot";
import { InjectorError } from "../errors.ts";
import type { SecretData } from "../tls/material.ts";
import { apiFailure, statusOf } from "./failure.ts";
import type { AskApi } from "./request.ts";

export interface StoredSecret {
  readonly resourceVersion: string;
  readonly data: SecretData;
}

export interface SecretStore {
  read(name: string): Promise<StoredSecret>;
  /** Replaces the data if the Secret is still at that resourceVersion. */
  write(name: string, secret: StoredSecret): Promise<"written" | "conflict">;
}

export function createSecretStore(ask: AskApi, namespace: string): SecretStore {
  const pathOf = (name: string): string => `/api/v1/namespaces/${namespace}/secrets/${name}`;
  return {
    read: async (name) => {
      try {
        return decode(await ask({ method: "GET", path: pathOf(name) }));
      } catch (error) {
        if (statusOf(error) === 404) throw missing(name, namespace);
        throw apiFailure(`read Secret "${name}"`, error);
      }
    },
    write: async (name, { resourceVersion, data }) => {
      // A merge patch (RFC 7386) leaves alone what is not ours: labels, annotations, owners.
      const body = { metadata: { resourceVersion }, data: encode(data) };
      try {
        await ask({ method: "PATCH", path: pathOf(name), body });
        return "written";
      } catch (error) {
        if (statusOf(error) === 409) return "conflict";
        if (statusOf(error) === 404) throw missing(name, namespace);
        throw apiFailure(`write Secret "${name}"`, error);
      }
    },
  };
}

const secretSchema = v.object({
  metadata: v.object({ resourceVersion: v.string() }),
  data: v.nullish(v.record(v.string(), v.string())),
});

function decode(answer: unknown): StoredSecret {
  const { metadata, data } = v.parse(secretSchema, answer);
  const entries = Object.entries(data ?? {});
  return {
    resourceVersion: metadata.resourceVersion,
    data: Object.fromEntries(
      entries.map(([key, value]) => [key, Buffer.from(value, "base64").toString("utf8")]),
    ),
  };
}

function encode(data: SecretData): Record<string, string> {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString("base64")]),
  );
}

function missing(name: string, namespace: string): InjectorError {
  return new InjectorError(
    "secret_missing",
    `Cannot use Secret "${namespace}/${name}": it is not there; helm upgrade creates it`,
  );
}
