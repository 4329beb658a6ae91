import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type ErrorCode, FaultlineError } from '#contracts/errors.ts';
import type { ExplainJob, Explanation } from '#contracts/explanation.ts';
import type { Incident } from '#contracts/judgement.ts';
import { TestStore } from '#store/test-store.ts';
import { garbled, type Script, ScriptedModel, silent, truthful } from '../../tests/fixtures/scripted-model.ts';
import { PLANTED, shopIncident } from '../../tests/fixtures/shop-incident.ts';
import { Explainer, type ExplainOptions, MAX_WAITING } from './explainer.ts';

let t: TestStore;
let model: ScriptedModel;
let explainer: Explainer;
let incidents: Map<string, Incident>;
let heard: (ExplainJob | null)[];
const one = shopIncident(1, 'bad_deploy')!;
const two = shopIncident(2, 'slow_dependency')!;

beforeEach(async () => {
  t = new TestStore();
  await t.open();
  incidents = new Map([one, two].map((incident) => [incident.id, incident]));
  heard = [];
  model = new ScriptedModel(truthful);
  const book = {
    get(id: string): Incident {
      const found = incidents.get(id);
      if (!found) throw new FaultlineError('not_found', id);
      return found;
    },
  };
  explainer = new Explainer({ model, book, store: t.store, nowMs: () => t.nowMs, log: (line) => t.lines.push(line) });
  explainer.onChange((_, job) => heard.push(job));
});
afterEach(async () => {
  await explainer.stop();
  await t.end();
});
async function explain(script: Script, options: ExplainOptions = {}, id = one.id): Promise<Explanation> {
  model.script = script;
  explainer.ask(id, options);
  await explainer.settled(id);
  return (await explainer.state(id)).last!;
}

describe('Explainer', () => {
  it('shows what holds, tells each step, and keeps the call', async () => {
    const said = await explain(async (request, options) => {
      options.onProgress?.({ stage: 'reading', doneTokens: 64, totalTokens: 300 });
      return truthful(request, options);
    });
    expect(said).toMatchObject({ outcome: 'answered', message: '', cached: false, dropped: [], promptTokens: 300, answerTokens: 40 });
    expect(said.sentences.length).toBeGreaterThan(0);
    expect(said.prompt).toContain('[E1]');
    expect(Object.values(said.aliases)).toContain(one.rca!.candidates[0]!.service);
    expect(heard.map((job) => job?.stage)).toEqual(['waiting', 'counting', 'reading', 'checking', undefined]);
    expect((await t.store.userQuery('SELECT outcome, verified, dropped, model_sha256 FROM llm_calls')).rows()).toEqual([
      { outcome: 'answered', verified: said.sentences.length, dropped: 0, model_sha256: said.model!.sha256 },
    ]);
  });
  it('does not ask the same question twice, unless told to; it checks the old answer again', async () => {
    await explain(truthful);
    const again = await explain(garbled);
    expect(again).toMatchObject({ outcome: 'answered', cached: true, dropped: [], promptTokens: 0 });
    expect(model.asked.length).toBe(1);
    expect(await explain(garbled, { again: true })).toMatchObject({ cached: false, sentences: [] });
    expect(model.asked.length).toBe(2);
  });
  it('another model, another data folder or another incident is another question', async () => {
    await explain(truthful);
    model.file = { ...model.file!, sha256: 'd'.repeat(64) };
    expect(await explain(truthful)).toMatchObject({ cached: false });
    await t.store.setState('environment.id', '"elsewhere"');
    expect(await explain(truthful)).toMatchObject({ cached: false });
    incidents.set('twin', { ...one, id: 'twin' });
    expect(await explain(truthful, {}, 'twin')).toMatchObject({ cached: false });
    expect(model.asked.length).toBe(4);
  });
  it('drops what a garbled answer says, each sentence with its reasons', async () => {
    const said = await explain(garbled);
    expect(said).toMatchObject({ outcome: 'answered', sentences: [], choice: { rank: null, agrees: one.rca!.verdict === 'inconclusive' } });
    expect(said.dropped.map(({ reasons }) => reasons.length > 0)).toEqual([true, true]);
  });
  it('says when the model chose another cause, and leaves the ranking alone', async () => {
    const other = PLANTED.map((fault) => shopIncident(1, fault)).find((incident) => (incident?.rca?.candidates.length ?? 0) > 1)!;
    incidents.set(other.id, other);
    const said = await explain(
      async (request) => {
        // The first row of the second-ranked candidate tells which alias is its.
        const row = other.rca!.candidates[1]!.evidence[0]!.id;
        const cause = new RegExp(`(C\\d) = [^\\n]*\\n\\[${row}\\]`).exec(request.prompt)?.[1];
        return JSON.stringify({ cause, evidence: [row], confidence: 'low', why: [`nothing said here [${row}].`] });
      },
      {},
      other.id,
    );
    expect(said.choice).toMatchObject({ rank: 2, agrees: false, service: other.rca!.candidates[1]!.service });
    expect(incidents.get(other.id)).toBe(other);
  });

  const fails =
    (code: ErrorCode, message: string): Script =>
    () =>
      Promise.reject(new FaultlineError(code, message));
  it.each([
    [
      'crash',
      fails('model_crashed', 'The model process ended (signal SIGKILL).'),
      {},
      'crashed',
      'The model process ended (signal SIGKILL).',
    ],
    ['no memory', fails('model_memory', 'Needs 9 GB, 2 GB are free.'), {}, 'no_model', 'Needs 9 GB, 2 GB are free.'],
    ['late by its own clock', fails('model_deadline', 'Too slow.'), {}, 'deadline', 'Too slow.'],
    ['hangs', silent, { deadlineMs: 50 }, 'deadline', 'The model did not answer within 0.1 s.'],
    ['not JSON', async () => 'Sure! The cause is', {}, 'garbage', 'The answer is not in the form asked for (not JSON'],
    ['cut off', async () => '{"cause":"C1","evid', {}, 'garbage', 'The answer is not in the form asked for (not JSON'],
    ['empty', async () => '', {}, 'garbage', 'The answer is not in the form asked for (not JSON'],
    [
      'hostile form',
      async () => '{"cause":"C1","evidence":["E1"],"confidence":"high","why":["x"],"run":"rm -rf /"}',
      {},
      'garbage',
      'The answer is not',
    ],
    ['a bug', () => Promise.reject(new TypeError('x is not a function')), {}, 'failed', 'x is not a function'],
  ] as const)(
    '%s: an outcome and a sentence, the template narrative stays, the next question works',
    async (_, script, options, outcome, message) => {
      const said = await explain(script as Script, options);
      expect(said).toMatchObject({ outcome, choice: null, sentences: [] });
      expect(said.message).toContain(message);
      expect((await explainer.state(one.id)).narrative).toBe(one.rca!.narrative);
      expect(await explain(truthful)).toMatchObject({ outcome: 'answered' });
      expect((await explainer.calls(one.id, 10)).map((call) => call.outcome)).toEqual(['answered', outcome]);
    },
  );
  it('without a model, or without a candidate, nothing is asked', async () => {
    incidents.set('bare', { ...one, id: 'bare', rca: { ...one.rca!, candidates: [] } });
    expect(await explain(truthful, {}, 'bare')).toMatchObject({ outcome: 'nothing_to_ask' });
    model.file = null;
    expect(await explain(truthful)).toMatchObject({ outcome: 'no_model', message: 'No local model is chosen.', model: null });
    expect(model.asked).toEqual([]);
  });
  it('an incident nobody knows is an error', () => {
    expect(() => explainer.ask('nobody')).toThrow(expect.objectContaining({ code: 'not_found' }));
  });
  it('one at a time; who is cancelled while waiting does not wait on; asking twice joins', async () => {
    let release: () => void = () => undefined;
    let running = 0;
    let most = 0;
    model.script = async (request, options) => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => {
        release = resolve;
      });
      running--;
      return truthful(request, options);
    };
    explainer.ask(one.id);
    expect(explainer.ask(one.id).incidentId).toBe(one.id);
    incidents.set('third', { ...two, id: 'third' });
    explainer.ask(two.id);
    explainer.ask('third');
    await expect.poll(() => model.asked.length).toBe(1);
    expect(explainer.cancel(two.id)).toBe(true);
    await explainer.settled(two.id);
    expect((await explainer.state(two.id)).last).toMatchObject({ outcome: 'cancelled' });
    expect(model.asked.length).toBe(1);
    release();
    await explainer.settled(one.id);
    await expect.poll(() => model.asked.length).toBe(2);
    release();
    await explainer.settled('third');
    expect(most).toBe(1);
    expect((await explainer.state('third')).last).toMatchObject({ outcome: 'answered' });
  });
  it('asks by itself once an incident is a minute old, only when told to, and never twice', async () => {
    const open = { ...one, openedMs: t.nowMs };
    incidents.set(one.id, open);
    await explainer.consider({ ...open, openedMs: t.nowMs - 60_000 });
    expect(model.asked.length).toBe(0);
    await explainer.setAuto(true);
    await explainer.consider(open);
    expect(model.asked.length).toBe(0);
    t.nowMs += 60_000;
    await explainer.consider({ ...open, status: 'resolved' });
    await explainer.consider({ ...open, rca: null });
    await explainer.consider(open);
    await explainer.consider(open);
    await explainer.settled(one.id);
    expect(model.asked.length).toBe(1);
    const restarted = new Explainer({ model, book: { get: () => open }, store: t.store, nowMs: () => t.nowMs, log: () => undefined });
    expect((await restarted.state(one.id)).auto).toBe(true);
    await restarted.consider(open);
    await restarted.settled(one.id);
    expect(model.asked.length).toBe(1);
  });
  it('refuses more than may wait', () => {
    model.script = silent;
    for (let n = 0; n <= MAX_WAITING; n++) {
      incidents.set(`i${n}`, { ...one, id: `i${n}` });
      explainer.ask(`i${n}`);
    }
    expect(() => explainer.ask(one.id)).toThrow(/wait for the model/);
  });
  it('tells when the rows of the page are no longer those that were asked about', async () => {
    await explain(truthful);
    expect((await explainer.state(one.id)).outdated).toBe(false);
    const [first, ...rest] = one.rca!.candidates;
    incidents.set(one.id, { ...one, rca: { ...one.rca!, candidates: [{ ...first!, score: 0.1 }, ...rest] } });
    expect((await explainer.state(one.id)).outdated).toBe(false);
    incidents.set(one.id, { ...one, rca: { ...one.rca!, candidates: [{ ...first!, evidence: first!.evidence.slice(1) }, ...rest] } });
    expect((await explainer.state(one.id)).outdated).toBe(true);
  });
});
