/** A request written on the command line, as the data path would hand it to the policy. */
import type { RequestMessage } from "../http/message.ts";
import { parseRequest } from "../http1/head.ts";
import type { RequestBody, RequestHead } from "../policy/decision.ts";
import { checkHead } from "../proxy/head.ts";
import { type Arguments, isSet, textOf, textsOf } from "./command.ts";
import { CommandFailure, misuse } from "./failure.ts";
import { readBytes } from "./file.ts";

export const requestOptions = {
  method: { type: "string", short: "X" },
  header: { type: "string", short: "H", multiple: true },
  body: { type: "string", short: "d" },
  source: { type: "string" },
  destination: { type: "string" },
  https: { type: "boolean" },
} as const;

export const requestUsage = `  -X, --method NAME              default GET
  -H, --header "NAME: VALUE"     can be given several times
  -d, --body TEXT                or @FILE
      --source ADDRESS:PORT      default 192.0.2.1:40000
      --destination ADDRESS:PORT default 192.0.2.2:80
      --https                    the client spoke HTTPS to a proxy before the bouncer`;

export interface WrittenRequest {
  readonly head: RequestHead;
  readonly body: RequestBody | null;
}

const authority = /^(?:(?<scheme>https?):\/\/(?<host>[^/?#]+))?(?<target>\/[^#]*)$/;

/** `url`: a path, `/orders/7?full=1`, or a whole URL. */
export async function readRequest(args: Arguments, url: string): Promise<WrittenRequest> {
  const parts = authority.exec(url)?.groups;
  const target = parts?.["target"];
  if (parts === undefined || target === undefined) {
    throw misuse(`Cannot use "${url}": accepted is a path such as /orders/7, or a URL with one`);
  }
  const body = await readBody(args);
  const isHttps = isSet(args, "https") || parts["scheme"] === "https";
  const request = readHead(
    textOf(args, "method") ?? "GET",
    target,
    writeHeaders(args, { host: parts["host"] ?? "localhost", body, isHttps }),
  );
  const checked = checkHead({
    request,
    connection: {
      source: readEndpoint(textOf(args, "source") ?? "192.0.2.1:40000", "source"),
      destination: readEndpoint(textOf(args, "destination") ?? "192.0.2.2:80", "destination"),
      scheme: "http",
      isLoopback: false,
    },
    // What is written here is meant: nobody forges headers on their own command line.
    trusted: true,
    pseudonym: "bouncer",
  });
  if (checked.kind === "rejected") throw refused(checked.reason, checked.detail);
  return { head: checked.head, body };
}

function refused(reason: string, detail: string): CommandFailure {
  return new CommandFailure(`A bouncer refuses this before it asks a policy, ${reason}: ${detail}`);
}

const noLimits = { maxHeaders: Number.POSITIVE_INFINITY };

/** As text first, so that what could not be sent is not decided on. */
function readHead(method: string, target: string, rawHeaders: readonly string[]): RequestMessage {
  const lines = [`${method} ${target} HTTP/1.1`];
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    lines.push(`${rawHeaders[i]}: ${rawHeaders[i + 1]}`);
  }
  const bytes = Buffer.from(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  const parsed = parseRequest(bytes, 0, bytes.length, noLimits);
  if (parsed.kind === "malformed") throw refused(parsed.reason, parsed.detail);
  return parsed;
}

interface Around {
  readonly host: string;
  readonly body: RequestBody | null;
  readonly isHttps: boolean;
}

/** Those that are given, and those that a client would have sent as well. */
function writeHeaders(args: Arguments, { host, body, isHttps }: Around): readonly string[] {
  const headers = textsOf(args, "header").flatMap(readHeader);
  const hasHost = headers.some((name, at) => at % 2 === 0 && name.toLowerCase() === "host");
  return [
    ...(hasHost ? [] : ["Host", host]),
    ...headers,
    ...(body === null ? [] : ["Content-Length", String(body.bytes.byteLength)]),
    ...(isHttps ? ["X-Forwarded-Proto", "https"] : []),
  ];
}

function readHeader(text: string): readonly string[] {
  const colon = text.indexOf(":");
  if (colon < 1) throw misuse(`Cannot use --header "${text}": accepted is "Name: value"`);
  return [text.slice(0, colon), text.slice(colon + 1).trim()];
}

function readEndpoint(text: string, name: string) {
  const [, address = "", port = ""] = /^\[?([^[\]]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (address === "") throw misuse(`Cannot use --${name} "${text}": accepted is ADDRESS:PORT`);
  return { address, port: Number(port) };
}

const maxBodyBytes = 65_536;

/** As much of it as a policy gets to see. */
async function readBody(args: Arguments): Promise<RequestBody | null> {
  const text = textOf(args, "body");
  if (text === null) return null;
  const bytes = text.startsWith("@") ? await readBytes(text.slice(1)) : Buffer.from(text);
  return {
    bytes: bytes.subarray(0, maxBodyBytes),
    truncated: bytes.byteLength > maxBodyBytes,
  };
}
