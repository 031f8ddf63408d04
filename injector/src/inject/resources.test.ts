import { expect, test } from "vitest";
import { buildSettings } from "../../test/support/context.ts";
import { parseAnnotations } from "../annotations/parse.ts";
import { buildResources, buildStepResources } from "./resources.ts";

const settings = buildSettings();

/** `cpu request-limit memory request-limit`. */
function resourcesFor(annotations: Record<string, string>, build = buildResources): string {
  const pod = Object.fromEntries(
    Object.entries(annotations).map(([name, value]) => [`bouncer.dev/${name}`, value]),
  );
  const { options } = parseAnnotations({ pod, namespace: {} }, settings);
  const { requests, limits } = build(options, settings.presets);
  return `${requests.cpu}-${limits.cpu} ${requests.memory}-${limits.memory}`;
}

test.each([
  ["the default", {}, "50m-100m 64Mi-128Mi"],
  ["medium", { preset: "medium" }, "100m-200m 128Mi-256Mi"],
  ["large", { preset: "large" }, "200m-500m 256Mi-512Mi"],
  ["xlarge", { preset: "xlarge" }, "500m-1 512Mi-1Gi"],
  ["a field of its own", { "cpu-limit": "2" }, "50m-2 64Mi-128Mi"],
  ["a request above the limit raises it", { "cpu-request": "0.5" }, "0.5-0.5 64Mi-128Mi"],
  ["a limit below the request lowers it", { "memory-limit": "32Mi" }, "50m-100m 32Mi-32Mi"],
  ["units are compared", { "memory-request": "100M" }, "50m-100m 100M-128Mi"],
  ["units are compared", { "memory-request": "135M" }, "50m-100m 135M-135M"],
  ["both", { "cpu-request": "1", "cpu-limit": "1500m" }, "1-1500m 64Mi-128Mi"],
  [
    "a contradiction: the limit holds",
    { "memory-request": "2Gi", "memory-limit": "1Gi" },
    "50m-100m 1Gi-1Gi",
  ],
])("%s %o", (_, annotations, expected) => {
  expect(resourcesFor(annotations)).toBe(expected);
});

test.each([
  ["are not held to the small preset's CPU", {}, "50m-500m 64Mi-128Mi"],
  ["nor to the medium one's", { preset: "medium" }, "100m-500m 128Mi-256Mi"],
  ["have what a larger preset has", { preset: "xlarge" }, "500m-1 512Mi-1Gi"],
  ["are held to a limit that was asked for", { "cpu-limit": "200m" }, "50m-200m 64Mi-128Mi"],
])("the steps before the application %s", (_, annotations, expected) => {
  expect(resourcesFor(annotations, buildStepResources)).toBe(expected);
});
