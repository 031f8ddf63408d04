/**
 * The patch that brings `caBundle` of our webhooks up to date. Only that field is ever touched, and
 * each operation is guarded by `test` (RFC 6902, 4.6), so a webhook that somebody else moved or
 * changed meanwhile is not overwritten: the patch fails and is made anew. Pure.
 */

/** An entry of `webhooks` in a MutatingWebhookConfiguration. */
export interface WebhookEntry {
  readonly name: string;
  /** Base64; absent before the first patch. */
  readonly caBundle: string | undefined;
}

export interface PatchOperation {
  readonly op: "test" | "add";
  readonly path: string;
  readonly value: string;
}

/** Empty when every webhook has it already. */
export function buildCaBundlePatch(
  webhooks: readonly WebhookEntry[],
  caBundle: string,
): PatchOperation[] {
  return webhooks.flatMap((webhook, index) => {
    if (webhook.caBundle === caBundle) return [];
    const base = `/webhooks/${index}`;
    const path = `${base}/clientConfig/caBundle`;
    return [
      { op: "test" as const, path: `${base}/name`, value: webhook.name },
      ...(webhook.caBundle === undefined
        ? []
        : [{ op: "test" as const, path, value: webhook.caBundle }]),
      { op: "add" as const, path, value: caBundle },
    ];
  });
}
