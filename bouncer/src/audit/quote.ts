/**
 * Texts as JSON has them, exactly as `JSON.stringify` writes them. Most need no escapes, and looking
 * for one costs less than writing with regard to them. Pure.
 */

/** Control characters, marks, backslashes; surrogates, which are escaped where they have no pair. */
const special = /[^ !#-[\]-\ud7ff]/;
/** Beyond this, the built-in function is faster. */
const shortLength = 64;

/** Stands for itself between quotation marks. */
export function isPlain(text: string): boolean {
  return !special.test(text);
}

export function quote(text: string): string {
  return text.length <= shortLength && isPlain(text) ? `"${text}"` : JSON.stringify(text);
}
