/**
 * The floor: what Node itself needs for an admission. It reads the same AdmissionReview over the
 * same TLS and answers that the pod may pass, with an empty patch. What the webhook takes more than
 * this, it takes for its own work.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";

const { FLOOR_KEY: key, FLOOR_CERTIFICATE: cert } = process.env;

interface Review {
  readonly request: { readonly uid: string };
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const review = (await json(request)) as Review;
  const patch = Buffer.from("[]").toString("base64");
  const body = JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    response: { uid: review.request.uid, allowed: true, patchType: "JSONPatch", patch },
  });
  const length = Buffer.byteLength(body);
  response.writeHead(200, { "content-type": "application/json", "content-length": length });
  response.end(body);
}

const server = createServer(
  { key, cert, minVersion: "TLSv1.2", keepAliveTimeout: 95_000 },
  (request, response) => {
    answer(request, response).catch(() => response.destroy());
  },
);
server.listen(0, "127.0.0.1", () => {
  process.send?.((server.address() as AddressInfo).port);
});
process.on("disconnect", () => process.exit());
