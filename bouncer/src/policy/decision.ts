/**
 * What the data path asks of the policy, and what it is told. The data path knows no OPA, the
 * policy knows no sockets: both know only these types. Pure: types only.
 */

/**
 * A request as the application will get it, so that both see the same: checked, its path in normal
 * form, hop-by-hop and forged identity headers removed, X-Forwarded-* set from the socket.
 */
export interface RequestHead {
  readonly method: string;
  /** Request target in origin form, as received: `/orders/7?full=1`. */
  readonly target: string;
  /** `HTTP/1.1`. */
  readonly protocol: string;
  readonly scheme: "http" | "https";
  /** Value of Host. */
  readonly host: string;
  /** Name, value, name, value, ... in order and case as received (as node's `rawHeaders`). */
  readonly rawHeaders: readonly string[];
  readonly source: Endpoint;
  /** Address the connection came in on; the port is the application's, not the listener's. */
  readonly destination: Endpoint;
}

/** A connection on an opaque port: what is known of it before anything is forwarded. */
export interface ConnectionHead {
  readonly source: Endpoint;
  readonly destination: Endpoint;
  /** Server that the TLS client asks for, in lower case; null: none was named, or none was read. */
  readonly sni: string | null;
}

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** The start of a body that was read ahead because the policy reads bodies. */
export interface RequestBody {
  readonly bytes: Uint8Array;
  /** The body went on beyond `bytes`. */
  readonly truncated: boolean;
}

export type Header = readonly [name: string, value: string];

export type Verdict =
  | {
      readonly kind: "allow";
      /** Set on the request to the application, replacing what the client sent. */
      readonly requestHeaders: readonly Header[];
      /** Lower-case names. */
      readonly requestHeadersToRemove: readonly string[];
      readonly responseHeaders: readonly Header[];
      /** Query parameters to remove and to set, as in OPA's Envoy plugin. */
      readonly queryParametersToRemove: readonly string[];
      readonly queryParametersToSet: readonly Header[];
    }
  | {
      readonly kind: "deny";
      /** HTTP status for the client. */
      readonly status: number;
      readonly headers: readonly Header[];
      readonly body: string | null;
      readonly reason: DenyReason;
      /** For logs and the audit record, never for the client. */
      readonly detail: string | null;
    };

/** Why a request was not allowed: the value of `x-bouncer-reason`, a metric label, an audit field. */
export type DenyReason =
  /** The policy was asked and did not allow it. */
  | "policy"
  /** The decision was undefined or not of a type that can be understood. */
  | "policy_result"
  /** Evaluation threw; the instance was revived. */
  | "policy_error"
  /** There was no decision in the time that evaluations and their network calls have. */
  | "policy_timeout"
  /** No bundle has been activated yet. */
  | "no_policy"
  /** The policy reads the body, and the body is not what its content type says. */
  | "bad_body"
  /** The policy reads the query, and the query could be read in two ways. */
  | "ambiguous_request";

export interface Decision {
  /** UUID, also sent to the client as `x-bouncer-decision-id`. */
  readonly id: string;
  readonly verdict: Verdict;
  /** Answered from the decision cache. */
  readonly cached: boolean;
  /**
   * Of a cached decision: the same object for all that have its input and its result, so that what
   * is made of these can be kept as long as they are.
   */
  readonly remembered?: object | null;
  /** Bundle that decided; null when there is none. */
  readonly bundle: BundleIdentity | null;
  /** All bundles of the set, that one included. */
  readonly bundles: readonly BundleIdentity[];
  /** Entrypoint that was asked: `envoy/authz/allow`. */
  readonly path: string;
  /** The input document, made when it is asked for first; null when none was built. */
  readonly input: unknown;
  /**
   * The same as JSON, as `JSON.stringify` writes it (no white space, no needless escapes), where it
   * is at hand: records are made of it.
   */
  readonly inputText?: string | undefined;
  /** What the policy answered, before it was understood; undefined when it was not asked. */
  readonly result: unknown;
  /** Until the policy had answered, nanoseconds; 0 on a cache hit. */
  readonly evaluationNs: number;
  /** What the policy beside the enforced one says to the same request; null: there is none. */
  readonly watched: Watched | null;
}

/** The decision that was not enforced, of the two that are compared while there is a candidate. */
export interface Watched {
  readonly bundle: BundleIdentity;
  /** `candidate`: the current policy is enforced; `current`: the candidate is. */
  readonly role: "candidate" | "current";
  readonly verdict: Verdict["kind"];
  readonly reason: DenyReason | null;
  /** The client or the application would have noticed. */
  readonly differs: boolean;
}

export interface BundleIdentity {
  /** File name of the bundle: `policy.tar.gz`. */
  readonly name: string;
  /** From the manifest; empty when it has none. */
  readonly revision: string;
  /** Hex SHA-256 of the bundle as fetched; of the hashes of it and its deltas when it has some. */
  readonly sha256: string;
  /** From the manifest: grows with each version; null when it is not declared. */
  readonly serial: number | null;
  /** How many deltas changed it since it was fetched. */
  readonly deltas: number;
}

/** What the policy needs of the data path before it can decide. */
export interface PolicyNeeds {
  /** Bytes of the body to read ahead; 0 when the policy does not read it. */
  readonly bodyBytes: number;
  /** The start of an opaque connection is to be read for the name of the TLS server. */
  readonly sni: boolean;
}

/** A candidate for the place of a bundle, and what was found of it so far. */
export interface CandidateStatus {
  /** File name of the bundle whose place it is to take. */
  readonly name: string;
  readonly revision: string;
  readonly sha256: string;
  /** It is enforced here, and the current bundle is watched. */
  readonly enforced: boolean;
  /** Compared; decided differently; refused by the candidate; refused by the current bundle. */
  readonly decisions: number;
  readonly differing: number;
  readonly wouldRefuse: number;
  readonly currentRefused: number;
  /** Why it was given up; null while it was not. */
  readonly stopped: string | null;
}

/** State of the policy for `/ready`, `/v1/status` and metrics. */
export interface PolicyStatus {
  /** The one that decides; null until all bundles of the set have been activated once. */
  readonly bundle: BundleIdentity | null;
  /** All that are enforced together. */
  readonly bundles: readonly BundleIdentity[];
  readonly candidates: readonly CandidateStatus[];
  /** Milliseconds since the epoch; null when there is no bundle. */
  readonly activatedAt: number | null;
  /** Where bundles come from now, and whether that works: shown to people. */
  readonly sync: {
    readonly kind: "none" | "bridge" | "poll";
    readonly connected: boolean;
    /** Last failure to fetch or activate, with its code; null after a success. */
    readonly error: { readonly code: string; readonly message: string; readonly at: number } | null;
  };
  /** Instances thrown away because an evaluation threw. */
  readonly revivals: number;
  /** Decisions that there was no time for. */
  readonly timeouts: number;
  readonly cache: { readonly hits: number; readonly misses: number; readonly entries: number };
}

/**
 * The policy as the data path sees it. Never throws or rejects: whatever goes wrong inside is a
 * refusal. A promise is for what needs more time or the network; most decisions are there at once.
 */
export interface Policy {
  needs(): PolicyNeeds;
  decide(request: RequestHead, body: RequestBody | null): Decision | Promise<Decision>;
  decideConnection(connection: ConnectionHead): Decision | Promise<Decision>;
  /** Calls back whenever another policy decides from now on; answers with the way to end that. */
  onChange(listener: () => void): () => void;
  status(): PolicyStatus;
  /** Fetches and activates now; resolves when that is done or has failed (see `status`). */
  refresh(): Promise<void>;
  close(): Promise<void>;
}

/** As much of it as requests need. */
export type DecidingPolicy = Pick<Policy, "needs" | "decide" | "decideConnection" | "onChange">;
