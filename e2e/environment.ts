/** What `make e2e` hands to the stories: the cluster and the images that were built for it. */

function required(name: string): string {
  const value = process.env[name];
  if (value === undefined || value === "") {
    throw new Error(`Cannot run the end-to-end tests: ${name} is not set (run them by: make e2e)`);
  }
  return value;
}

export interface Environment {
  /** Kubeconfig of the test cluster. */
  readonly kubeconfig: string;
  /** Image references, `name:tag`, already on the cluster's nodes. */
  readonly bouncerImage: string;
  readonly injectorImage: string;
  readonly appImage: string;
}

export function readEnvironment(): Environment {
  return {
    kubeconfig: required("KUBECONFIG"),
    bouncerImage: required("BOUNCER_IMAGE"),
    injectorImage: required("BOUNCER_INJECTOR_IMAGE"),
    appImage: required("BOUNCER_EXAMPLE_APP_IMAGE"),
  };
}

/** The release that all stories share. */
export const release = { name: "bouncer-injector", namespace: "bouncer-system" } as const;
export const bridgeName = `${release.name}-bridge`;
export const policyConfigMap = `${release.name}-policy`;
export const webhookName = release.name;
