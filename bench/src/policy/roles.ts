/**
 * The policy that most people begin with: who has one of these roles may use this method on that
 * service. The rules are data to be looked up by what they are about, data as a list that is gone
 * through, or each of them is written in Rego. Pure.
 */
import type { RequestHead } from "../../../bouncer/src/policy/decision.ts";
import type { Source } from "./setting.ts";

export type Form = "indexed" | "listed" | "written";

const toRego: Readonly<Record<Form, (rules: readonly Rule[]) => string>> = {
  indexed: () => `allow if {
	some role in roles
	data.rules[role][request.method][input.parsed_path[2]]
}`,
  listed: () => `allow if {
	some rule in data.rules
	rule.service == input.parsed_path[2]
	rule.method == request.method
	rule.role in roles
}`,
  written: (rules) => rules.map(writeRule).join("\n\n"),
};

function writeRule({ role, method, service }: Rule): string {
  return `allow if {
	input.parsed_path[2] == "${service}"
	request.method == "${method}"
	"${role}" in roles
}`;
}

const fields = [
  "attributes.request.http.headers.x-roles",
  "attributes.request.http.method",
  "parsed_path",
];

interface Rule {
  readonly role: string;
  readonly method: string;
  readonly service: string;
}

const methods = ["GET", "PUT"];

/** The last one is for the owner of `buildRequest`: whoever goes through a list goes to its end. */
function buildRules(count: number): readonly Rule[] {
  const others = Array.from({ length: count - 1 }, (_, at) => ({
    role: `role-${at % 50}`,
    method: methods[at % methods.length] ?? "",
    service: `service-${at}`,
  }));
  return [...others, { role: "role-42", method: "GET", service: "documents" }];
}

type Index = Record<string, Record<string, Record<string, true>>>;

function indexRules(rules: readonly Rule[]): Index {
  const index: Index = {};
  for (const { role, method, service } of rules) {
    const services = ((index[role] ??= {})[method] ??= {});
    services[service] = true;
  }
  return index;
}

export function buildRoles(form: Form, count: number): Source {
  const rules = buildRules(count);
  const data = { indexed: { rules: indexRules(rules) }, listed: { rules }, written: {} }[form];
  return {
    module: `package envoy.authz

import input.attributes.request.http as request

default allow := false

roles := split(request.headers["x-roles"], ",")

${toRego[form](rules)}
`,
    data: new TextEncoder().encode(JSON.stringify(data)),
    fields,
  };
}

/** Each of them is for another document, and decided alike. */
export function buildUnique(request: RequestHead, count: number): readonly RequestHead[] {
  return Array.from({ length: count }, (_, at) => ({
    ...request,
    target: `/api/v1/documents/doc-${at}`,
  }));
}
