import { expect, test } from "vitest";
import type { ObjectReference } from "./event.ts";
import { createOwners } from "./owners.ts";

const replicaSet: ObjectReference = {
  apiVersion: "apps/v1",
  kind: "ReplicaSet",
  namespace: "shop",
  name: "web-1",
  uid: "1",
};
const deployment = { ...replicaSet, kind: "Deployment", name: "web", uid: "2" };

test("the owner of a ReplicaSet or Job is asked for once", async () => {
  const asked: string[] = [];
  const find = createOwners({
    readController: async ({ name }) => {
      asked.push(name);
      return deployment;
    },
    onError: () => undefined,
  });
  expect(await find(replicaSet)).toEqual(deployment);
  expect(await find(replicaSet)).toEqual(deployment);
  const job = { ...replicaSet, apiVersion: "batch/v1", kind: "Job", name: "j", uid: "3" };
  expect(await find(job)).toEqual(deployment);
  expect(asked).toEqual(["web-1", "j"]);
});

test.each([
  { what: "a StatefulSet", about: { ...replicaSet, kind: "StatefulSet" } },
  { what: "another ReplicaSet", about: { ...replicaSet, apiVersion: "x.io/v1" } },
  { what: "an object without a uid", about: { ...replicaSet, uid: null } },
])("$what is the top itself", async ({ about }) => {
  const find = createOwners({
    readController: () => Promise.reject(new Error("asked")),
    onError: () => undefined,
  });
  expect(await find(about)).toBe(about);
});

test("what has no owner, or cannot be asked for, is the top itself; a failure is asked again", async () => {
  const answers = [new Error("down"), null];
  const errors: unknown[] = [];
  const find = createOwners({
    readController: async () => {
      const answer = answers.shift();
      if (answer instanceof Error) throw answer;
      return null;
    },
    onError: (error) => errors.push(error),
  });
  expect(await find(replicaSet)).toBe(replicaSet);
  expect(errors).toHaveLength(1);
  expect(await find(replicaSet)).toBe(replicaSet);
  expect(answers).toEqual([]);
});
