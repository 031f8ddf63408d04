import { defineConfig } from "vitest/config";

/**
 * Four suites: `unit` touches nothing outside the process, `integration` opens real sockets, files
 * and programs, `network` makes network namespaces and so needs root on Linux (`e2e/network.sh` has
 * it anywhere), `e2e` needs the kind cluster that `make cluster` makes.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "{bench,bouncer,bridge,certs,conformance,environment,injector,examples}/**/src/**/*.test.ts",
            "charts/**/*.test.ts",
          ],
        },
      },
      {
        test: {
          name: "integration",
          include: ["{bouncer,bridge,certs,injector,examples/app}/test/integration/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: "network",
          include: ["bouncer/test/network/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "e2e",
          include: ["e2e/**/*.test.ts"],
          globalSetup: ["e2e/setup.ts"],
          testTimeout: 240_000,
          hookTimeout: 300_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
