/** Pods that are too large to be written down. The API server takes them all. */

const container = (index: number, fields: object = {}) => ({
  name: `app-${index}`,
  image: `registry.example/app:${index}`,
  ...fields,
});

const build = (name: string, spec: object, annotations: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, annotations },
  spec,
});

const times = <T>(count: number, item: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => item(index));

const variables = times(1000, (index) => ({
  name: `SETTING_${index}`,
  value: `value ${index} of $(SETTING_${index - 1}) and $$`,
}));

/** Ports, probes and hooks in each of a hundred containers, some of them sidecars. */
const hundred = times(100, (index) =>
  container(index, {
    ports: [{ name: `http-${index}`, containerPort: 20_000 + index }],
    livenessProbe: { httpGet: { path: `/live/${index}`, port: `http-${index}` } },
    readinessProbe: { tcpSocket: { port: 20_000 + index } },
    lifecycle: { preStop: { httpGet: { path: "/stop", port: `http-${index}` } } },
  }),
);

/** Annotations may have 256 KiB together, so most of it is environment. */
const megabytes = build(
  "1500-kilobytes",
  {
    containers: times(10, (index) =>
      container(index, {
        env: times(100, (number) => ({
          name: `TEXT_${number}`,
          value: `${number} ${"äöü 世界 ".repeat(90)}`,
        })),
        ports: [{ containerPort: 3000 + index }],
      }),
    ),
  },
  { "example.com/long": "x".repeat(200 * 1024) },
);

export const largePods: readonly (readonly [title: string, pod: unknown])[] = [
  ["generated: a pod of 1.5 MB", megabytes],
  [
    "generated: 1000 variables",
    build("variables", { containers: [container(0, { env: variables })] }),
  ],
  ["generated: 100 containers", build("containers", { containers: hundred })],
  [
    "generated: 250 ports",
    build("ports", {
      containers: [
        container(0, { ports: times(250, (index) => ({ containerPort: 30_000 + index })) }),
      ],
    }),
  ],
];
