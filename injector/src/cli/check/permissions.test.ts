import { expect, test } from "vitest";
import { goldens, readChart, readGrants } from "../../../test/support/chart.ts";
import { buildInstallation } from "../../../test/support/installation.ts";
import { listPermissions } from "./permissions.ts";

const lines = (installation: Parameters<typeof listPermissions>[0]) =>
  listPermissions(installation)
    .map(({ verb, group, resource, name }) => `${verb} ${group} ${resource} ${name}`)
    .toSorted();

test.each(goldens)("what is asked for is what the chart grants: %s", (golden) => {
  const installation = readChart(golden);
  expect(lines(installation)).toEqual(readGrants(golden, installation.name));
});

test("an injector that only injects needs no more", () => {
  expect(lines(buildInstallation())).not.toContainEqual(
    expect.stringMatching(/pods|leases|events/),
  );
});
