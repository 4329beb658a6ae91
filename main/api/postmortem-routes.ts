import { z } from 'zod';
import { FaultlineError } from '#contracts/errors.ts';
import {
  figureReadingSchema,
  POSTMORTEM_LIMITS,
  postmortemSchema,
  postmortemSummarySchema,
  revisionSchema,
  verificationSchema,
} from '#contracts/postmortem.ts';
import type { Engine } from '#main/engine/engine.ts';
import type { Resources } from '#main/engine/postmortems/gather-resources.ts';
import { incidentCarbon } from './carbon-routes.ts';
import { incidentCost } from './cost-routes.ts';
import { type Call, type Route, route } from './route.ts';

const incidentOf = (params: Readonly<Record<string, string>>): string => params['incident'] ?? '';
/** Checked by contracts/postmortem-tree.ts readDocument: its depth is bounded before anything recursive reads it. */
const untrustedDocument = z.looseObject({}).describe('contracts/postmortem.ts documentSchema');
/** The tree refers to itself, which one OpenAPI operation cannot say; docs/postmortem-format.md has all of it. */
const postmortemAnswer = postmortemSchema.extend({ document: untrustedDocument });
const FORMATS = ['md', 'html', 'json'] as const;
const TYPES = { md: 'text/markdown; charset=utf-8', html: 'text/html; charset=utf-8', json: 'application/json' } as const;

/** The file, and how many of its numbers are not equal. Writers are loaded when somebody wants a file. */
async function write(
  engine: Engine,
  incidentId: string,
  format: (typeof FORMATS)[number],
  signal: AbortSignal,
): Promise<{ text: string; unverified: number }> {
  const file = await engine.postmortems.file(incidentId, signal);
  const { changed, unverified } = file.verification.counts;
  const options = { consoleUrl: engine.apiAddress };
  const text =
    format === 'md'
      ? (await import('#exporters/markdown/postmortem.ts')).markdownPostmortem(file, options)
      : format === 'html'
        ? (await import('#exporters/html/postmortem.ts')).htmlPostmortem(file, options)
        : (await import('#exporters/json/postmortem.ts')).jsonPostmortem(file);
  return { text, unverified: changed + unverified };
}

/** Cost and emissions where they are known; a draft does not fail for want of a price. */
async function resourcesOf(call: Pick<Call, 'engine' | 'signal'>, incidentId: string): Promise<Resources> {
  call.engine.book.get(incidentId);
  const orNothing = (what: string) => (error: unknown) => {
    if (error instanceof FaultlineError && error.code === 'cancelled') throw error;
    call.engine.parts.log(`postmortem of ${incidentId} without its ${what}: ${error instanceof Error ? error.message : error}`);
    return null;
  };
  const [cost, carbon] = await Promise.all([
    incidentCost(call, incidentId).catch(orNothing('cost')),
    incidentCarbon(call, incidentId).catch(orNothing('emissions')),
  ]);
  return { cost, carbon };
}

export const postmortemRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/postmortems',
    summary: 'Postmortems, last saved first.',
    answer: z.object({ postmortems: z.array(postmortemSummarySchema) }),
    handle: async (call) => ({ postmortems: await call.engine.postmortems.list() }),
  }),
  route({
    method: 'post',
    path: '/console/postmortems/figures',
    summary: 'Reads one number: the first row of one SELECT over the documented views.',
    body: z.object({ sql: z.string().min(1).max(30_000), column: z.string().max(200).optional() }),
    answer: figureReadingSchema,
    handle: (call) => call.engine.postmortems.read(call.body.sql, call.body.column, call.signal),
  }),
  route({
    method: 'get',
    path: '/console/postmortems/:incident',
    summary: 'The postmortem of an incident, newest or a given revision.',
    query: z.object({ revision: z.coerce.number().int().min(1).optional() }),
    answer: postmortemAnswer,
    handle: (call) => call.engine.postmortems.get(incidentOf(call.params), call.query.revision),
  }),
  route({
    method: 'post',
    path: '/console/postmortems/:incident/draft',
    summary: "Drafts a postmortem from the incident's evidence; conflict when there is one.",
    body: z.object({ locale: z.enum(['en', 'zh']).default('en') }).optional(),
    answer: postmortemAnswer,
    async handle(call) {
      const incident = incidentOf(call.params);
      return call.engine.postmortems.draft(incident, call.body?.locale ?? 'en', await resourcesOf(call, incident), call.signal);
    },
  }),
  route({
    method: 'get',
    path: '/console/postmortems/:incident/revisions',
    summary: `Its revisions, newest first (the first and the last ${POSTMORTEM_LIMITS.revisions} are kept).`,
    answer: z.object({ revisions: z.array(revisionSchema) }),
    handle: async (call) => ({ revisions: await call.engine.postmortems.revisions(incidentOf(call.params)) }),
  }),
  route({
    method: 'post',
    path: '/console/postmortems/:incident/revisions',
    summary: 'Saves a revision; conflict when another was saved since baseRevision.',
    body: z.object({ baseRevision: z.number().int().min(1), editor: z.string().max(100).default(''), document: untrustedDocument }),
    answer: revisionSchema,
    async handle(call) {
      const { document, baseRevision, editor } = call.body;
      return call.engine.postmortems.save(incidentOf(call.params), document, baseRevision, editor);
    },
  }),
  route({
    method: 'post',
    path: '/console/postmortems/:incident/verify',
    summary: 'Reads every figure and chart again and compares; of the document given, else of the newest revision.',
    body: z.object({ document: untrustedDocument.optional() }).optional(),
    answer: verificationSchema,
    handle: (call) => call.engine.postmortems.verify(incidentOf(call.params), call.body?.document, call.signal),
  }),
  route({
    method: 'get',
    path: '/console/postmortems/:incident/export',
    summary: 'The postmortem as a file, verified now. Header X-Unverified: figures that changed or cannot be checked.',
    query: z.object({ format: z.enum(FORMATS).default('md') }),
    answer: 'response',
    async handle(call) {
      const { format } = call.query;
      const incident = incidentOf(call.params);
      const { text, unverified } = await write(call.engine, incident, format, call.signal);
      const name = `postmortem-${incident.replace(/[^\w.-]/g, '_').slice(0, 80)}.${format}`;
      return call.context.body(text, 200, {
        'Content-Type': TYPES[format],
        'Content-Disposition': `attachment; filename="${name}"`,
        'X-Unverified': String(unverified),
        // Should somebody open it here all the same: nothing of it runs with the console's rights.
        'Content-Security-Policy': "sandbox; default-src 'none'; style-src 'unsafe-inline'",
      });
    },
  }),
];
