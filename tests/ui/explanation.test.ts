import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import { createShop } from '#demo/simulate.ts';
import { openRig, type Rig, TOKEN } from '../app/engine-rig.ts';
import type { FaultlineProcess } from '../app/faultline-process.ts';
import { garbled, type Script, ScriptedModel, truthful } from '../fixtures/scripted-model.ts';
import { PLANTED, shopIncident } from '../fixtures/shop-incident.ts';
import { accessProblems } from './check-access.ts';
import { type ConsoleOptions, cannotRun, launch, openConsole } from './console-page.ts';

/** SHOTS=folder keeps a picture of each state. */
const shots = process.env['SHOTS'];

/** The explanation block on the real engine and page; what the model says is scripted, so that it also says things that hold. */
describe.skipIf(cannotRun !== null)(`explanation${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let rig: Rig;
  let incident: Incident;
  const model = new ScriptedModel(truthful);
  const at = (): FaultlineProcess => ({ api: rig.running.url, ingest: rig.running.url, token: TOKEN }) as unknown as FaultlineProcess;

  beforeAll(async () => {
    [browser, rig] = await Promise.all([launch(), openRig({}, Date.now, model)]);
    const planted = PLANTED.map((fault) => shopIncident(1, fault)).find((one) => (one?.rca?.candidates.length ?? 0) > 1)!;
    // Without any telemetry the page would show the first-run doors.
    const endMs = Math.floor(Date.now() / 10_000) * 10_000;
    const shop = createShop({ seed: 1, scenario: 'none', startMs: endMs - 60_000, durationMs: 60_000, requestsPerSecond: 2 });
    for (const body of shop.advance(endMs).traces) await rig.append('traces', body);
    await rig.flush();
    const atMs = endMs - 600_000;
    incident = await rig.running.engine.book.take({ ...planted, openedMs: atMs + 60_000, onsetMs: atMs });
  });
  afterAll(async () => {
    await rig?.close();
  });
  async function on(options: ConsoleOptions, look: (page: Page) => Promise<void>): Promise<void> {
    const opened = await openConsole(browser, at(), { path: `/incidents/${incident.id}`, ...options });
    try {
      await look(opened.page);
      expect(opened.problems).toEqual([]);
    } finally {
      await opened.close();
    }
  }
  async function keep(page: Page, name: string): Promise<void> {
    if (shots === undefined) return;
    mkdirSync(shots, { recursive: true });
    await page.screenshot({ path: join(shots, `${name}.png`) });
  }
  const block = (page: Page, name = 'Explanation') => page.getByRole('region', { name, exact: true });

  it('tells the incident without a model; asked, the model adds sentences whose chips lead to their evidence', () =>
    on({}, async (page) => {
      await block(page).getByTestId('narrative').waitFor();
      await keep(page, 'before');
      await block(page).getByRole('button', { name: 'Ask the local model' }).click();
      const said = page.getByRole('region', { name: 'What the local model says, checked against the evidence' });
      await said.waitFor();
      await said.scrollIntoViewIfNeeded();
      await keep(page, 'answered');
      expect(await accessProblems(page)).toEqual([]);
      const byItself = block(page).getByRole('checkbox', { name: 'Ask by itself, once for each incident' });
      for (const wanted of [true, false]) {
        await byItself.setChecked(wanted);
        await expect.poll(() => rig.running.engine.explainer.isAuto()).toBe(wanted);
      }
      const chip = said.getByRole('link').first();
      const id = await chip.textContent();
      await chip.focus();
      await page.keyboard.press('Enter');
      await expect.poll(() => page.evaluate('document.activeElement?.id')).toBe(`evidence-${id?.trim()}`);
    }));
  it('shows that the model disagrees, and what was dropped and why, with the whole prompt and answer', () =>
    on({}, async (page) => {
      model.script = other(incident);
      await block(page).getByRole('button', { name: 'Ask again' }).click();
      await block(page).getByTestId('differs').waitFor();
      expect(await block(page).getByTestId('differs').textContent()).toContain('The ranking stands');
      await keep(page, 'differs');
      await block(page).getByRole('button', { name: 'Prompt inspector' }).press('Enter');
      const dialog = page.getByRole('dialog', { name: 'Prompt inspector' });
      await dialog.getByTestId('dropped-sentence').first().waitFor();
      expect(await dialog.textContent()).toContain('uses words nobody can check');
      expect(await dialog.textContent()).toContain('Which C started it?');
      await keep(page, 'inspector');
      expect(await accessProblems(page)).toEqual([]);
      await page.keyboard.press('Escape');
      await dialog.waitFor({ state: 'detached' });
    }));
  it('shows how far it is, and stops when told to', () =>
    on({}, async (page) => {
      model.script = (_, { signal, onProgress }) =>
        new Promise((_resolve, reject) => {
          onProgress?.({ stage: 'reading', doneTokens: 128, totalTokens: 512 });
          signal?.addEventListener('abort', () => reject(new Error('stopped')));
        });
      await block(page).getByRole('button', { name: 'Ask again' }).click();
      await block(page).getByRole('progressbar', { name: 'The model reads' }).waitFor();
      await keep(page, 'reading');
      await block(page).getByRole('button', { name: 'Cancel' }).click();
      await block(page).getByText('The question was cancelled.').first().waitFor();
    }));
  it('what was over while the page heard nothing is over on the page once it hears again', () =>
    on({}, async (page) => {
      const { explainer } = rig.running.engine;
      model.script = (_, { signal }) =>
        new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('stopped'))));
      explainer.ask(incident.id, { again: true });
      const said = { incidentId: incident.id, job: (await explainer.state(incident.id)).job };
      let streams = 0;
      await page.route('**/console/events', async (route) => {
        if (++streams > 1) {
          explainer.cancel(incident.id);
          await explainer.settled(incident.id);
          return route.continue();
        }
        const state = JSON.stringify(await rig.running.engine.state());
        const body = `event: state\ndata: ${state}\n\nevent: explain\ndata: ${JSON.stringify(said)}\n\n`;
        return route.fulfill({ contentType: 'text/event-stream', body });
      });
      await page.reload();
      await block(page).getByRole('button', { name: 'Cancel' }).waitFor();
      await block(page).getByRole('button', { name: 'Ask again' }).waitFor();
      expect(streams).toBe(2);
    }));
  it.each(['dark', 'light'] as const)('speaks Chinese too, %s', (theme) =>
    on({ locale: 'zh', theme }, async (page) => {
      model.file = { ...model.file!, demo: true };
      model.script = garbled;
      await block(page, '说明').getByRole('button', { name: '再次询问' }).click();
      await block(page, '说明').getByTestId('dropped').waitFor();
      await block(page, '说明').getByTestId('dropped').scrollIntoViewIfNeeded();
      await keep(page, `zh-${theme}`);
      expect(await accessProblems(page)).toEqual([]);
      await block(page, '说明').getByRole('button', { name: '提示词检查器' }).click();
      await page.getByRole('dialog').getByTestId('dropped-sentence').first().waitFor();
      await keep(page, `zh-inspector-${theme}`);
      expect(await accessProblems(page)).toEqual([]);
    }),
  );
});

/** Chooses the second-ranked candidate, restates its first row, and adds an invention. */
const other =
  (incident: Incident): Script =>
  async ({ prompt }) => {
    const row = incident.rca!.candidates[1]!.evidence[0]!.id;
    const [, cause, text] = new RegExp(`(C\\d) = [^\\n]*\\n\\[${row}\\] ([^\\n]*)`).exec(prompt) ?? [];
    const why = [`${text} [${row}].`, `A certificate of S2 expired [${row}].`];
    return JSON.stringify({ cause, evidence: [row], confidence: 'medium', why });
  };
