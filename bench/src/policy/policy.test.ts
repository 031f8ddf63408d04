import { expect, test } from "vitest";
import { buildData, buildRequest } from "./policy.ts";
import { buildRoles } from "./roles.ts";

test.each([16 * 1024, 1024 ** 2])("data of %d bytes are JSON of about that size", (bytes) => {
  const data = buildData(bytes);
  const { roles, documents } = JSON.parse(new TextDecoder().decode(data)) as {
    readonly roles: object;
    readonly documents: Readonly<Record<string, { readonly owner: string }>>;
  };
  expect(data.byteLength / bytes).toBeGreaterThan(0.99);
  expect(data.byteLength / bytes).toBeLessThan(1.2);
  expect(Object.keys(roles)).toHaveLength(50);
  expect(documents["doc-7"]?.owner).toBe("user-7");
});

test("who is allowed is the owner", () => {
  const users = [true, false].map((isAllowed) => {
    const { rawHeaders } = buildRequest(isAllowed);
    return rawHeaders[rawHeaders.indexOf("X-User") + 1];
  });
  expect(users).toEqual(["user-7", "user-8"]);
});

test.each(["indexed", "listed", "written"] as const)("%s, there are so many rules", (form) => {
  const { module, data } = buildRoles(form, 100);
  const text = `${module}${new TextDecoder().decode(data)}`;
  expect(text.match(/service-\d+/g)).toHaveLength(99);
  expect(text.match(/documents/g)).toHaveLength(1);
});
