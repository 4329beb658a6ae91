/**
 * Text of telemetry as it may stand in a file others read: control characters become visible, and so do the characters
 * that turn the direction of writing (they can make a line read as something else, CVE-2021-42574).
 */
export const cleanText = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[\r\n\t\v\f\u0085\u2028\u2029]+/g, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    .replace(/[\u0000-\u001f\u007f-\u009f]/g, '\ufffd')
    .replace(/[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, (c) => `[U+${c.charCodeAt(0).toString(16).toUpperCase()}]`);
/** As cleanText, but lines stay lines: for code and statements. */
export const cleanLines = (text: string): string => text.replace(/\r\n?/g, '\n').split('\n').map(cleanText).join('\n');
