import { expect, test } from "vitest";
import { buildPod, buildReview } from "./review.ts";

test.each([4096, 65_536, 1_048_576])("a pod of %i bytes", (size) => {
  expect(JSON.stringify(buildPod(size))).toHaveLength(size);
  expect(buildReview(size).length).toBeGreaterThan(size);
});
