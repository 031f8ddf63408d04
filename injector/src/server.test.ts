import { expect, test } from "vitest";
import { budgetMs } from "./server.ts";

test.each([
  { timeout: "5s", budget: 4000 },
  { timeout: "10s", budget: 8000 },
  { timeout: "30s", budget: 24_000 },
  { timeout: undefined, budget: 4000 },
  { timeout: "0s", budget: 4000 },
  { timeout: "1h", budget: 4000 },
  { timeout: ["1s", "2s"], budget: 4000 },
])("the API server waits $timeout: the answer has $budget ms", ({ timeout, budget }) => {
  expect(budgetMs(timeout)).toBe(budget);
});
