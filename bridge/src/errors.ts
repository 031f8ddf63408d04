/**
 * Everything that can go wrong in the bridge: a closed table. The code is in logs, answers and
 * metrics; `status` is what a client over HTTP sees. Documented in docs/reference/bridge.md.
 */

export const errorTable = {
  config_invalid: {
    status: 500,
    about: "An environment variable has a value that is not accepted; the bridge does not start.",
  },
  directory_unreadable: {
    status: 503,
    about: "The bundle directory cannot be read. What was read before goes on being served.",
  },
  too_many_bundles: {
    status: 503,
    about:
      "The directory holds more bundles than are served; the ones beyond the limit, by name, are left out.",
  },
  bundle_unreadable: { status: 503, about: "A bundle's file cannot be read." },
  bundle_too_large: {
    status: 503,
    about: "A bundle, or what it unpacks to, is above the size limit.",
  },
  bundle_unstable: {
    status: 503,
    about: "A bundle's file changed while it was read; it is read again.",
  },
  bundle_broken: {
    status: 503,
    about: "A bundle is not a complete gzip-compressed tar archive, or its manifest is not JSON.",
  },
  upstream_unreachable: {
    status: 503,
    about: "A place that bundles come from does not answer. What came before goes on being served.",
  },
  upstream_refused: {
    status: 503,
    about:
      "A place that bundles come from does not accept the bridge's credentials, or there are none.",
  },
  upstream_missing: {
    status: 503,
    about: "There is no such file, object or image at the place that a bundle comes from.",
  },
  upstream_invalid: {
    status: 503,
    about:
      "What a place answers is not what it should be: a digest is wrong, an image has no bundle, a redirect leads nowhere.",
  },
  rollout_invalid: {
    status: 503,
    about: "rollout.json is not what it should be. The rollouts that were in force before go on.",
  },
  rollout_stopped: {
    status: 503,
    about:
      "A bouncer gave a candidate up, since it refused too much or too little; it is enforced nowhere until its content or its terms change.",
  },
  certificate_unreadable: {
    status: 503,
    about: "tls.crt or tls.key is missing or cannot be read.",
  },
  certificate_invalid: {
    status: 503,
    about: "tls.crt and tls.key are not a certificate and its key.",
  },
  token_missing: { status: 401, about: "The request carries no bearer token." },
  token_refused: {
    status: 401,
    about: "The bearer token is unknown, expired, or for another audience.",
  },
  identity_forbidden: {
    status: 403,
    about: "The token is valid, but not that of a service account.",
  },
  authenticator_unavailable: {
    status: 503,
    about: "The token could not be checked: the API server, or the token file, did not answer.",
  },
  authenticator_busy: { status: 503, about: "Too many tokens are waiting to be checked." },
  bundles_busy: { status: 503, about: "Too many bundles are waiting to be sent." },
  not_found: { status: 404, about: "There is nothing at this path, or no bundle of this name." },
  method_not_allowed: { status: 405, about: "Only GET and HEAD are answered." },
  closing: { status: 503, about: "The bridge is shutting down; another replica answers." },
  hello_missing: {
    status: 400,
    about: "A bouncer opened the WebSocket and did not introduce itself in time.",
  },
  message_invalid: { status: 400, about: "A message on the WebSocket is not one of the protocol." },
  message_flood: {
    status: 429,
    about: "A bouncer sends more messages than the protocol has use for.",
  },
  protocol_unsupported: {
    status: 400,
    about: "The bouncer speaks another version of the protocol.",
  },
  peer_silent: {
    status: 408,
    about: "A bouncer did not answer a ping, or did not read what was sent to it.",
  },
  start_failed: {
    status: 500,
    about: "A port cannot be listened on, or the Kubernetes configuration cannot be loaded.",
  },
} as const satisfies Record<string, { status: number; about: string }>;

export type ErrorCode = keyof typeof errorTable;

export class BridgeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "BridgeError";
    this.code = code;
  }
}

/** The message of whatever was thrown, for the end of one of ours. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
