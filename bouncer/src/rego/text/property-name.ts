/**
 * Names of Unicode classes in regular expressions: Go takes `\p{lu}`, `\p{Upper case letter}` and
 * `\pl`, re2js only `\p{Lu}` and `\pL`. Here the former become the latter. Pure.
 */

/** Long names of categories, and `cntrl`, `digit` and `punct`, as `canonical` writes them. */
const categories: ReadonlyMap<string, string> = new Map(
  (
    "C Other,Cc Control,Cc Cntrl,Cf Format,Cn Unassigned,Co Privateuse,Cs Surrogate,L Letter," +
    "LC Casedletter,Ll Lowercaseletter,Lm Modifierletter,Lo Otherletter,Lt Titlecaseletter," +
    "Lu Uppercaseletter,M Mark,M Combiningmark,Mc Spacingmark,Me Enclosingmark," +
    "Mn Nonspacingmark,N Number,Nd Decimalnumber,Nd Digit,Nl Letternumber,No Othernumber," +
    "P Punctuation,P Punct,Pc Connectorpunctuation,Pd Dashpunctuation,Pe Closepunctuation," +
    "Pf Finalpunctuation,Pi Initialpunctuation,Po Otherpunctuation,Ps Openpunctuation,S Symbol," +
    "Sc Currencysymbol,Sk Modifiersymbol,Sm Mathsymbol,So Othersymbol,Z Separator," +
    "Zl Lineseparator,Zp Paragraphseparator,Zs Spaceseparator"
  )
    .split(",")
    .map((row) => {
      const [short = "", long = ""] = row.split(" ");
      return [long, short];
    }),
);

/** Quoted text, any escape, a class: what is escaped is skipped over, only classes are changed. */
const escapes = /\\Q[\s\S]*?(?:\\E|$)|(\\[pP])(?:\{(\^?[^}]*)\}|([A-Za-z]))|\\[\s\S]/g;

export function toKnownNames(pattern: string): string {
  let [known, from] = ["", 0];
  for (const found of pattern.matchAll(escapes)) {
    const [escape, head, name, letter] = found;
    if (head !== undefined) {
      known += `${pattern.slice(from, found.index)}${head}{${toKnown(name ?? letter ?? "")}}`;
      from = found.index + escape.length;
    }
  }
  return known + pattern.slice(from);
}

function toKnown(name: string): string {
  const [not, word] = name.startsWith("^") ? ["^", name.slice(1)] : ["", name];
  const lower = word.replace(/[ _-]/g, "").replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const canonical = lower.replace(/^[a-z]/, (letter) => letter.toUpperCase());
  return not + (categories.get(canonical) ?? canonical);
}
