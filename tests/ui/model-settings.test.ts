import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsolePage, cannotRun, launch, openConsole } from './console-page.ts';

describe.skipIf(cannotRun !== null)(`local model in the settings${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let opened: ConsolePage;
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'faultline-model-page-'));
    [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    opened = await openConsole(browser, faultline, { path: '/settings' });
  });
  afterAll(async () => {
    await opened?.close();
    await faultline?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('starts with the template narrator, and nothing of a model', async () => {
    const { page } = opened;
    expect(await page.getByRole('radio', { name: /Template narrator/ }).isChecked()).toBe(true);
    await page.getByText('No model is asked.').waitFor();
    expect(await accessProblems(page)).toEqual([]);
  });
  it('says what is wrong with a file', async () => {
    const { page } = opened;
    const file = join(folder, 'page.gguf');
    writeFileSync(file, '<html>sign in to download this model</html>');
    await page.getByLabel(/path of a GGUF file/).fill('page.gguf');
    expect(await page.getByRole('button', { name: 'Check and add' }).isDisabled()).toBe(true);
    await page.getByLabel(/path of a GGUF file/).fill(file);
    await page.getByRole('button', { name: 'Check and add' }).click();
    await page.getByText('page.gguf: it is not a GGUF file').waitFor();
    expect(await accessProblems(page)).toEqual([]);
  });
  it('makes the demo model and says plainly what it is', async () => {
    const { page } = opened;
    await page.getByRole('button', { name: 'Make the demo model' }).click();
    await page.getByText('checked and added').waitFor();
    await page.getByText('demo model', { exact: true }).waitFor();
    await page.getByText('knows nothing. What it writes means nothing.').waitFor();
    expect(await page.getByRole('radio', { name: /Faultline demo model/ }).isChecked()).toBe(true);
  });
  it('a test run shows the answer and what it cost, and warns of a wrong one', async () => {
    const { page, problems } = opened;
    await page.getByRole('button', { name: 'Test run' }).click();
    await page.getByText(/Cause: S[1-3]\. Evidence: E[1-3]\./).waitFor();
    await page.getByText(/found the right answer|do not rely on what it says/).waitFor();
    await page.getByText('The model is loaded.').waitFor();
    expect(await accessProblems(page)).toEqual([]);
    expect(problems).toEqual([]);
  });
  it('is as readable in light and Chinese', async () => {
    const chinese = await openConsole(browser, faultline, { path: '/settings', theme: 'light', locale: 'zh' });
    await chinese.page.getByText('演示模型', { exact: true }).waitFor();
    await chinese.page.getByText('由脚本生成的随机权重').waitFor();
    expect(await accessProblems(chinese.page)).toEqual([]);
    expect(chinese.problems).toEqual([]);
    await chinese.close();
  });
  it('goes back to the narrator, and forgets the model', async () => {
    const { page } = opened;
    await page.getByRole('radio', { name: /Template narrator/ }).check();
    await page.getByText('No model is asked.').waitFor();
    await page.getByRole('button', { name: /Remove Faultline demo model/ }).click();
    await page.getByRole('button', { name: 'Make the demo model' }).waitFor();
  });
});
