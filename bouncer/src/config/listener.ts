/** Variables about what is spoken on the listeners and to the application. Pure. */
import { optional, variable } from "bouncer-environment/table";
import { integer } from "bouncer-environment/value";
import * as v from "valibot";
import { environment } from "../contract.ts";
import * as value from "./value.ts";

const pseudonymForm = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;

export const listenerRows = {
  appProtocols: optional(environment.appProtocols, value.appProtocols, {
    accepts:
      "a comma-separated list of `port:protocol`, each port a `targetPort` of `LISTENERS` that is not opaque, each protocol `http1` or `h2c`",
    doc: "What the application speaks on its ports: HTTP/1.1, or HTTP/2 without TLS and with prior knowledge (gRPC). To ports that are not listed the bouncer speaks what the client speaks.",
  }),
  tlsPorts: optional(environment.tlsPorts, value.ports, {
    accepts:
      "a comma-separated list of ports, each a `targetPort` of `LISTENERS` that is not opaque",
    doc: "Ports of the application whose clients speak TLS to the bouncer; the application gets it without. Unset: all of them, when there is a certificate.",
  }),
  tlsCertFile: optional(environment.tlsCertFile, value.absolutePath, {
    accepts: "an absolute path",
    doc: "File with the PEM certificate, and those of its authorities, that clients are shown; with `TLS_KEY_FILE`. Read again when it changes.",
  }),
  tlsKeyFile: optional(environment.tlsKeyFile, value.absolutePath, {
    accepts: "an absolute path",
    doc: "File with the PEM private key of that certificate.",
  }),
  viaPseudonym: variable(
    environment.viaPseudonym,
    "bouncer",
    v.pipe(
      v.string(),
      v.regex(pseudonymForm),
      v.transform((name) => (name === "none" ? null : name)),
    ),
    {
      accepts: "`none`, or a token of 1 to 64 characters",
      doc: "What `Via` calls the bouncer in the requests that it passes on (RFC 9110, 7.6.3). `none`: no `Via` is added; some applications compress nothing for clients behind proxies.",
    },
  ),
  longLivedStreams: variable(
    environment.longLivedStreams,
    "recheck",
    v.picklist(["keep", "recheck", "close"]),
    {
      accepts: "`keep`, `recheck` or `close`",
      doc: "What becomes of upgraded connections, opaque connections and answers that have begun when the policy changes. `recheck`: each is decided again by the new policy, and cut off where that refuses it. `close`: all are cut off. `keep`: they go on.",
    },
  ),
  threads: variable(environment.threads, "auto", v.union([v.literal("auto"), integer(1, 64)]), {
    accepts: "`auto` or a whole number from 1 to 64",
    doc: "How many threads carry requests, each with a policy and a cache of its own. `auto`: one for each whole CPU of the container's limit, and one without a limit.",
  }),
};
