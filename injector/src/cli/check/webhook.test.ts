import { expect, test } from "vitest";
import { goldens, readChart } from "../../../test/support/chart.ts";
import { checkWebhook } from "./webhook.ts";

test.each(goldens)("what the chart makes passes: %s", (golden) => {
  const checked = checkWebhook(readChart(golden));
  expect(checked.filter(({ result }) => result === "failure")).toEqual([]);
});
