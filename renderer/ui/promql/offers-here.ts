/**
 * Whether names are offered before a letter of them is typed: where a label, a value or an operand begins, or a duration's unit is
 * missing. Behind what may be the end of a query nothing is: Enter must run it. Pure.
 */
export function offersHere(before: string): boolean {
  const isInRange = before.lastIndexOf('[') > before.lastIndexOf(']');
  return /[{(,"'`=~]$/.test(before) || (isInRange && /\d$/.test(before));
}
