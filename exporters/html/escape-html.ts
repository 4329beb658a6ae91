import { cleanText } from '../postmortem/clean-text.ts';

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;', '`': '&#96;' };
/** Any text as HTML text or as a quoted attribute's value. */
export const escapeHtml = (text: string): string => cleanText(text).replace(/[&<>"'`]/g, (c) => ENTITIES[c] as string);
