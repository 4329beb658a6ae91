import type { Attachment } from 'svelte/attachments';

/** Puts the focus here when the element appears. */
export const focusFirst: Attachment<HTMLElement> = (element) => element.focus();
