import { z } from 'zod';
import { beginImportSchema, endImportSchema, importProgressSchema, importTicketSchema } from '#contracts/import-files.ts';
import { type Route, route } from './route.ts';

const ok = z.object({ ok: z.boolean() });

/** Files being imported: what is known of their content, and those a page sends. */
export const importRoutes: readonly Route[] = [
  route({
    method: 'post',
    path: '/console/imports/begin',
    summary: 'Begins the import of a file, or says when its content was imported before.',
    body: beginImportSchema,
    answer: importTicketSchema,
    handle: ({ engine, body }) => engine.imports.begin(body),
  }),
  route({
    method: 'post',
    path: '/console/imports/progress',
    summary: 'Keeps how far an import came.',
    body: importProgressSchema,
    answer: ok,
    async handle({ engine, body }) {
      await engine.imports.progress(body.id, body.doneRequests);
      return { ok: true };
    },
  }),
  route({
    method: 'post',
    path: '/console/imports/end',
    summary: 'Ends an import with its result.',
    body: endImportSchema,
    answer: ok,
    async handle({ engine, body }) {
      await engine.imports.end(body.id, body.result);
      return { ok: true };
    },
  }),
];
