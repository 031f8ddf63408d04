/**
 * Every built-in function that policies may call here, by the file that has it. Of these files only
 * those are loaded that a policy needs: most need few, and some bring a library along.
 */
import type { Builtin, Builtins } from "./builtin.ts";

interface Group {
  readonly names: readonly string[];
  readonly load: () => Promise<{ readonly builtins: Builtins }>;
}

export const groups: readonly Group[] = [
  { names: ["http.send"], load: () => import("./builtins/http-send.ts") },
  { names: ["net.lookup_ip_addr"], load: () => import("./builtins/lookup.ts") },
  {
    names: [
      "crypto.hmac.equal",
      "crypto.hmac.md5",
      "crypto.hmac.sha1",
      "crypto.hmac.sha256",
      "crypto.hmac.sha512",
      "crypto.md5",
      "crypto.sha1",
      "crypto.sha256",
    ],
    load: () => import("./builtins/hash.ts"),
  },
  {
    names: ["json.patch"],
    load: () => import("./builtins/patch.ts"),
  },
  {
    names: ["object.subset"],
    load: () => import("./builtins/subset.ts"),
  },
  {
    names: ["json.marshal_with_options"],
    load: () => import("./builtins/marshal.ts"),
  },
  {
    names: ["sprintf"],
    load: () => import("./builtins/sprintf.ts"),
  },
  {
    names: [
      "indexof_n",
      "strings.any_prefix_match",
      "strings.any_suffix_match",
      "strings.count",
      "strings.split_n",
    ],
    load: () => import("./builtins/strings.ts"),
  },
  {
    names: ["cast_array", "cast_boolean", "cast_null", "cast_object", "cast_set", "cast_string"],
    load: () => import("./builtins/cast.ts"),
  },
  {
    names: ["internal.print", "trace"],
    load: () => import("./builtins/trace.ts"),
  },
  {
    names: ["base64url.encode_no_pad", "hex.decode", "hex.encode"],
    load: () => import("./builtins/encoding.ts"),
  },
  {
    names: ["glob.quote_meta"],
    load: () => import("./builtins/glob.ts"),
  },
  {
    names: [
      "urlquery.decode",
      "urlquery.decode_object",
      "urlquery.encode",
      "urlquery.encode_object",
    ],
    load: () => import("./builtins/urlquery.ts"),
  },
  {
    names: ["uri.is_valid", "uri.parse"],
    load: () => import("./builtins/uri.ts"),
  },
  {
    names: ["yaml.is_valid", "yaml.marshal", "yaml.unmarshal"],
    load: () => import("./builtins/yaml.ts"),
  },
  {
    names: [
      "io.jwt.decode",
      "io.jwt.verify_eddsa",
      "io.jwt.verify_es256",
      "io.jwt.verify_es384",
      "io.jwt.verify_es512",
      "io.jwt.verify_hs256",
      "io.jwt.verify_hs384",
      "io.jwt.verify_hs512",
      "io.jwt.verify_ps256",
      "io.jwt.verify_ps384",
      "io.jwt.verify_ps512",
      "io.jwt.verify_rs256",
      "io.jwt.verify_rs384",
      "io.jwt.verify_rs512",
    ],
    load: () => import("./builtins/jwt.ts"),
  },
  {
    names: ["io.jwt.decode_verify"],
    load: () => import("./builtins/jwt-verify.ts"),
  },
  {
    names: ["io.jwt.encode_sign", "io.jwt.encode_sign_raw"],
    load: () => import("./builtins/jwt-sign.ts"),
  },
  {
    names: ["regex.find_n", "regex.replace", "regex.split", "regex.template_match"],
    load: () => import("./builtins/regex.ts"),
  },
  {
    names: [
      "time.add_date",
      "time.clock",
      "time.date",
      "time.diff",
      "time.format",
      "time.now_ns",
      "time.parse_duration_ns",
      "time.parse_ns",
      "time.parse_rfc3339_ns",
      "time.weekday",
    ],
    load: () => import("./builtins/time.ts"),
  },
  {
    names: ["net.cidr_contains_matches", "net.cidr_expand", "net.cidr_is_valid", "net.cidr_merge"],
    load: () => import("./builtins/cidr.ts"),
  },
  {
    names: ["semver.compare", "semver.is_valid"],
    load: () => import("./builtins/semver.ts"),
  },
  {
    names: ["uuid.parse", "uuid.rfc4122"],
    load: () => import("./builtins/uuid.ts"),
  },
  {
    names: ["numbers.range_step", "rand.intn"],
    load: () => import("./builtins/numbers.ts"),
  },
  {
    names: ["graph.reachable_paths"],
    load: () => import("./builtins/paths.ts"),
  },
  {
    names: ["opa.runtime"],
    load: () => import("./builtins/runtime.ts"),
  },
  {
    names: ["units.parse", "units.parse_bytes"],
    load: () => import("./builtins/units.ts"),
  },
  {
    names: ["regex.globs_match"],
    load: () => import("./builtins/globs-match.ts"),
  },
  {
    names: ["crypto.x509.parse_certificate_request", "crypto.x509.parse_certificates"],
    load: () => import("./builtins/x509.ts"),
  },
  {
    names: [
      "crypto.parse_private_keys",
      "crypto.x509.parse_keypair",
      "crypto.x509.parse_rsa_private_key",
    ],
    load: () => import("./builtins/private-keys.ts"),
  },
  {
    names: [
      "crypto.x509.parse_and_verify_certificates",
      "crypto.x509.parse_and_verify_certificates_with_options",
    ],
    load: () => import("./builtins/x509-verify.ts"),
  },
  {
    names: ["providers.aws.sign_req"],
    load: () => import("./builtins/aws.ts"),
  },
  {
    names: ["strings.render_template"],
    load: () => import("./builtins/template.ts"),
  },
  {
    names: [
      "graphql.parse",
      "graphql.parse_and_verify",
      "graphql.parse_query",
      "graphql.parse_schema",
      "graphql.is_valid",
      "graphql.schema_is_valid",
    ],
    load: () => import("./builtins/graphql.ts"),
  },
  {
    names: ["json.match_schema", "json.verify_schema"],
    load: () => import("./builtins/schema.ts"),
  },
];

export interface Found {
  readonly builtins: ReadonlyMap<string, Builtin>;
  /** Names that no group has. */
  readonly missing: readonly string[];
}

export async function findBuiltins(names: readonly string[]): Promise<Found> {
  const wanted = groups.filter((group) => group.names.some((name) => names.includes(name)));
  const loaded = await Promise.all(wanted.map((group) => group.load()));
  const all = new Map(loaded.flatMap((group) => Object.entries(group.builtins)));
  return { builtins: all, missing: names.filter((name) => !all.has(name)) };
}
