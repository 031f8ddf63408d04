/** One header field as HPACK knows it (RFC 7541). Pure. */

export interface Field {
  /** Each character is one byte. */
  readonly name: string;
  readonly value: string;
  /** As RFC 7541, 4.1 and RFC 9113, 6.5.2 count it. */
  readonly size: number;
  /** Its sender wants it in nobody's table (RFC 7541, 6.2.3): must be sent on in the same way. */
  readonly isSensitive: boolean;
  /** What `CheckField` said; asked once for what is in a table, however often it is referred to. */
  readonly fault: string | null;
}

/** Whether the field may be in a message at all (RFC 9113, 8.2.1): null, or what is wrong with it. */
export type CheckField = (name: string, value: string) => string | null;

/** What a field costs beyond its characters (RFC 7541, 4.1). */
export const fieldOverhead = 32;

export function fieldSize(name: string, value: string): number {
  return name.length + value.length + fieldOverhead;
}
