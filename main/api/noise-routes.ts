import { noiseAnswerSchema } from '#contracts/noise.ts';
import { reportNoise } from '#main/engine/noise/noise-report.ts';
import { type Route, route } from './route.ts';
import { IN_ORDER, inOrder, timeRange } from './time-range.ts';

export const noiseRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/noise',
    summary: 'Alerts of a window that were noise: flapping, never acted on, duplicates, always together; each with a change and its proof.',
    query: timeRange.refine(inOrder, IN_ORDER),
    answer: noiseAnswerSchema,
    handle({ engine, query, signal }) {
      return reportNoise(engine.parts.replay.noiseParts, { startMs: query.start, endMs: query.end }, signal);
    },
  }),
];
