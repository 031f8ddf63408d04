/**
 * Where a bouncer and OPA's Envoy plugin (opa-envoy-plugin) differ on purpose, and why: the one
 * table that docs/reference/opa-envoy-plugin.md is made from and that tests hold the code to. Pure.
 */
import { renderTable } from "bouncer-environment/reference";
import { neverPresent } from "./fields.ts";

interface Difference {
  readonly about: string;
  readonly plugin: string;
  readonly bouncer: string;
  readonly reason: string;
}

export const inputDifferences = {
  absent: {
    about: `what Envoy knows of peers, routes and extensions (listed below)`,
    plugin: "there when Envoy sends it",
    bouncer: "never there; a bundle may declare it",
    reason: "There is no Envoy and no mesh identity to take it from.",
  },
  onDemand: {
    about: "`attributes.request.time`, `.http.id`, `.http.body`, `.http.rawBody`",
    plugin: "always there, the bodies if Envoy sends them; either `body` or `rawBody`",
    bouncer:
      "built when the bundle declares them by name; the bodies when the policy may read them",
    reason:
      "Time and id are never the same twice: with them in the input, no decision could be remembered.",
  },
  time: {
    about: "`attributes.request.time`",
    plugin: "an object of `seconds` and `nanos`; text in older sources",
    bouncer: "text, as `time.parse_rfc3339_ns` reads it",
    reason: "`version.encoding` is `protojson`, in which a time is text.",
  },
  size: {
    about: "`attributes.request.http.size`",
    plugin: "a number, absent when it is 0; text in older sources",
    bouncer: "a number: Content-Length, `0` without a body, `-1` for a body in chunks",
    reason: "A rule that compares it is never undefined.",
  },
  hostHeader: {
    about: "`headers.host`",
    plugin: "only `:authority`, because Envoy renames it",
    bouncer: "both",
    reason: "The application gets `Host`; the policy sees what it gets.",
  },
  bodyRead: {
    about: "`parsed_body`, `truncated_body`",
    plugin: "read as far as Envoy is configured to send the body",
    bouncer: "read up to 64 KiB, when the policy may read it; beyond that `truncated_body`",
    reason: "A body costs memory and time only where it is decided by.",
  },
  partialHeader: {
    about: "header `x-envoy-auth-partial-body`",
    plugin: "`true` sets `truncated_body`",
    bouncer: "says nothing; removed unless the peer is in `TRUSTED_PROXIES`",
    reason: "A client could write it. What was read is known without it.",
  },
  path: {
    about:
      "a path with `%2F`, `//`, `\\`, `.` or `..` segments, control characters or bytes that are not UTF-8",
    plugin: "decoded, then split: `/a%2Fb` and `//a/b` are `a` and `b`",
    bouncer: "refused with 400 before the policy is asked",
    reason: "Applications disagree on what it names; the policy would judge another path.",
  },
  pathForm: {
    about: "a path with encoded letters, digits or `-._~`",
    plugin: "`path` as sent, `parsed_path` decoded",
    bouncer: "`path`, `:path` and the application's request have the decoded form, too",
    reason: "RFC 3986, 6.2.2.2: the same path. Policy and application see one form of it.",
  },
  queryBytes: {
    about: "a query or form with escaped bytes that are not UTF-8",
    plugin: "text of those bytes",
    bouncer: "U+FFFD in their place",
    reason: "Input is JSON, which has no such text.",
  },
  contentTypeCase: {
    about: "a content type in capitals",
    plugin: "`parsed_body` is null",
    bouncer: "parsed",
    reason: "Media types have no case (RFC 9110, 8.3.1), and applications read such a body.",
  },
  json: {
    about:
      "JSON with a name twice in an object, half a surrogate pair, bytes that are not UTF-8, a number beyond a double, or nested deeper than 256",
    plugin: "read: the last value wins, U+FFFD takes the place of bad text",
    bouncer: "refused with 400",
    reason: "Parsers differ in what they make of it.",
  },
  formBytes: {
    about: "a form with bytes, not escaped, that are not UTF-8",
    plugin: "read",
    bouncer: "refused with 400",
    reason: "A form is ASCII; what else it holds is read in the encoding that the reader assumes.",
  },
  multipart: {
    about:
      "a multipart body without a boundary, with a preamble or epilogue, bare line feeds, a part without a name or with two, `name*`, a header twice, or a Content-Transfer-Encoding that changes bytes",
    plugin: "read: `parsed_body` is null without a boundary, parts without a name are left out",
    bouncer: "refused with 400",
    reason: "Parsers differ in what they make of it; a part that is left out is not decided on.",
  },
  grpc: {
    about: "gRPC messages (`proto-descriptor`)",
    plugin: "parsed, if it is configured",
    bouncer: "`parsed_body` is null",
    reason: "gRPC is HTTP/2, which is carried on opaque ports and not decided by request.",
  },
} as const satisfies Readonly<Record<string, Difference>>;

export const resultDifferences = {
  failure: {
    about: "undefined, of another type, or with a field that is not understood",
    plugin: "an error; Envoy's `failure_mode_allow` says what follows",
    bouncer: "refused with 403, `policy_result`",
    reason:
      "Whatever is not an allow refuses. Fields that are not of this kind of verdict are not looked at, as in the plugin.",
  },
  status: {
    about: "`http_status` of a refusal",
    plugin: "any status that has a name, `200` among them",
    bouncer: "300 to 599, not 304; else `policy_result`",
    reason: "A refusal must not look like a success.",
  },
  framing: {
    about:
      "headers that frame, route or upgrade (Host, Content-Length, Transfer-Encoding, ...) and pseudo-headers such as `:path`",
    plugin: "handed to Envoy",
    bouncer: "`policy_result`",
    reason:
      "They say where a message ends and goes to. What is asked for and cannot be done refuses.",
  },
  headerText: {
    about: "a header name or value with characters that headers cannot have",
    plugin: "handed to Envoy",
    bouncer: "`policy_result`",
    reason: "It could end the line and begin another header.",
  },
  metadata: {
    about: "`dynamic_metadata`",
    plugin: "to Envoy's later filters, with `decision_id` added",
    bouncer: "to the audit record, in `result`; the id is `x-bouncer-decision-id`",
    reason: "There are no later filters.",
  },
  bigNumbers: {
    about: "integers beyond 2^53 in a result",
    plugin: "as Rego has them",
    bouncer: "rounded in the audit record; nothing else of a result is such a number",
    reason: "The result is read with JavaScript's numbers. Write them as text.",
  },
  storage: {
    about: "`ttl`, `no_store`",
    plugin: "unknown, so ignored",
    bouncer: "how long the decision may be given again; of another type: `policy_result`",
    reason: "They belong to the decision cache.",
  },
} as const satisfies Readonly<Record<string, Difference>>;

const configuration: readonly (readonly string[])[] = [
  ["`path`", "`POLICY_DECISION_PATH`"],
  ["`query`", "none: a bundle has the entrypoint it was built with"],
  ["`dry-run`", "`SHADOW_MODE`"],
  ["`skip-request-body-parse`", "the bundle's declaration of what the policy reads"],
  ["`proto-descriptor`", "none"],
];

const head = ["What", "Plugin", "Bouncer", "Why"];

function renderDifferences(differences: Readonly<Record<string, Difference>>): string {
  const rows = Object.values(differences);
  return renderTable(
    head,
    rows.map(({ about, plugin, bouncer, reason }) => [about, plugin, bouncer, reason]),
  );
}

export function renderCompatibility(): string {
  return [
    "# Policies written for opa-envoy-plugin",
    "Made from the source by its tests (`vitest run --project unit bouncer/src/policy/compatibility -u`); do not edit.",
    "",
    "A policy for OPA's Envoy plugin gets the input document it knows and is understood by the same contract: `true`, `false`, or an object with `allowed`, `headers`, `response_headers_to_add`, `request_headers_to_remove`, `query_parameters_to_remove`, `query_parameters_to_set`, `body`, `http_status` and `dynamic_metadata`. What is different is in the tables below, and why.",
    "",
    "**How far this was shown.** The column *Plugin* was read in copies of the plugin's public source, the newest that there were; to which release they belong is not known. No running plugin was compared with: its Go module could not be had where these tests were written. The tests compare paths, queries, forms, JSON and multipart bodies with the parsers of Go's standard library, which the plugin calls, and decisions with what the real `opa eval` answers to the same policy and input; how the plugin puts these together, and what it sends to Envoy, rests on reading.",
    "",
    "## The input",
    renderDifferences(inputDifferences),
    `Never there: ${neverPresent.map((name) => `\`${name}\``).join(", ")}.`,
    "",
    "The headers are those that the application will get: what [data-path.md](data-path.md) removes and sets has been removed and set. Where a bundle declares which fields it reads, only these are built.",
    "",
    "## The path",
    "`parsed_path` is the path of the request that the application gets, decoded and split at `/`: decoding before splitting and after it come to the same, or the request was refused. A `;` in a segment belongs to the segment, for the policy as for the plugin; an application that drops parameters after it (servlet containers do) reads a shorter segment, so its policy has to refuse or cut them itself.",
    "",
    "A query or a form with a bad escape or a `;` that is not encoded is refused, as in the plugin; here only when the policy reads it.",
    "",
    "## The result",
    renderDifferences(resultDifferences),
    "## The configuration",
    renderTable(["Of the plugin", "Here"], configuration),
  ].join("\n");
}
