/**
 * What is decided: a policy of roles as people write them (50 roles of 4 rules, paths with wildcards,
 * claims of a token, owners of documents), a base document of any size, one request. Pure.
 */
import type { RequestHead } from "../../../bouncer/src/policy/decision.ts";

export const entrypoint = "envoy/authz/allow";

const roles = 50;
const rulesPerRole = 4;

/**
 * Who asks: `token`, as it came, decoded by a built-in that is not native in Wasm; `headers`, as a
 * gateway has written them, without any such call.
 */
export type Identity = "token" | "headers";

const claims: Readonly<Record<Identity, string>> = {
  token: `claims := payload if {
	startswith(request.headers.authorization, "Bearer ")
	[_, payload, _] := io.jwt.decode(substring(request.headers.authorization, 7, -1))
}`,
  headers: `claims := {
	"sub": request.headers["x-user"],
	"tenant": request.headers["x-tenant"],
	"roles": split(request.headers["x-roles"], ","),
}`,
};

/** Rego. */
export const buildModule = (identity: Identity): string => `package envoy.authz

import input.attributes.request.http as request

default allow := {"allowed": false, "http_status": 403, "body": "not permitted"}

allow := {"allowed": true, "headers": {"x-user": claims.sub, "x-tenant": claims.tenant}} if permitted

${claims[identity]}

permitted if {
	some role in claims.roles
	some rule in data.roles[role]
	request.method in rule.methods
	matches(rule.path)
}

permitted if {
	request.method in {"GET", "PUT"}
	["api", "v1", "documents", id] = input.parsed_path
	data.documents[id].owner == claims.sub
}

matches(pattern) if {
	count(pattern) == count(input.parsed_path)
	every i, segment in pattern {
		segment in {"*", input.parsed_path[i]}
	}
}
`;

/** What the policy reads, as `bouncer bundle` would declare it. */
export const inputFields = [
  "attributes.request.http.method",
  "attributes.request.http.headers.authorization",
  "parsed_path",
];

interface Rule {
  readonly methods: readonly string[];
  readonly path: readonly string[];
}

function buildRoles(): Readonly<Record<string, readonly Rule[]>> {
  const all = Array.from({ length: roles }, (_role, role) => {
    const rules = Array.from({ length: rulesPerRole }, (_rule, rule) => ({
      methods: rule % 2 === 0 ? ["GET", "HEAD"] : ["POST", "PUT", "DELETE"],
      path: ["api", "v1", `service-${role}`, "*", `part-${rule}`],
    }));
    return [`role-${role}`, rules] as const;
  });
  return Object.fromEntries(all);
}

const leastDocuments = 16;

/** JSON of about so many bytes, most of them documents with their owners; 18 KB at least. */
export function buildData(bytes: number): Uint8Array {
  const start = JSON.stringify({ roles: buildRoles() });
  const documents: string[] = [];
  let length = start.length;
  while (length < bytes || documents.length < leastDocuments) {
    const id = documents.length;
    const labels = '["internal","eu-west"]';
    const text = `"doc-${id}":{"owner":"user-${id}","tenant":"tenant-${id % 97}","labels":${labels}}`;
    documents.push(text);
    length += text.length + 1;
  }
  return new TextEncoder().encode(`${start.slice(0, -1)},"documents":{${documents.join(",")}}}`);
}

const encode = (part: object): string => Buffer.from(JSON.stringify(part)).toString("base64url");

/** Roles that do not fit first; the owner of the document is allowed. */
export function buildRequest(isAllowed: boolean): RequestHead {
  const claimed = {
    iss: "https://issuer.example/realms/main",
    aud: "documents",
    sub: isAllowed ? "user-7" : "user-8",
    tenant: "tenant-7",
    roles: ["role-3", "role-17", "role-42"],
    iat: 1_772_368_496,
    exp: 4_102_444_800,
  };
  const signature = Buffer.alloc(64, 7).toString("base64url");
  const token = `${encode({ alg: "ES256", typ: "JWT", kid: "main-1" })}.${encode(claimed)}.${signature}`;
  return {
    method: "GET",
    target: "/api/v1/documents/doc-7",
    protocol: "HTTP/1.1",
    scheme: "http",
    host: "documents.example",
    rawHeaders: Object.entries({
      Host: "documents.example",
      Authorization: `Bearer ${token}`,
      Accept: "application/json, text/plain;q=0.9, */*;q=0.8",
      "Accept-Encoding": "gzip, br",
      "User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)",
      "X-Request-Id": "6f1c2a52-6d0e-4a34-9a53-3f1f6c9d7f10",
      "X-User": claimed.sub,
      "X-Tenant": claimed.tenant,
      "X-Roles": claimed.roles.join(","),
      traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }).flat(),
    source: { address: "10.1.2.3", port: 41_234 },
    destination: { address: "10.1.9.9", port: 8080 },
  };
}
