/** Asks the API server what a service account may do (SubjectAccessReview). */
import { AuthorizationV1Api, type KubeConfig } from "@kubernetes/client-node";
import { apiFailure } from "../../kube/failure.ts";
import type { Permission, Read } from "./state.ts";
import type { Place } from "./table.ts";

export async function findLacking(
  kubeConfig: KubeConfig,
  account: Place,
  permissions: readonly Permission[],
): Promise<Read<readonly Permission[]>> {
  const api = kubeConfig.makeApiClient(AuthorizationV1Api);
  const user = `system:serviceaccount:${account.namespace}:${account.name}`;
  const groups = ["system:serviceaccounts", `system:serviceaccounts:${account.namespace}`];
  const isAllowed = async (permission: Permission): Promise<boolean> => {
    const [resource = "", subresource = ""] = permission.resource.split("/");
    const { verb, group, name, namespace } = permission;
    const resourceAttributes = { verb, group, resource, subresource, name, namespace };
    const body = { spec: { user, groups, resourceAttributes } };
    const { status } = await api.createSubjectAccessReview({ body });
    return status?.allowed === true;
  };
  try {
    const answers = await Promise.all(permissions.map(isAllowed));
    return { kind: "read", value: permissions.filter((_, index) => answers[index] === false) };
  } catch (error) {
    const problem = apiFailure(`ask what service account ${account.name} may do`, error).message;
    return { kind: "unreadable", problem };
  }
}
