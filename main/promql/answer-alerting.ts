import { REPLAY_LIMITS, type ReplayBody } from '#contracts/replay.ts';
import { reportNoise } from '#main/engine/noise/noise-report.ts';
import { carried } from '#main/engine/replay/carried-alerting.ts';
import { replayAsked } from '#main/engine/replay/replay-asked.ts';
import { phaseOf } from '#query/rules/group-phase.ts';
import type { Answered, Means, Request } from './answer-request.ts';

/** What is asked of rules over the past: the replay lab and the noise report. The engine has checked the question. */
export async function answerAlerting({ path, form, about }: Request, means: Means): Promise<Answered> {
  const { store, book: series, signal, onCheck, onProgress, newestSeries } = means;
  if (!about.work) throw new Error(`BUG: ${path} without what it is about`);
  const { live, incidents, adoptedFile } = about.work;
  await series.refresh(newestSeries);
  const endsMs = performance.now() + REPLAY_LIMITS.timeoutMs;
  const own = { store, series, incidents, adoptedFile, live: carried(live), phaseOf, signal, onCheck, onProgress, endsMs };
  const answer =
    path === '/console/noise'
      ? await reportNoise(own, JSON.parse(form) as { startMs: number; endMs: number })
      : await replayAsked(JSON.parse(form) as ReplayBody, own);
  return { status: 200, text: [JSON.stringify(answer)] };
}
