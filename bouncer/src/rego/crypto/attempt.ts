/** Where what cannot be read is an answer, too, and not the end of the call. Pure. */
import { BuiltinError } from "../builtin.ts";

/** null when `read` throws BuiltinError; others pass. */
export function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof BuiltinError) return null;
    throw error;
  }
}
