/** The added volumes, and where they are mounted. Pure. */
import { fileName, mountPath, tokenAudience, volumeName } from "bouncer/contract";

const policySizeLimit = "128Mi";
/** Five audit files of 10 MiB, with room to spare while one is renamed. */
const auditSizeLimit = "64Mi";
/** The kubelet renews the token at 80 % of this. */
const tokenSeconds = 3600;

export function buildVolumes() {
  return [
    { name: volumeName.policy, emptyDir: { sizeLimit: policySizeLimit } },
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
  ];
}

const tokenMount = { name: volumeName.token, mountPath: mountPath.token, readOnly: true };

export const loaderMounts = [
  { name: volumeName.policy, mountPath: mountPath.policy },
  tokenMount,
] as const;

export const sidecarMounts = [
  { name: volumeName.policy, mountPath: mountPath.policy, readOnly: true },
  { name: volumeName.audit, mountPath: mountPath.audit },
  tokenMount,
] as const;
