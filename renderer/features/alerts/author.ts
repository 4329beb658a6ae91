/** Who sits at this browser, as they named themselves for a silence; '' when they have not. */
const NAME = 'faultline.author';
export const knownAuthor = (): string => window.localStorage.getItem(NAME) ?? '';
export const rememberAuthor = (author: string): void => window.localStorage.setItem(NAME, author);
