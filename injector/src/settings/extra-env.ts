/** Settings and annotation: more environment for what is added to a pod. Pure. */
import { environment } from "bouncer/contract";
import * as v from "valibot";
import { matching, strict } from "./schema.ts";

const envNamePattern = /^[A-Za-z_]\w*$/;

/** The bouncer's variables that the injector does not write, nor has an annotation for. */
const free = /^(?:OTEL|POLICY_HTTP)_|^POLICY_SYNC_CLIENT_TOKEN$/;

/** Variables that the injector writes itself; `extraEnv` may not set them. */
const reservedEnv = new Set<string>(Object.values(environment).filter((name) => !free.test(name)));

export const extraEnvSchema = v.array(
  strict({
    name: v.pipe(
      matching(envNamePattern, "a name of letters, digits and _"),
      v.check((name) => !reservedEnv.has(name), "a variable that the injector does not set itself"),
    ),
    value: v.exactOptional(v.string()),
    valueFrom: v.exactOptional(v.record(v.string(), v.unknown())),
  }),
);
