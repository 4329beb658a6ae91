import { z } from 'zod';
import { type Route, route } from './route.ts';

const problem = z.object({
  line: z.number(),
  column: z.number(),
  group: z.string(),
  /** From 1; 0: it is not about one rule. */
  rule: z.number(),
  name: z.string(),
  message: z.string(),
});
const answer = z.object({
  files: z.array(z.object({ file: z.string(), groups: z.number(), rules: z.number(), problems: z.array(problem) })),
  /** Rules beyond the limit. */
  leftOut: z.number(),
});

export const ruleFileRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/rule-files',
    summary: 'Prometheus rule files that are evaluated, and what is wrong with them: a bad rule is left out, the rest holds.',
    answer,
    handle: async ({ engine: { alerting } }) => ({
      leftOut: alerting.leftOut,
      files: alerting.files.map(({ file, groups, problems }) => ({
        file,
        groups: groups.length,
        rules: groups.reduce((sum, { rules }) => sum + rules.length, 0),
        problems: problems.map(({ isShape, ...each }) => each),
      })),
    }),
  }),
];
