/**
 * A small Kubernetes API over HTTP: the verbs that the injector uses, with resourceVersions,
 * conflicts, merge and JSON patches, pages, tables, evictions and watches, as the real one does
 * them.
 */
import { createServer } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { json } from "node:stream/consumers";
import jsonPatch from "fast-json-patch";
import * as v from "valibot";
import type { ApiServer } from "../../src/kube/api-server.ts";
import { listen } from "../../src/server.ts";

interface Metadata {
  readonly name: string;
  readonly resourceVersion?: string;
  readonly [key: string]: unknown;
}

export interface KubeObject {
  readonly metadata: Metadata;
  readonly [key: string]: unknown;
}

const patchSchema = v.array(
  v.variant("op", [
    v.object({ op: v.literal("test"), path: v.string(), value: v.unknown() }),
    v.object({ op: v.literal("add"), path: v.string(), value: v.unknown() }),
  ]),
);
const mergeSchema = v.looseObject({
  metadata: v.object({ resourceVersion: v.string() }),
});
const createSchema = v.looseObject({
  metadata: v.looseObject({ name: v.optional(v.string()), generateName: v.optional(v.string()) }),
});
const evictionSchema = v.object({
  deleteOptions: v.object({ preconditions: v.object({ uid: v.string() }) }),
});
const phasedSchema = v.object({ status: v.object({ phase: v.string() }) });
const nodeSchema = v.object({
  status: v.object({ nodeInfo: v.object({ kubeletVersion: v.string() }) }),
});

const collections =
  /\/(namespaces|mutatingwebhookconfigurations|nodes|services|pods|events|leases)$/;

/** 0: the connection breaks. */
type Hook = (method: string, path: string) => Promise<number | undefined>;
const answersItself: Hook = () => Promise.resolve(undefined);

/** What is watched; name null: the whole collection. */
interface Watched {
  readonly collection: string;
  readonly name: string | null;
}

interface Watcher extends Watched {
  readonly response: ServerResponse;
}

/** An event as it was announced. */
interface Announced extends Watched {
  readonly version: number;
  readonly line: string;
}

export interface FakeApi {
  readonly port: number;
  /** For a client in the same process, without TLS and a service account. */
  readonly apiServer: ApiServer;
  /** Creates or replaces; `path` is that of the object: `/api/v1/namespaces/shop`. */
  put(path: string, object: Omit<KubeObject, "metadata"> & { metadata?: object }): void;
  get(path: string): KubeObject | undefined;
  /** Those of a collection: `/api/v1/namespaces/shop/events`. */
  list(path: string): KubeObject[];
  remove(path: string): void;
  /** Of open watches, to be written to, ended and destroyed. */
  watches(): readonly ServerResponse[];
  /** What has happened so far cannot be watched any more. */
  compact(): void;
  /** The URLs of watches so far. */
  readonly watched: readonly URL[];
  /** `PATCH /api/v1/...` of every request so far. */
  readonly requests: readonly string[];
  /** The same, with their headers and sockets. */
  readonly received: readonly IncomingMessage[];
  /** Called before each request is answered; a status that it returns is the answer. */
  intercept(hook: Hook): void;
  /** Resolves when `done` says so; asked again after each write. */
  until(done: () => boolean): Promise<void>;
  close(): Promise<void>;
}

export interface FakeApiOptions {
  /** HTTPS instead of HTTP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

export async function startFakeApi({ tls }: FakeApiOptions = {}): Promise<FakeApi> {
  const objects = new Map<string, KubeObject>();
  const watchers = new Set<Watcher>();
  const waiting = new Set<() => void>();
  const requests: string[] = [];
  const received: IncomingMessage[] = [];
  const watched: URL[] = [];
  const history: Announced[] = [];
  let version = 0;
  let compacted = 0;
  let created = 0;
  let hook = answersItself;

  const store = (path: string, object: KubeObject): KubeObject => {
    version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    const stored = { ...object, metadata };
    const type = objects.has(path) ? "MODIFIED" : "ADDED";
    objects.set(path, stored);
    announce(path, type, stored);
    return stored;
  };
  const announce = (path: string, type: string, object: KubeObject): void => {
    const slash = path.lastIndexOf("/");
    const line = `${JSON.stringify({ type, object })}\n`;
    const about = { collection: path.slice(0, slash), name: path.slice(slash + 1) };
    history.push({ ...about, version, line });
    for (const watcher of watchers) if (covers(watcher, about)) watcher.response.write(line);
    for (const look of waiting) look();
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const method = request.method ?? "";
    const url = new URL(request.url ?? "", "http://api");
    const path = url.pathname;
    received.push(request);
    requests.push(`${method} ${path}`);
    const intercepted = await hook(method, path);
    if (intercepted === 0) {
      response.destroy();
      return;
    }
    if (intercepted !== undefined) return failure(response, intercepted);
    if (path === "/version") return send(response, 200, { gitVersion: "v1.34.1" });
    const selector = /^metadata\.name=(.+)$/.exec(url.searchParams.get("fieldSelector") ?? "");
    const name = selector?.[1] ?? null;
    if (url.searchParams.get("watch") === "true") {
      watched.push(url);
      return watch(
        response,
        { collection: path, name },
        Number(url.searchParams.get("resourceVersion")),
      );
    }
    if (method === "POST") return post(request, response, path);
    if (collections.test(path)) {
      const items = collect(path).filter((item) => name === null || item.metadata.name === name);
      return send(response, 200, page(items, url.searchParams, request.headers.accept ?? ""));
    }
    const current = objects.get(path);
    if (current === undefined) return failure(response, 404);
    if (method === "GET") return send(response, 200, current);
    return patch(request, response, { path, current });
  };

  const watch = (response: ServerResponse, what: Watched, from: number): void => {
    if (from < compacted) return failure(response, 410);
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    for (const event of history) {
      if (event.version > from && covers(what, event)) response.write(event.line);
    }
    const watcher = { ...what, response };
    watchers.add(watcher);
    response.on("close", () => watchers.delete(watcher));
    for (const look of waiting) look();
  };

  const collect = (path: string): KubeObject[] =>
    [...objects].flatMap(([key, item]) => {
      const isInside = key.startsWith(`${path}/`) && !key.slice(path.length + 1).includes("/");
      return isInside ? [item] : [];
    });

  const page = (items: readonly KubeObject[], query: URLSearchParams, accept: string): object => {
    const running = query.get("fieldSelector")?.includes("status.phase!=Succeeded") === true;
    const selected = items.filter((item) => {
      const phased = v.safeParse(phasedSchema, item);
      return !running || !phased.success || phased.output.status.phase !== "Succeeded";
    });
    const first = Number(query.get("continue") ?? "0");
    const limit = Number(query.get("limit") ?? "0");
    const last = limit === 0 ? selected.length : first + limit;
    const more = last < selected.length ? { continue: String(last) } : {};
    const metadata = { resourceVersion: String(version), ...more };
    const shown = selected.slice(first, last);
    if (!accept.includes("as=Table")) return { metadata, items: shown };
    const rows = shown.map((item) => {
      const { kubeletVersion } = v.parse(nodeSchema, item).status.nodeInfo;
      return { cells: [item.metadata.name, "Ready", "<none>", "5d", kubeletVersion] };
    });
    const columnDefinitions = ["Name", "Status", "Roles", "Age", "Version"].map((column) => ({
      name: column,
    }));
    return { kind: "Table", metadata, columnDefinitions, rows };
  };

  const post = async (
    request: IncomingMessage,
    response: ServerResponse,
    path: string,
  ): Promise<void> => {
    const body: unknown = await json(request);
    if (path.endsWith("/eviction")) {
      const target = path.slice(0, -"/eviction".length);
      const { uid } = v.parse(evictionSchema, body).deleteOptions.preconditions;
      const evicted = objects.get(target);
      if (evicted === undefined) return failure(response, 404);
      if (evicted.metadata["uid"] !== uid) return failure(response, 409);
      remove(target);
      return send(response, 201, { status: "Success" });
    }
    created += 1;
    const object = v.parse(createSchema, body);
    const name = object.metadata.name ?? `${object.metadata.generateName ?? ""}${created}`;
    if (objects.has(`${path}/${name}`)) return failure(response, 409);
    const metadata = { ...object.metadata, name, uid: `uid-${created}` };
    return send(response, 201, store(`${path}/${name}`, { ...object, metadata }));
  };

  const remove = (path: string): void => {
    const object = objects.get(path);
    if (object === undefined) return;
    objects.delete(path);
    version += 1;
    const metadata = { ...object.metadata, resourceVersion: String(version) };
    announce(path, "DELETED", { ...object, metadata });
  };

  const patch = async (
    request: IncomingMessage,
    response: ServerResponse,
    { path, current }: { readonly path: string; readonly current: KubeObject },
  ): Promise<void> => {
    const body: unknown = await json(request);
    if (request.headers["content-type"] === "application/json-patch+json") {
      try {
        const operations = v.parse(patchSchema, body);
        const { newDocument } = jsonPatch.applyPatch(current, operations, true, false);
        return send(response, 200, store(path, newDocument));
      } catch {
        return failure(response, 422);
      }
    }
    const { metadata, ...fields } = v.parse(mergeSchema, body);
    if (metadata.resourceVersion !== objects.get(path)?.metadata.resourceVersion) {
      return failure(response, 409);
    }
    return send(response, 200, store(path, { ...current, ...fields }));
  };

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    answer(request, response).catch(() => response.destroy());
  };
  const server = tls === undefined ? createServer(handle) : createTlsServer(tls, handle);
  const port = await listen(server, 0, (error) => {
    throw error;
  });
  const apiServer: ApiServer = {
    url: `http://127.0.0.1:${port}`,
    access: async () => ({ headers: {}, dispatcher: undefined }),
    connectionFailed: () => undefined,
    close: () => undefined,
  };

  return {
    port,
    apiServer,
    put: (path, object) => {
      const name = path.slice(path.lastIndexOf("/") + 1);
      store(path, { ...object, metadata: { name, ...object.metadata } });
    },
    get: (path) => objects.get(path),
    list: collect,
    remove,
    watches: () => [...watchers].map(({ response }) => response),
    compact: () => {
      compacted = version;
    },
    watched,
    requests,
    received,
    intercept: (next) => {
      hook = next;
    },
    until: (done) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const look = (): void => {
        if (!done()) return;
        waiting.delete(look);
        resolve();
      };
      waiting.add(look);
      look();
      return promise;
    },
    close: async () => {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function covers(what: Watched, event: Watched): boolean {
  return what.collection === event.collection && (what.name ?? event.name) === event.name;
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function failure(response: ServerResponse, code: number): void {
  const status = { kind: "Status", apiVersion: "v1", status: "Failure", code };
  send(response, code, { ...status, message: `answered ${code}` });
}
