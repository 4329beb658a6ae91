import type { Attachment } from 'svelte/attachments';

/** Puts the focus here when the element appears; once more after a dialog around it has opened and taken it for its first button. */
export const focusFirst: Attachment<HTMLElement> = (element) => {
  element.focus();
  queueMicrotask(() => element.focus());
};
