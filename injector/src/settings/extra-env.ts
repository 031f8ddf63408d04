/** Settings and annotation: more environment for what is added to a pod. Pure. */
import { environment } from "bouncer/contract";
import * as v from "valibot";
import { matching, strict } from "./schema.ts";

const envNamePattern = /^[A-Za-z_]\w*$/;

/**
 * The bouncer's variables that the injector does not write by itself, nor has an annotation for,
 * and that make nothing less verified.
 */
const free =
  /^(?:OTEL|POLICY_(?:EVALUATION|HTTP|MAX|POLL|SYNC_CLIENT|SYNC_OAUTH2))_|^POLICY_DECISION_TIMEOUT_MS$/;

/** Variables that `extraEnv` may not set. */
const reservedEnv = new Set<string>([
  ...Object.values(environment).filter((name) => !free.test(name)),
  environment.policySyncClientTokenFile,
]);

/** Shown to the servers of policy, or exchanged for what is shown to them. */
export const isCredential = (name: string): boolean => /^POLICY_SYNC_(?:CLIENT|OAUTH2)_/.test(name);

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
