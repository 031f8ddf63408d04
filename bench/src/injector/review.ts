/** AdmissionReviews with pods of a given size, of the things that make pods large. Pure. */

const applications = 3;

/** `size`: bytes of the pod as JSON. */
export function buildReview(size: number): string {
  const pod = buildPod(size);
  return JSON.stringify({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      requestKind: { group: "", version: "v1", kind: "Pod" },
      requestResource: { group: "", version: "v1", resource: "pods" },
      name: "",
      namespace: "shop",
      operation: "CREATE",
      userInfo: {
        username: "system:serviceaccount:kube-system:replicaset-controller",
        groups: ["system:serviceaccounts", "system:authenticated"],
      },
      object: pod,
      oldObject: null,
      dryRun: false,
      options: { kind: "CreateOptions", apiVersion: "meta.k8s.io/v1" },
    },
  });
}

/** Environment and mounts take what is left after a plain pod; an annotation takes the rest. */
export function buildPod(size: number): object {
  const left = size - sizeOf(assemble(0, 0));
  const one = sizeOf(assemble(2, 0)) - sizeOf(assemble(1, 0));
  // Two places of a number are more than one; what is too much at the end, the annotation gives.
  let variables = Math.max(0, Math.floor((left * 0.9) / one));
  while (variables > 0 && sizeOf(assemble(variables, 0)) > size) variables -= 1;
  return assemble(variables, Math.max(0, size - sizeOf(assemble(variables, 0))));
}

const sizeOf = (value: object): number => JSON.stringify(value).length;

function assemble(variables: number, padding: number): object {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "orders-6d4cf56db6-",
      labels: { app: "orders", "pod-template-hash": "6d4cf56db6" },
      annotations: { "checksum/config": "x".repeat(padding) },
      ownerReferences: [
        {
          apiVersion: "apps/v1",
          kind: "ReplicaSet",
          name: "orders-6d4cf56db6",
          uid: "c1b3f9f2-3a54-4f9d-8b8e-0d2f4a1b7c11",
          controller: true,
          blockOwnerDeletion: true,
        },
      ],
    },
    spec: {
      containers: Array.from({ length: applications }, (_, index) =>
        buildContainer(index, share(variables, index)),
      ),
      volumes: [{ name: "data", emptyDir: {} }],
      restartPolicy: "Always",
      terminationGracePeriodSeconds: 30,
      dnsPolicy: "ClusterFirst",
      serviceAccountName: "orders",
      securityContext: { runAsNonRoot: true, fsGroup: 1000 },
      schedulerName: "default-scheduler",
    },
  };
}

const share = (variables: number, index: number): number =>
  Math.floor((variables + applications - 1 - index) / applications);

function buildContainer(index: number, variables: number): object {
  const port = 3000 + index;
  return {
    name: `app-${index}`,
    image: "registry.example/shop/orders:2026.11.21",
    ports: [{ name: `http-${index}`, containerPort: port, protocol: "TCP" }],
    env: Array.from({ length: variables }, (_, number) => ({
      name: `SETTING_${number}`,
      value: `https://service-${number}.shop.svc.cluster.local:8443/v1/orders?region=eu-central-1`,
    })),
    resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
    volumeMounts: [{ name: "data", mountPath: "/data" }],
    livenessProbe: { httpGet: { path: "/live", port, scheme: "HTTP" }, periodSeconds: 10 },
    readinessProbe: { httpGet: { path: "/ready", port, scheme: "HTTP" }, periodSeconds: 5 },
    imagePullPolicy: "IfNotPresent",
  };
}
