import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';

const source = readFileSync(join(import.meta.dirname, 'page/find-access-problems.js'), 'utf8');

/**
 * What a screen reader or weak eyes would stumble over: controls without a name, ids used twice, text with less
 * contrast than 4.5:1 (WCAG 2.2, 1.4.3; 3:1 from 24 px on). Empty: nothing found.
 */
export const accessProblems = (page: Page): Promise<string[]> => page.evaluate<string[]>(source);
