/**
 * The oldest kubelet of the cluster. Asked for as the table that `kubectl get nodes` prints: a node
 * is some 20 KB with its images and conditions, its row 200 bytes, and clusters have thousands. One
 * page is looked at after the other, and only a version is kept.
 */
import * as v from "valibot";
import { InjectorError } from "../errors.ts";
import { apiFailure } from "./failure.ts";
import type { AskApi } from "./request.ts";
import { older, parseVersion } from "./version.ts";

const path = "/api/v1/nodes";
const pageSize = "500";
const accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/** Of the table's columns; kubectl calls it VERSION. */
const column = "Version";

const listMetadata = v.optional(v.object({ continue: v.optional(v.string(), "") }), {});
const tableSchema = v.object({
  kind: v.literal("Table"),
  metadata: listMetadata,
  columnDefinitions: v.array(v.object({ name: v.string() })),
  rows: v.nullish(v.array(v.object({ cells: v.array(v.unknown()) }))),
});
/** From a server that prints no tables. */
const listSchema = v.object({
  metadata: listMetadata,
  items: v.array(
    v.object({ status: v.object({ nodeInfo: v.object({ kubeletVersion: v.string() }) }) }),
  ),
});
const pageSchema = v.union([tableSchema, listSchema]);

/** `1.29.4`; null when there are no nodes, or none whose version can be read. */
export async function readOldestKubelet(ask: AskApi): Promise<string | null> {
  let oldest: string | null = null;
  let token = "";
  do {
    const page = await readPage(ask, token);
    for (const text of versionsOf(page)) {
      const version = parseVersion(text);
      if (version !== null) oldest = oldest === null ? version : older(oldest, version);
    }
    token = page.metadata.continue ?? "";
  } while (token !== "");
  return oldest;
}

type Page = v.InferOutput<typeof pageSchema>;

async function readPage(ask: AskApi, token: string): Promise<Page> {
  const query = {
    limit: pageSize,
    includeObject: "None",
    ...(token === "" ? {} : { continue: token }),
  };
  let answer: unknown;
  try {
    answer = await ask({ method: "GET", path, query, accept });
  } catch (error) {
    throw apiFailure("list nodes", error);
  }
  const page = v.safeParse(pageSchema, answer);
  if (page.success) return page.output;
  throw new InjectorError(
    "api_failed",
    "Cannot list nodes: the answer is neither a table nor a list",
  );
}

function versionsOf(page: Page): string[] {
  if ("items" in page) return page.items.map((node) => node.status.nodeInfo.kubeletVersion);
  const index = page.columnDefinitions.findIndex(({ name }) => name === column);
  return (page.rows ?? []).map(({ cells }) => textOf(cells[index]));
}

const textOf = (cell: unknown): string => (typeof cell === "string" ? cell : "");
