import type { RuleGroup } from './rule.ts';

/** Groups are evaluated at multiples of their interval, this much later: so they are spread over it. */
export const phaseOf = ({ file, name }: Pick<RuleGroup, 'file' | 'name'>, intervalMs: number): number =>
  hashOf(`${file};${name}`) % intervalMs;
/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}
