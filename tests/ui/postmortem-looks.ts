import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import type { Block, Postmortem } from '#contracts/postmortem.ts';
import type { FaultlineProcess } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsoleOptions, openConsole } from './console-page.ts';
import type { SentShop } from './send-shop.ts';

/** What console.test.ts has made and looked at: an incident of the shop, ranked. */
export interface PostmortemWorld {
  readonly browser: Browser;
  readonly faultline: FaultlineProcess;
  readonly shop: SentShop;
  readonly incident: Incident;
}
/** From the incident to the exported file, by hand, on the real engine. SHOTS=DIR keeps pictures of the way. Ends the shop. */
export function postmortemLooks(world: () => PostmortemWorld): void {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let incident: Incident;
  const downloads = mkdtempSync(join(tmpdir(), 'faultline-export-'));

  const at = (): string => `/incidents/${incident.id}/postmortem`;
  const stored = async (): Promise<Postmortem> =>
    (await (await faultline.fetch(`/console/postmortems/${incident.id}`)).json()) as Postmortem;
  const shoot = async (page: Page, name: string): Promise<void> => {
    if (process.env['SHOTS']) await page.screenshot({ path: join(process.env['SHOTS'], `${name}.png`) });
  };
  async function on<T>(options: ConsoleOptions, look: (page: Page) => Promise<T>, expected: RegExp | null = null): Promise<T> {
    const opened = await openConsole(browser, faultline, options);
    try {
      const result = await look(opened.page);
      expect(opened.problems.filter((problem) => !expected?.test(problem))).toEqual([]);
      return result;
    } finally {
      await opened.close();
    }
  }
  const editor = (page: Page) => page.getByRole('textbox', { name: 'Postmortem' });
  const saved = (page: Page) =>
    page
      .getByTestId('save-state')
      .getByText(/^Saved/)
      .waitFor();
  /** The caret behind the first question of the summary. */
  const toFirstQuestion = async (page: Page): Promise<void> => {
    await page.locator('p[data-prompt]').first().click();
  };

  beforeAll(async () => {
    ({ browser, faultline, incident } = world());
    await faultline.fetch(`/console/incidents/${incident.id}/resolve`, { method: 'POST' });
    // No more telemetry: a number read again must be the same.
    await world().shop.stop();
    await faultline.flush();
  });
  afterAll(() => rmSync(downloads, { recursive: true, force: true }));

  it('is drafted with one click and verified at once', () =>
    on(
      { path: `/incidents/${incident.id}` },
      async (page) => {
        await page.getByRole('link', { name: 'Write postmortem' }).click();
        await editor(page).waitFor();
        expect(new URL(page.url()).pathname).toBe(at());
        expect(await editor(page).innerText()).toContain('Where we got lucky');
        await page
          .getByTestId('verification')
          .getByText(/\d+ equal, 0 changed, 0 not checked/)
          .waitFor();
        await page.locator('data.chip.v-equal').first().waitFor();
        expect(await page.locator('figure svg path').count()).toBeGreaterThan(0);
        expect(await page.getByTestId('unbound').innerText()).toBe('Every number in the text is bound to a statement.');
        await shoot(page, 'draft-en-dark');
        expect(await accessProblems(page)).toEqual([]);
      },
      /404/,
    ));
  it('goes on with a few of its numbers: each look from here on reads all of them again, and the costs take longest', async () => {
    const { document, revision } = await stored();
    const chart = document.content.find(({ type }) => type === 'chart');
    const isShort = (block: Block): boolean => /^(?:heading|paragraph)$/.test(block.type) && JSON.stringify(block).length < 5_000;
    const content = document.content.filter((block) => block === chart || isShort(block));
    const body = JSON.stringify({ baseRevision: revision, editor: 'else', document: { ...document, content } });
    const answer = await faultline.fetch(`/console/postmortems/${incident.id}/revisions`, { method: 'POST', body });
    expect([answer.status, await stored()]).toMatchObject([200, { revision: revision + 1, document: { content } }]);
  });
  it('what is typed is saved by itself, undone by keys, and lists by hand what nothing vouches for', () =>
    on({ path: at() }, async (page) => {
      await editor(page).waitFor();
      await toFirstQuestion(page);
      await page.keyboard.type('About 500 customers saw **errors**.');
      await page.getByTestId('unbound').getByText('500').waitFor();
      await saved(page);
      expect(JSON.stringify((await stored()).document)).toContain('About 500 customers');
      const { revision } = await stored();
      await page.keyboard.press('Control+z');
      await page.getByTestId('unbound').getByText('Every number').waitFor();
      await page.keyboard.press('Control+s');
      await saved(page);
      expect((await stored()).revision).toBeGreaterThan(revision);
      expect(JSON.stringify((await stored()).document)).not.toContain('About 500 customers');
    }));
  it('a number is put in from the evidence and from an own statement, with the keyboard alone', () =>
    on({ path: at() }, async (page) => {
      await editor(page).waitFor();
      await toFirstQuestion(page);
      const before = await page.locator('data.chip').count();
      await page.keyboard.type('Failing: ==');
      await page.getByRole('dialog').waitFor();
      await page.keyboard.type('share of');
      await shoot(page, 'insert-evidence');
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(await page.locator('data.chip').count()).toBe(before + 1);
      // The dialog gives the focus back a moment after it has gone.
      await page.waitForFunction('document.activeElement?.isContentEditable === true');
      await page.keyboard.type(' and ');
      await page.keyboard.press('Control+e');
      await page.getByRole('tab', { name: 'Own statement' }).click();
      await page.getByLabel('Statement').fill('SELECT count(*) AS spans FROM spans');
      await page.getByLabel('What the number says').fill('all spans');
      await page.getByRole('button', { name: 'Read it' }).click();
      await page.getByTestId('reading').waitFor();
      await page.getByRole('button', { name: 'Insert', exact: true }).click();
      await page.getByRole('dialog').waitFor({ state: 'detached' });
      expect(await page.locator('data.chip').count()).toBe(before + 2);
      expect(await page.locator('p:has(data.chip)', { hasText: 'Failing:' }).innerText()).toMatch(/^Failing: [\d.]+ %.* and .*\d/);
      // Onto the chip with the keyboard: its source shows, Enter opens the statement.
      await page.keyboard.press('ArrowLeft');
      await page.getByTestId('figure-card').getByText('all spans').waitFor();
      await page.keyboard.press('Enter');
      await page.getByRole('dialog').getByText('SELECT count(*) AS spans').waitFor();
      await page.keyboard.press('Escape');
      await saved(page);
      await page.getByRole('button', { name: 'Verify again' }).click();
      await page
        .getByTestId('verification')
        .getByText(/, 0 changed, 0 not checked/)
        .waitFor();
    }));
  it('a statement that is not allowed is said to be', () =>
    on(
      { path: at() },
      async (page) => {
        await editor(page).waitFor();
        await page.getByRole('button', { name: 'Insert number' }).click();
        await page.getByRole('tab', { name: 'Own statement' }).click();
        await page.getByLabel('Statement').fill('DELETE FROM spans');
        await page.getByRole('button', { name: 'Read it' }).click();
        await page.getByRole('dialog').getByRole('alert').waitFor();
        await shoot(page, 'insert-refused');
      },
      /400/,
    ));
  it('of two windows the one that saves late is told, and decides', () =>
    on(
      { path: at() },
      (late) =>
        on(
          { path: at(), theme: 'light' },
          async (early) => {
            await editor(late).waitFor();
            await editor(early).waitFor();
            await early.getByLabel('Title').fill('Early title');
            await early.getByLabel('Authors').fill('Early');
            await saved(early);
            await late.getByLabel('Authors').fill('Late');
            await late
              .getByRole('alert')
              .getByText(/Revision \d+ was saved elsewhere/)
              .waitFor();
            await shoot(late, 'conflict');
            expect((await stored()).document.authors).toBe('Early');
            await late.getByRole('button', { name: 'Keep mine as the next revision' }).click();
            await saved(late);
            expect((await stored()).document.authors).toBe('Late');
            await early.getByLabel('Title').fill('Once more');
            await early.getByRole('button', { name: 'Show the other' }).click();
            await early.getByRole('alert').waitFor({ state: 'detached' });
            expect(await early.getByLabel('Authors').inputValue()).toBe('Late');
          },
          /409/,
        ),
      /409/,
    ));
  it('survives kill -9 of the engine right after it was saved', () =>
    on(
      { path: at() },
      async (page) => {
        await editor(page).waitFor();
        await page.getByLabel('Title').fill('Kept through a kill');
        await saved(page);
        process.kill(faultline.pids()['engine'] as number, 'SIGKILL');
        for (const started = performance.now(); ; await new Promise((resolve) => setTimeout(resolve, 300))) {
          const answer = await stored().catch(() => null);
          if (answer?.document?.title === 'Kept through a kill') break;
          if (performance.now() - started > 60_000)
            throw new Error(`not back: ${JSON.stringify(answer).slice(0, 300)}\n${faultline.log()}`);
        }
      },
      /./,
    ));
  it('is exported as a file that opens from disk, loads nothing and prints', async () => {
    const files: Record<string, string> = {};
    await on({ path: at() }, async (page) => {
      await editor(page).waitFor();
      for (const format of ['Markdown', 'HTML', 'JSON']) {
        const coming = page.waitForEvent('download');
        await page.getByRole('button', { name: format, exact: true }).click();
        const download = await coming;
        files[format] = join(downloads, download.suggestedFilename());
        await download.saveAs(files[format] as string);
        await page.getByText('Exported; every bound number was read again and is equal.').last().waitFor();
      }
    });
    expect(readFileSync(files['Markdown'] as string, 'utf8')).toMatch(/^# Kept through a kill/);
    expect(JSON.parse(readFileSync(files['JSON'] as string, 'utf8'))).toMatchObject({ format: 'faultline.postmortem', version: 1 });
    const context = await browser.newContext({ viewport: { width: 1000, height: 1300 }, offline: true });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on('console', (message) => problems.push(message.text()));
    page.on('request', (request) => request.url().startsWith('file:') || problems.push(request.url()));
    await page.goto(pathToFileURL(files['HTML'] as string).href);
    expect(await page.title()).toBe('Kept through a kill');
    expect(await page.locator('svg path.line').count()).toBeGreaterThan(0);
    // The style sheet is the one the policy names: a page without it would be black on white in a serif.
    expect(await page.evaluate<string>('getComputedStyle(document.body).maxWidth')).toBe('832px');
    await page.locator('.fig a').first().click();
    expect(new URL(page.url()).hash).toMatch(/^#n\d+$/);
    expect(problems).toEqual([]);
    if (process.env['SHOTS']) {
      await page.goto(pathToFileURL(files['HTML'] as string).href);
      await page.screenshot({ path: join(process.env['SHOTS'], 'export.png') });
      await page.locator('h2').nth(3).scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(process.env['SHOTS'], 'export-causes.png') });
      await page.locator('h3').last().scrollIntoViewIfNeeded();
      await page.screenshot({ path: join(process.env['SHOTS'], 'export-appendix.png') });
      await page.emulateMedia({ media: 'print' });
      await page.screenshot({ path: join(process.env['SHOTS'], 'export-print.png') });
    }
    const printed = await page.pdf({ format: 'A4' });
    expect(printed.subarray(0, 5).toString()).toBe('%PDF-');
    await context.close();
  });
  it('stands on the list of incidents, and in Chinese and light', async () => {
    await on({ path: '/incidents' }, async (page) => {
      await page.getByText('Postmortem · Draft').waitFor();
      await shoot(page, 'list');
    });
    await on({ path: at(), locale: 'zh', theme: 'light' }, async (page) => {
      await page.getByRole('textbox', { name: '复盘文档' }).waitFor();
      await page
        .getByTestId('verification')
        .getByText(/\d+ 个一致/)
        .waitFor();
      await page.locator('data.chip').first().hover();
      await shoot(page, 'draft-zh-light');
      expect(await accessProblems(page)).toEqual([]);
    });
  });
  it('an incident that is not there is said not to be', () =>
    on(
      { path: '/incidents/none/postmortem' },
      async (page) => {
        await page.getByRole('alert').getByText('There is no incident "none".').waitFor();
      },
      /404/,
    ));
}
