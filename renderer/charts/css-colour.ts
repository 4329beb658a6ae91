/** Value of a colour token, for drawing on a canvas. */
export const cssColour = (token: string): string => getComputedStyle(document.documentElement).getPropertyValue(token).trim() || '#888888';
/** Pixels of one rem. */
export const remPixels = (): number => Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
