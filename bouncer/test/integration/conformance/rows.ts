/** All of the suite. A row's name is unique, and stays: what is recorded goes by it. */
import { ends, limits, oldClients, persistence, pipelining } from "./rows/connections.ts";
import { forwarded, hopByHop, verdicts } from "./rows/headers.ts";
import { early, expect, interim } from "./rows/interim.ts";
import { requestFraming } from "./rows/request-framing.ts";
import { requestHeaders } from "./rows/request-headers.ts";
import { requestLine } from "./rows/request-line.ts";
import { responseFraming } from "./rows/response-framing.ts";
import { flow, upgrades } from "./rows/streams.ts";
import { trailers } from "./rows/trailers.ts";
import type { Group, Row } from "./row.ts";

export const groups: readonly Group[] = [
  requestLine,
  requestHeaders,
  requestFraming,
  responseFraming,
  trailers,
  expect,
  interim,
  early,
  pipelining,
  persistence,
  ends,
  oldClients,
  hopByHop,
  forwarded,
  limits,
  flow,
  upgrades,
  verdicts,
];

/** With the group in its name. */
export const rows: readonly Row[] = groups.flatMap(({ title, rows: members }) =>
  members.map((member) => ({ ...member, name: `${title}: ${member.name}` })),
);
