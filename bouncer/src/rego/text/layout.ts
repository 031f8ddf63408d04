/** Flags, width and precision of one verb of a format, and what they do to text. Pure. */
import { countCodePoints } from "./utf8.ts";

export interface Layout {
  sharp: boolean;
  zero: boolean;
  plus: boolean;
  minus: boolean;
  space: boolean;
  /** `%#v`: what `sharp` becomes. */
  sharpV: boolean;
  /** `%+v`: what `plus` becomes. */
  plusV: boolean;
  width: number | null;
  precision: number | null;
}

export function createLayout(): Layout {
  return {
    sharp: false,
    zero: false,
    plus: false,
    minus: false,
    space: false,
    sharpV: false,
    plusV: false,
    width: null,
    precision: null,
  };
}

export function pad(text: string, layout: Layout): string {
  return fill(text, countCodePoints(text), layout);
}

export function padWithSpaces(text: string, layout: Layout): string {
  return pad(text, { ...layout, zero: false });
}

/** `width` of what is shown, when it is not the count of its characters. */
export function fill(text: string, width: number, layout: Layout): string {
  const missing = (layout.width ?? 0) - width;
  if (missing <= 0) return text;
  if (layout.minus) return text + " ".repeat(missing);
  return (layout.zero ? "0" : " ").repeat(missing) + text;
}

/** The first characters, as many as the precision. */
export function truncate(text: string, layout: Layout): string {
  const { precision } = layout;
  if (precision === null || precision >= text.length) return text;
  let end = 0;
  for (let count = 0; count < precision && end < text.length; count += 1) {
    end += (text.codePointAt(end) ?? 0) > 0xff_ff ? 2 : 1;
  }
  return text.slice(0, end);
}
