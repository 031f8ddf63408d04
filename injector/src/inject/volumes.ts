/** The added volumes, and where they are mounted. Pure. */
import { environment, fileName, mountPath, tokenAudience, volumeName } from "bouncer/contract";
import type { Options } from "../annotations/parse.ts";
import type { Settings } from "../settings.ts";
import type { ProtocolPlan } from "./protocols.ts";

const mebibyte = 1024 * 1024;
/** All bundles of a set, and one that is written anew; the bouncer takes 64 MiB of them. */
const policyMebibytes = 128;
/** Five audit files of 10 MiB, with room to spare while one is renamed. */
const auditSizeLimit = "64Mi";
/** The kubelet renews the token at 80 % of this. */
const tokenSeconds = 3600;

export function buildVolumes(options: Options, { policy }: Settings, { tls }: ProtocolPlan) {
  const sizeLimit = limitPolicies(options);
  return [
    { name: volumeName.policy, emptyDir: { sizeLimit } },
    ...(policy.persist ? [{ name: volumeName.state, emptyDir: { sizeLimit } }] : []),
    { name: volumeName.audit, emptyDir: { sizeLimit: auditSizeLimit } },
    {
      name: volumeName.token,
      projected: {
        sources: [
          {
            serviceAccountToken: {
              audience: tokenAudience,
              expirationSeconds: tokenSeconds,
              path: fileName.token,
            },
          },
        ],
      },
    },
    ...(options.tlsSecret !== null && tls.length > 0 ? [buildTlsVolume(options.tlsSecret)] : []),
  ];
}

/** Of the Secret no more than what is needed. Without it the kubelet starts nothing, and says so. */
const buildTlsVolume = (secretName: string) => ({
  name: volumeName.tls,
  secret: {
    secretName,
    items: [fileName.tlsCertificate, fileName.tlsKey].map((key) => ({ key, path: key })),
  },
});

/** A volume that is too small ends the pod, so it grows with what the bouncer is told to take. */
function limitPolicies({ extraEnv }: Options): string {
  const given = extraEnv.find(({ name }) => name === environment.policyMaxSetBytes)?.value ?? "";
  const taken = /^\d{1,10}$/.test(given) ? Math.ceil((2 * Number(given)) / mebibyte) : 0;
  return `${Math.max(policyMebibytes, taken)}Mi`;
}

const tlsMount = { name: volumeName.tls, mountPath: mountPath.tls, readOnly: true };

const tokenMount = { name: volumeName.token, mountPath: mountPath.token, readOnly: true };

export const loaderMounts = [
  { name: volumeName.policy, mountPath: mountPath.policy },
  tokenMount,
] as const;

export function buildSidecarMounts({ policy }: Settings, { tls }: ProtocolPlan) {
  return [
    { name: volumeName.policy, mountPath: mountPath.policy, readOnly: true },
    ...(policy.persist ? [{ name: volumeName.state, mountPath: mountPath.state }] : []),
    { name: volumeName.audit, mountPath: mountPath.audit },
    tokenMount,
    ...(tls.length > 0 ? [tlsMount] : []),
  ];
}
