import { tableFromIPC } from 'apache-arrow';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import { type FaultlineProcess, startFaultline } from '../app/faultline-process.ts';
import { accessProblems } from './check-access.ts';
import { type ConsoleOptions, type ConsolePage, cannotRun, changeTheme, launch, openConsole } from './console-page.ts';
import { postmortemLooks } from './postmortem-looks.ts';
import { sendShop } from './send-shop.ts';

/** All screens over half an hour of the demo shop with a bad release in it, on the real engine. */
describe.skipIf(cannotRun !== null)(`console${cannotRun === null ? '' : `: skipped, ${cannotRun}`}`, () => {
  let browser: Browser;
  let faultline: FaultlineProcess;
  let shop: Awaited<ReturnType<typeof sendShop>>;
  let incident: Incident;
  /** One window for all: what is on the screen does not depend on how long the tests take. */
  let range: string;
  let widest: string;

  const incidents = async (): Promise<Incident[]> =>
    ((await (await faultline.fetch('/console/incidents')).json()) as { incidents: Incident[] }).incidents;
  const isRelease = ({ kind, service, atMs }: Incident['timeline'][number]): boolean =>
    kind === 'change' && service === shop.service && Math.abs(atMs - shop.onsetMs) < 120_000;
  /** What the engine holds of the shop, for the message of a test that failed. */
  async function told(): Promise<string> {
    const changes = await (await faultline.fetch(`/console/changes?start=${shop.endMs - 1_800_000}&end=${shop.endMs}`)).text();
    const lines = (await incidents()).map(
      ({ id, status, openedMs, onsetMs, services, timeline, rca }) =>
        `${JSON.stringify({ id, status, openedMs, onsetMs, services, cause: rca?.candidates[0]?.because })}\n` +
        timeline.map((entry) => `    ${entry.atMs} ${entry.kind} ${entry.says}`).join('\n'),
    );
    return `shop ${JSON.stringify(shop)}\nincidents\n${lines.join('\n')}\nchanges ${changes}\n${faultline.log()}`;
  }
  /** All of the history is judged: the incident has a cause, and its story holds the release at its time. */
  async function ranked(): Promise<Incident> {
    for (const started = performance.now(); performance.now() - started < 90_000; ) {
      const found = (await incidents()).find((one) => (one.rca?.candidates.length ?? 0) > 0 && one.timeline.some(isRelease));
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    throw new Error(`no incident with a cause and the release in its story: ${await told()}`);
  }
  /** The trace of most spans: it surely has something to fold. */
  async function widestTrace(): Promise<string> {
    const answer = await faultline.fetch(`/console/traces?start=${shop.endMs - 1_800_000}&end=${shop.endMs}&limit=500`);
    const table = tableFromIPC(new Uint8Array(await answer.arrayBuffer()));
    const rows = table.toArray().map((row) => row.toJSON() as { trace_id: string; spans: number });
    return rows.sort((a, b) => b.spans - a.spans)[0]?.trace_id ?? '';
  }
  async function on<T>(options: ConsoleOptions, look: (page: Page) => Promise<T>): Promise<T> {
    const opened: ConsolePage = await openConsole(browser, faultline, options);
    try {
      const result = await look(opened.page);
      expect(opened.problems).toEqual([]);
      return result;
    } finally {
      await opened.close();
    }
  }
  beforeAll(async () => {
    [browser, faultline] = await Promise.all([launch(), startFaultline()]);
    shop = await sendShop(faultline, 'bad_deploy', 3);
    incident = await ranked();
    widest = await widestTrace();
    range = `from=${shop.endMs - 1_800_000}&to=${shop.endMs}`;
  });
  afterAll(async () => {
    await shop?.stop();
    await faultline?.stop();
  });

  it('Now names the trouble; one click leads to the cause and its evidence', () =>
    on({ path: `/?${range}` }, async (page) => {
      await page.getByTestId('trouble').first().click();
      await page.waitForURL(`**/incidents/${incident.id}**`);
      expect(await page.getByTestId('cause').innerText()).toContain(shop.service);
      await page.locator('article canvas').first().waitFor();
      expect(await page.locator('article').count()).toBeGreaterThan(0);
      expect(await accessProblems(page)).toEqual([]);
    }));
  it('an incident says what it emitted and how that was counted', () =>
    on({ path: `/incidents/${incident.id}` }, async (page) => {
      const panel = page.getByRole('region', { name: 'Emissions of this incident' });
      await panel.getByRole('button', { name: /CO₂e$/ }).click();
      expect(await panel.locator('pre').innerText()).toMatch(/E × I \+ M = .* gCO2e/);
      await panel.getByRole('link', { name: 'Cost & Carbon' }).click();
      await page.waitForURL((url) => url.pathname === '/cost' && url.searchParams.has('from'));
    }));
  it('the shop has spend and emissions, of each service and of nobody', () =>
    on({ path: `/cost?${range}` }, async (page) => {
      await page.getByRole('button', { name: new RegExp(`^Cost of ${shop.service}: `) }).waitFor();
      await page.getByRole('button', { name: new RegExp(`^Emissions of 1,000 requests to ${shop.service}: `) }).waitFor();
      await page.getByRole('button', { name: 'Emissions of Idle: ' }).waitFor();
    }));
  it('evidence shows its query and runs it in place', () =>
    on({ path: `/incidents/${incident.id}` }, async (page) => {
      await page.locator('article').first().getByRole('button', { name: 'Show the query' }).click();
      await page.getByRole('dialog').getByText('SELECT').first().waitFor();
      await page.getByRole('button', { name: 'Run it' }).click();
      await page.locator('dialog td').first().waitFor();
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'detached' });
    }));
  it('acknowledges, notes and resolves', () =>
    on({ path: `/incidents/${incident.id}` }, async (page) => {
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      await page.getByText('Acknowledged by the operator.').waitFor();
      await page.getByLabel('Note').fill('rolling back <b>now</b>');
      await page.keyboard.press('Enter');
      await page.getByText('rolling back <b>now</b>').waitFor();
      await page.getByRole('button', { name: 'Resolve', exact: true }).click();
      await page.getByText('Resolved by the operator.').waitFor();
    }));
  it('language and theme switch at once and are remembered', () =>
    on({ path: '/settings' }, async (page) => {
      await page.getByText('简体中文').click();
      await page.getByText('语言').waitFor();
      await page.getByText('浅色', { exact: true }).click();
      expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
      await page.reload();
      await page.getByText('语言').waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN');
      expect(await page.locator('html').getAttribute('data-theme')).toBe('light');
    }));
  it('is usable with the keyboard alone', () =>
    on({ path: `/?${range}` }, async (page) => {
      await page.getByTestId('trouble').or(page.getByText('No open incident.')).first().waitFor();
      for (const [keys, path] of [
        ['gi', '/incidents'],
        ['gl', '/explore/logs'],
        ['gm', '/explore/metrics'],
        ['gs', '/services'],
        ['ga', '/alerts'],
        ['gc', '/cost'],
        ['go', '/sources'],
        ['ge', '/explore/traces'],
      ] as const) {
        await page.keyboard.type(keys);
        await page.waitForURL((url) => url.pathname === path);
      }
      await page.getByRole('listbox', { name: 'Traces' }).getByRole('option').first().waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('checkout');
      await page.waitForURL((url) => url.searchParams.get('q') === 'checkout');
      await page.keyboard.press('Escape');
      await page.getByRole('listbox', { name: 'Traces' }).focus();
      await page.keyboard.press('j');
      await page.keyboard.press('j');
      await page.keyboard.press('Enter');
      await page.waitForURL(/\/explore\/traces\/[0-9a-f]{32}/);
      await page.keyboard.press('?');
      await page.getByRole('dialog', { name: 'Keys' }).waitFor();
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+k');
      await page.keyboard.type('services');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.pathname === '/services');
    }));
  it.each([
    '/',
    '/incidents',
    '/explore/traces',
    '/explore/logs',
    '/explore/metrics',
    '/services',
    '/services?view=list',
    '/alerts',
    '/cost',
    '/sources',
    '/settings',
  ])('%s has names for all controls and enough contrast, dark and light', async (path) => {
    await on({ path: `${path}${path.includes('?') ? '&' : '?'}${range}` }, async (page) => {
      await page.waitForLoadState('load');
      await page.locator('main').getByRole('status', { name: 'Loading' }).first().waitFor({ state: 'detached' });
      expect(await accessProblems(page)).toEqual([]);
      await changeTheme(page, 'light');
      expect(await accessProblems(page)).toEqual([]);
    });
  });
  it('a trace opens as a waterfall; a span shows its attributes; its logs are there', () =>
    on({ path: `/explore/traces/${widest}` }, async (page) => {
      const spans = page.getByRole('listbox', { name: 'Spans' });
      await spans.getByRole('option').first().click();
      await page.getByRole('complementary', { name: 'Span' }).getByText('service.name', { exact: true }).waitFor();
      const before = await spans.getByRole('option').count();
      await page.keyboard.press('ArrowLeft');
      expect(await spans.getByRole('option').count()).toBeLessThan(before);
      await page.getByRole('button', { name: 'Logs of the trace' }).click();
      await page.getByRole('region', { name: 'Logs of the trace' }).getByRole('option').first().waitFor();
    }));
  it('logs: a severity narrows the list; a line opens, pauses nothing it should not, and leads to its trace', () =>
    on({ path: `/explore/logs?${range}` }, async (page) => {
      const list = page.getByRole('listbox', { name: 'Logs' });
      await page.getByRole('button', { name: /^Error/ }).click();
      await page.waitForURL((url) => url.searchParams.get('severity') === 'error');
      await list.getByText('ERROR').first().waitFor();
      await list.getByText('INFO').first().waitFor({ state: 'detached' });
      await list.getByRole('option').first().click();
      await page
        .getByRole('complementary', { name: 'Log record' })
        .getByRole('link', { name: /Open trace/ })
        .click();
      await page.waitForURL(/\/explore\/traces\/[0-9a-f]{32}/);
    }));
  it('what changed names the release and leads to the incident it is part of; a service shows its own', async () => {
    await on({ path: `/?${range}` }, async (page) => {
      const panel = page.getByRole('region', { name: 'What changed' });
      const release = panel.getByRole('link', { name: new RegExp(`${shop.service}: deployed`) });
      await release
        .getByText('part of an incident')
        .waitFor()
        .catch(async (cause: unknown) => {
          throw new Error(`the panel says ${await panel.innerText()}; ${await told()}`, { cause });
        });
      await release.click();
      await page.waitForURL('**/incidents/**');
    });
    await on({ path: `/services?${range}&service=${shop.service}` }, (page) =>
      page.getByRole('region', { name: 'What changed' }).getByText(`${shop.service}: deployed`).waitFor(),
    );
  });
  it('metrics: a search finds one, its card has a line; by keyboard it opens with its query, by a label, and leads to the editor', () =>
    on({ path: `/explore/metrics?${range}` }, async (page) => {
      await page.getByLabel('Search metrics').fill('http.server.request');
      await page.getByRole('option', { name: /^http_server_request_duration_seconds .*: last [\d.]+ m?s/ }).waitFor();
      expect(await accessProblems(page)).toEqual([]);
      await page.getByRole('listbox', { name: 'Metrics' }).focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('metric') === 'http_server_request_duration_seconds');
      await page.locator('figure canvas').waitFor();
      await page.getByRole('combobox', { name: 'By' }).selectOption('job');
      await page.getByRole('option', { name: new RegExp(`^shop/${shop.service} .* m?s`) }).waitFor();
      expect(await accessProblems(page)).toEqual([]);
      await page.getByRole('link', { name: 'Open in editor' }).click();
      await page.waitForURL((url) => /^histogram_quantile\(0.95, sum by \(job, le\)/.test(url.searchParams.get('a') ?? ''));
    }));
  it('PromQL by keyboard alone: a metric is completed and its help read, the query runs, a series is drawn alone, the address holds it all', () =>
    on({ path: `/explore/promql?${range}` }, async (page) => {
      const editor = page.getByRole('textbox', { name: 'PromQL query A' });
      await editor.focus();
      await page.keyboard.type('sum by (job) (rate(http_server_request_duration_seconds_c');
      await page.getByRole('option', { name: /^http_server_request_duration_seconds_count/ }).waitFor();
      await page.getByText(/^The total number of observations for: /).waitFor();
      await page.keyboard.press('Tab');
      await page.keyboard.type('[2m]');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => url.searchParams.get('a') === 'sum by (job) (rate(http_server_request_duration_seconds_count[2m]))');
      await page.getByText(/^\d+ series · [\d,]+ samples · /).waitFor();
      await page.locator('figure canvas').waitFor();
      expect(await accessProblems(page)).toEqual([]);
      await page.getByRole('listbox', { name: 'Series of the graph' }).focus();
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('Enter');
      await page.waitForURL((url) => /^a \{job="/.test(url.searchParams.get('only') ?? ''));
      await editor.focus();
      await page.keyboard.press('Escape');
      await page.keyboard.press('g');
      await page.keyboard.press('l');
      await page.waitForURL((url) => url.pathname === '/explore/logs');
    }));
  it('what is wrong with a query is underlined where it is, with what must stand there, in Chinese', () =>
    on({ path: `/explore/promql?${range}`, locale: 'zh', theme: 'light' }, async (page) => {
      await page.getByRole('textbox', { name: 'PromQL 查询 A' }).fill('sum by job (up)');
      await page
        .getByRole('alert')
        .getByText(/^此处应为 "\("/)
        .waitFor();
      expect(await page.locator('.cm-lintRange-error').innerText()).toBe('job');
      expect(await accessProblems(page)).toEqual([]);
    }));
  it('the map is laid out; a service shows its figures, who calls it and whom it calls', () =>
    on({ path: `/services?${range}` }, async (page) => {
      await page.getByRole('button', { name: new RegExp(`^${shop.service}:`) }).click();
      const panel = page.getByRole('region', { name: shop.service, exact: true });
      await panel.locator('canvas').first().waitFor();
      await panel
        .getByText(/Called by|Calls/)
        .first()
        .waitFor();
      await panel.getByRole('link', { name: 'Failed traces' }).click();
      await page.getByRole('listbox', { name: 'Traces' }).getByRole('option').first().waitFor();
    }));
  it('an objective is made of what a service was asked, by keyboard; it says what used its budget up', () =>
    on({ path: '/slo' }, async (page) => {
      await page.getByText('There are no objectives yet.').waitFor();
      expect(await accessProblems(page)).toEqual([]);
      await page.getByRole('button', { name: 'Make a first objective' }).press('Enter');
      await page.getByRole('combobox', { name: 'Service' }).selectOption(shop.service);
      await page.getByRole('button', { name: 'Make it' }).press('Enter');
      await page.waitForURL(`**/slo/${shop.service}-availability`);
      await page
        .getByText(/^(budget gone|burns fast)$/)
        .first()
        .waitFor();
      await page.getByRole('region', { name: 'Budget over time' }).locator('canvas').waitFor();
      // The release, and the place that fails.
      const consumed = page.getByRole('region', { name: 'What used the budget up' });
      expect(await consumed.getByRole('region', { name: 'Incidents' }).getByRole('link').count()).toBeGreaterThan(0);
      expect(await consumed.getByRole('region', { name: 'Where it failed or took its time' }).innerText()).toContain(shop.service);
      await consumed.getByRole('button', { name: 'Query of' }).first().press('Enter');
      await page.getByRole('button', { name: 'Run it' }).press('Enter');
      await page.getByRole('dialog').getByRole('status').waitFor();
      await page.keyboard.press('Escape');
      expect(await page.getByRole('textbox', { name: `${shop.service}-availability.yml` }).inputValue()).toContain(
        'version: prometheus/v1',
      );
      expect(await accessProblems(page)).toEqual([]);
      await page.getByRole('button', { name: 'Remove' }).press('Enter');
      await page.getByRole('button', { name: 'Remove it really?' }).press('Enter');
      await page.getByText('There are no objectives yet.').waitFor();
    }));
  it('an empty window says where the data is and goes there', () =>
    on({ path: '/explore/logs?from=1000000000000&to=1000003600000' }, async (page) => {
      await page.getByRole('button', { name: 'Go to the newest data' }).click();
      await page.getByRole('listbox', { name: 'Logs' }).getByRole('option').first().waitFor();
    }));
  it('fits 1280 and a 4K wall without a sideways scroll', async () => {
    for (const [width, height] of [
      [1280, 800],
      [3840, 2160],
    ] as const) {
      await on({ path: `/?wall=1&${range}`, width, height }, async (page) => {
        await page.getByText('Health of services').waitFor();
        expect(await page.evaluate('document.documentElement.scrollWidth - window.innerWidth')).toBeLessThanOrEqual(0);
      });
    }
  });
  it('says plainly that the engine is away, that the collector goes on, and when it is back', async () => {
    const opened = await openConsole(browser, faultline, { path: `/?${range}` });
    await opened.page.getByText('Health of services').waitFor();
    const { engine } = faultline.pids();
    if (engine === undefined) throw new Error(`no engine among ${JSON.stringify(faultline.pids())}`);
    process.kill(engine, 'SIGSTOP');
    try {
      await opened.page.getByTestId('engine-away').waitFor();
    } finally {
      process.kill(engine, 'SIGKILL');
    }
    await opened.page.getByTestId('engine-away').waitFor({ state: 'detached', timeout: 40_000 });
    await opened.close();
  });
  // Half an hour of the shop and its incident cost ten seconds of a processor: made once, for this too.
  describe('postmortem', () => postmortemLooks(() => ({ browser, faultline, shop, incident })));
});
