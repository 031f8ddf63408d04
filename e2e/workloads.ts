/** Builders of the workloads that the stories create. */
import type { Container, Manifest } from "./kubernetes.ts";

export interface AppOptions {
  readonly image: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly initContainers?: readonly Container[];
  /** Fields that replace or extend the container's. */
  readonly container?: Readonly<Record<string, unknown>>;
}

export const appPort = 3000;

/** The example application as a container: an HTTP server on `appPort`. */
export function appContainer(image: string, fields: Readonly<Record<string, unknown>> = {}) {
  return {
    name: "app",
    image,
    imagePullPolicy: "IfNotPresent",
    ports: [{ name: "http", containerPort: appPort }],
    resources: { requests: { cpu: "10m", memory: "32Mi" } },
    ...fields,
  };
}

/** A pod's template: `app: <name>` and the example application. */
export function podTemplate(name: string, options: AppOptions) {
  return {
    metadata: {
      labels: { app: name, ...options.labels },
      ...(options.annotations === undefined ? {} : { annotations: options.annotations }),
    },
    spec: {
      terminationGracePeriodSeconds: 30,
      ...(options.initContainers === undefined ? {} : { initContainers: options.initContainers }),
      containers: [appContainer(options.image, options.container)],
    },
  };
}

export function barePod(namespace: string, name: string, options: AppOptions): Manifest {
  const { metadata, spec } = podTemplate(name, options);
  return { apiVersion: "v1", kind: "Pod", metadata: { name, namespace, ...metadata }, spec };
}

export function deployment(
  namespace: string,
  name: string,
  options: AppOptions & { readonly replicas?: number },
): Manifest {
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      replicas: options.replicas ?? 1,
      selector: { matchLabels: { app: name } },
      strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
      template: podTemplate(name, options),
    },
  };
}

/** A Job whose pod runs the command, in the example application's image, and ends. */
export function job(
  namespace: string,
  name: string,
  options: AppOptions & { readonly command: readonly string[] },
): Manifest {
  const { metadata, spec } = podTemplate(name, options);
  const container = { name: "app", image: options.image, command: options.command };
  const template = {
    metadata,
    spec: { ...spec, restartPolicy: "Never", containers: [container] },
  };
  return {
    apiVersion: "batch/v1",
    kind: "Job",
    metadata: { name, namespace },
    spec: { backoffLimit: 0, template },
  };
}

export function service(
  namespace: string,
  name: string,
  targetPort: number | string = appPort,
  fields: Readonly<Record<string, unknown>> = {},
): Manifest {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { selector: { app: name }, ports: [{ port: 80, targetPort, ...fields }] },
  };
}
