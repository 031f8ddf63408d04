/**
 * Where each of OPA's built-in functions is that the registry does not have, and what answers depend
 * on beside the operands. Compared with what `opa` itself knows and compiles by an integration test.
 */

/** In every compiled module: OPA's own, written in C. */
export const native: readonly string[] = `
  abs all and any array.concat array.flatten array.reverse array.slice
  assign base64.decode base64.encode base64.is_valid
  base64url.decode base64url.encode
  bits.and bits.lsh bits.negate bits.or bits.rsh bits.xor
  ceil concat contains count div endswith eq equal floor
  format_int glob.match graph.reachable gt gte indexof
  internal.member_2 internal.member_3 internal.template_string intersection
  is_array is_boolean is_null is_number is_object is_set is_string
  json.filter json.is_valid json.marshal json.remove json.unmarshal
  lower lt lte max min minus mul neq
  net.cidr_contains net.cidr_intersects net.cidr_overlap numbers.range
  object.filter object.get object.keys object.remove
  object.union object.union_n or plus product re_match
  regex.find_all_string_submatch_n regex.is_valid regex.match rem replace
  round set_diff sort split startswith strings.replace_n strings.reverse
  substring sum to_number trim trim_left trim_prefix trim_right
  trim_space trim_suffix type_name union upper walk
`
  .trim()
  .split(/\s+/);

/** What the compiler makes of calls that never reach a compiled module. */
export const compiled: Readonly<Record<string, string>> = {
  print: "erased; with `--wasm-include-print` it becomes `internal.print`",
  "rego.metadata.chain": "replaced by the annotations that stand in the source",
  "rego.metadata.rule": "replaced by the annotation that stands in the source",
};

/** A bundle that needs one of these is refused when it is loaded. */
export const unavailable: Readonly<Record<string, string>> = {
  "internal.test_case": "`opa test` alone calls it, by itself",
  "rego.parse_module": "it needs a parser of Rego, which is in OPA and nowhere else",
};

/** Such a decision is not remembered, unless the policy says so. */
export const impure: Readonly<Record<string, string>> = {
  "http.send": "network",
  "io.jwt.decode_verify": "clock, unless the constraints name the `time`",
  "io.jwt.encode_sign": "chance, where the algorithm draws (PS, ES)",
  "io.jwt.encode_sign_raw": "chance, where the algorithm draws (PS, ES)",
  "net.lookup_ip_addr": "network",
  "opa.runtime": "nothing here: it is always empty",
  "rand.intn": "chance; the same for the same key within a decision",
  "time.now_ns": "clock; the same within a decision",
  "uuid.rfc4122": "chance; the same for the same key within a decision",
};

/** Where answers are not OPA's: because there has to be an end, or because OPA's would be wrong. */
export const differences: Readonly<Record<string, string>> = {
  "hex.decode":
    "bytes that are not UTF-8 become U+FFFD at once, in OPA when they are written as JSON; so in `urlquery.*` and `uri.parse`",
  "net.cidr_expand": "more than 65,536 addresses end the evaluation",
  "net.cidr_merge":
    "IPv6 networks whose first byte is zero, and IPv4 written as IPv6, are merged as they should be",
  "numbers.range_step": "more than 1,000,000 numbers end the evaluation",
  "regex.find_n":
    "characters newer than Unicode 15 may be in other classes, as in all of `regex.*`",
  "regex.globs_match":
    "patterns of more than 1,000 repetitions, or of more than 1,000,000 pairs of places, are undefined",
  "regex.replace": "undefined when the text would be longer than 16,777,216 characters",
  "semver.compare": "pre-releases that differ beyond 64 bits alone are equal; OPA does not return",
  sprintf:
    "undefined above 16,777,216 characters, and where `%p` or `%w` would show how Go stores a number",
  "strings.render_template":
    "no complex numbers, hexadecimal floats and `%#v` of arrays and objects; at most 1,000,000 steps, 200 levels, 16,777,216 characters",
  "time.add_date": "the zone `Local` is UTC, as in all of `time.*`",
  "units.parse": "undefined above 5,000 digits",
  "units.parse_bytes": "undefined above 5,000 digits",
};
