/** The field a press goes into; null: none. Of an editor in a shadow tree the window itself sees the host only. */
export function typedInto(event: KeyboardEvent): HTMLElement | null {
  const [inner] = event.composedPath();
  if (!(inner instanceof HTMLElement)) return null;
  return inner.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(inner.tagName) ? inner : null;
}
