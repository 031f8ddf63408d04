/**
 * What every target that decides is to decide: a role, given by a header, may use a method on a path
 * or may not. Once as Rego with its rules as data, once as Envoy's RBAC. Pure.
 */

export const entrypoint = "envoy/authz/allow";
export const decisionPath = `/v1/data/${entrypoint}`;

/** What of the input is read, as `bouncer bundle` would declare it. */
export const inputFields = [
  "attributes.request.http.method",
  "attributes.request.http.headers.x-role",
  "parsed_path",
];

export const rego = `package envoy.authz

import input.attributes.request.http as request

default allow := false

allow if {
	[area, service] := array.slice(input.parsed_path, 0, 2)
	request.headers["x-role"] in data.rules[area][service][request.method]
}
`;

/** The same without anything to decide: what is left is the cost of asking. */
export const regoOfAllowAll = `package envoy.authz

allow := true
`;

export const roleHeader = "x-role";
export const allowedRole = "writer";
export const refusedRole = "guest";

/** Who may use which method, everywhere. */
const rolesOf = { GET: ["reader", "writer"], POST: ["writer"] } as const;

/** What the loads ask for besides services: see loads.ts. */
const others = [
  ["api", "sink"],
  ["api", "socket"],
  ["api.Echo", "Unary"],
] as const;

const serviceOf = (index: number): string => `service-${index}`;

/** The service that loads ask for: in the middle, whatever the number of rules. */
export const askedService = serviceOf(3);

/** Data for `rego`, with so many rules; each is found by its key. */
export function buildData(rules: number): object {
  const found: Record<string, Record<string, typeof rolesOf>> = { api: {}, "api.Echo": {} };
  for (let index = 0; index < rules; index += 1) {
    found["api"] = Object.assign(found["api"] ?? {}, { [serviceOf(index)]: rolesOf });
  }
  for (const [area, service] of others) {
    found[area] = Object.assign(found[area] ?? {}, { [service]: rolesOf });
  }
  return { rules: found };
}

const header = (name: string, exact: string): object => ({
  header: { name, string_match: { exact } },
});

/** The policy with so many rules, for Envoy's RBAC filter. */
export function buildRbac(rules: number): object {
  const prefixes = [
    ...Array.from({ length: rules }, (_rule, index) => `/api/${serviceOf(index)}/`),
    ...others.map((path) => `/${path.join("/")}`),
  ];
  const paths = prefixes.map((prefix) => ({ url_path: { path: { prefix } } }));
  const policies = Object.entries(rolesOf).map(([method, roles]): [string, object] => [
    method,
    {
      permissions: [
        { and_rules: { rules: [header(":method", method), { or_rules: { rules: paths } }] } },
      ],
      principals: roles.map((role) => header(roleHeader, role)),
    },
  ]);
  return { action: "ALLOW", policies: Object.fromEntries<object>(policies) };
}
