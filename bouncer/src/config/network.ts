/** Variables about the network calls of policies: `http.send`. Pure. */
import { optional, variable } from "bouncer-environment/table";
import { integer } from "bouncer-environment/value";
import { environment } from "../contract.ts";
import { deniedBlocks, deniedByDefault, reach } from "./reach.ts";
import * as value from "./value.ts";

const mebibyte = 1024 * 1024;

export const networkRows = {
  policyHttpAllow: optional(environment.policyHttpAllow, reach, {
    accepts:
      "a comma-separated list of names (`api.example.com`, `*.example.com`), IP addresses and CIDR blocks, each with a port after a colon or without (`[fd00::/8]:443`), and of Unix sockets (`unix:/run/opa.sock`)",
    doc: "Where `http.send` in policies may connect to. Unset: wherever `POLICY_HTTP_DENY` does not forbid, and to no Unix socket.",
  }),
  policyHttpDeny: variable(environment.policyHttpDeny, deniedByDefault.join(","), deniedBlocks, {
    accepts: "a comma-separated list of IP addresses and CIDR blocks, or `none`",
    doc: "Where `http.send` may not connect to, whatever `POLICY_HTTP_ALLOW` says. The address that a name turns out to have is what counts, also after a redirect and within IPv6 (mapped, 6to4, Teredo, NAT64). A value takes the place of the default.",
  }),
  policyHttpTlsDirectory: optional(environment.policyHttpTlsDirectory, value.absolutePath, {
    accepts: "an absolute path",
    doc: "Directory below which the files must be that `http.send` names in `tls_ca_cert_file`, `tls_client_cert_file` and `tls_client_key_file`. Unset: it may name none.",
  }),
  policyHttpMaxBodyBytes: variable(
    environment.policyHttpMaxBodyBytes,
    String(mebibyte),
    integer(1024, 64 * mebibyte),
    {
      accepts: `a whole number of bytes from 1024 to ${64 * mebibyte}`,
      doc: "The largest body of a response to `http.send`, unzipped; beyond it, the call fails.",
    },
  ),
};
