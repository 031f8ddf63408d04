import { expect, test } from "vitest";
import { parseTarget } from "./target.ts";

test.each([
  [["web-0"], "pod", "web-0"],
  [["pod/web-0"], "pod", "web-0"],
  [["po/web-0"], "pod", "web-0"],
  [["deploy/web"], "deployment", "web"],
  [["deployments.apps/web"], "deployment", "web"],
  [["Deployment", "web"], "deployment", "web"],
  [["sts/db"], "statefulset", "db"],
  [["ds/agent"], "daemonset", "agent"],
  [["rs/web-1"], "replicaset", "web-1"],
  [["rc/old"], "replicationcontroller", "old"],
  [["job/migrate"], "job", "migrate"],
  [["cj/backup"], "cronjob", "backup"],
] as const)("%j", (positionals, kind, name) => {
  expect(parseTarget(positionals)).toEqual({ kind, name });
});

test.each([
  [["service/web"], `kind "service" is not one of pod, deployment`],
  [["deployment/"], `the name in "deployment/" is missing`],
  [["pod/a", "b"], `unexpected argument "b"`],
  [["pod", "a", "b"], `unexpected argument "b"`],
] as const)("wrong: %j", (positionals, message) => {
  expect(() => parseTarget(positionals)).toThrow(message);
});
