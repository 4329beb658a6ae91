/**
 * Shape of a log line: what varies from line to line is replaced by `<*>`. Masks only, one configuration for every
 * source; equal shapes are one pattern. The same line always gives the same shape, and a shape is its own shape.
 */
const MASKS: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<*>'],
  [/\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:[.,]\d+)?(?:Z|[+-]\d{2}:?\d{2})?/g, '<*>'],
  [/\b[\w.+-]+@[\w-]+\.[\w.-]+\b/g, '<*>'],
  [/\b[a-z][a-z0-9+.-]*:\/\/[^\s"'<>)\]]+/gi, '<*>'],
  [/\b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b/g, '<*>'],
  [/(["'])(?:(?!\1)[^\\\n]|\\.){1,200}\1/g, '$1<*>$1'],
  [/\b0x[0-9a-f]+\b/gi, '<*>'],
  [/\b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}\b/gi, '<*>'],
  [/(^|[\s=:,([{#/<])[-+]?\d+(?:[.,:]\d+)*(?:[a-zA-Zµ%]{1,3})?(?=$|[\s,;:)\]}/.!?>-])/g, '$1<*>'],
  [/\b(?=[\w-]*\d)(?=[\w-]*[a-zA-Z])[\w]+(?:-[\w]+)+\b/g, '<*>'],
  [/<\*>(?:[\s,]+<\*>){2,}/g, '<*>'],
];
/** Longer lines are cut first: a shape is for grouping, and hostile input must stay cheap. */
const LONGEST = 2_000;

/** Masks the variable parts of one log line (see MASKS). Never throws; empty in, empty out. */
export function shapeOf(line: string): string {
  let shape = line.length > LONGEST ? line.slice(0, LONGEST) : line;
  for (const [pattern, mask] of MASKS) shape = shape.replace(pattern, mask);
  return shape.replace(/\s+/g, ' ').trim();
}
