import { expect, test } from "vitest";
import { renderReference } from "./reference.ts";

test("the reference is what the commands run on", async () => {
  await expect(renderReference()).toMatchFileSnapshot("../../../../docs/reference/diagnose.md");
});
