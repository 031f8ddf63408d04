/** node:http and undici in the place of our codec, under the same handler. */
import { startNodeListener } from "../../../reference/node-listener.ts";
import { createUndiciUpstreams } from "../../../reference/undici-upstream.ts";
import type { Target } from "../row.ts";
import { createOurs } from "./ours.ts";

export const reference: Target = createOurs("node:http + undici", {
  startHttp: startNodeListener,
  createUpstreams: createUndiciUpstreams,
});
