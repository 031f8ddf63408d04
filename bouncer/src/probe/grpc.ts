/** A grpc probe: `grpc.health.v1.Health/Check` over HTTP/2 without TLS, as the kubelet does it. */
import { connect } from "node:http2";
import { decodeResponse, encodeRequest } from "./health.ts";

/** null: serving; else what is wrong. */
export function probeGrpc(
  host: string,
  port: number,
  service: string,
  signal: AbortSignal,
): Promise<string | null> {
  const authority = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  return new Promise((resolve, reject) => {
    const session = connect(`http://${authority}`);
    const finish = (settle: () => void): void => {
      signal.removeEventListener("abort", onAbort);
      session.destroy();
      settle();
    };
    const fail = (error: Error): void => {
      finish(() => {
        reject(error);
      });
    };
    const onAbort = (): void => {
      fail(new Error("timed out"));
    };
    signal.addEventListener("abort", onAbort);
    session.on("error", fail);
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      "user-agent": "kube-probe/bouncer",
      te: "trailers",
    });
    const chunks: Buffer[] = [];
    let status: string | undefined;
    const take = (headers: Readonly<Record<string, unknown>>): void => {
      const value = headers["grpc-status"];
      if (typeof value === "string") status = value;
    };
    stream.on("error", fail);
    stream.on("response", take);
    stream.on("trailers", take);
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("end", () => {
      finish(() => {
        resolve(judge(status, Buffer.concat(chunks)));
      });
    });
    stream.end(encodeRequest(service));
  });
}

function judge(status: string | undefined, frame: Buffer): string | null {
  if (status === undefined) return "the answer is not gRPC";
  if (status === "12") return "the health service is not implemented (gRPC status 12)";
  if (status === "5") return "the service is unknown to the health service (gRPC status 5)";
  if (status !== "0") return `gRPC status ${status}`;
  const answer = decodeResponse(frame);
  if (answer.kind === "serving") return null;
  return answer.kind === "not_serving"
    ? `service is ${answer.status}`
    : "the answer is not a health response";
}
