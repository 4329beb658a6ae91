import { z } from 'zod';
import {
  beginImportSchema,
  endImportSchema,
  fileJobSchema,
  fileJobsSchema,
  importProgressSchema,
  importTicketSchema,
  startJobSchema,
  tableMappingSchema,
  tablePreviewSchema,
} from '#contracts/import-files.ts';
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
  route({
    method: 'get',
    path: '/console/uploads',
    summary: 'Files pages sent, and what became of them.',
    answer: fileJobsSchema,
    handle: async ({ engine }) => ({ jobs: engine.desk.list() }),
  }),
  route({
    method: 'post',
    path: '/console/uploads',
    summary: 'Announces a file that comes in pieces.',
    body: z.object({ name: z.string().min(1).max(1_000), bytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER) }),
    answer: fileJobSchema,
    handle: ({ engine, body }) => engine.desk.create(body.name, body.bytes),
  }),
  route({
    method: 'post',
    path: '/console/uploads/:id/part',
    summary: 'The next piece of a file: the body is its bytes.',
    query: z.object({ offset: z.coerce.number().int().min(0) }),
    answer: fileJobSchema,
    handle: async ({ engine, query, params, context }) =>
      engine.desk.part(params['id'] ?? '', query.offset, new Uint8Array(await context.req.arrayBuffer())),
  }),
  route({
    method: 'post',
    path: '/console/uploads/:id/preview',
    summary: 'Columns of a table, its first rows, and what they would be read as.',
    body: z.object({ format: z.string().max(40), mapping: tableMappingSchema.nullish() }),
    answer: tablePreviewSchema,
    handle: async ({ engine, body, params }) => engine.desk.preview(params['id'] ?? '', body.format, body.mapping ?? null),
  }),
  route({
    method: 'post',
    path: '/console/uploads/:id/start',
    summary: 'Imports a file that is here as a whole.',
    body: startJobSchema,
    answer: fileJobSchema,
    handle: async ({ engine, body, params }) => engine.desk.start(params['id'] ?? '', body),
  }),
  route({
    method: 'post',
    path: '/console/uploads/:id/control',
    summary: 'Pauses, resumes or cancels.',
    body: z.object({ action: z.enum(['pause', 'resume', 'cancel']) }),
    answer: fileJobSchema,
    handle: async ({ engine, body, params }) => engine.desk.control(params['id'] ?? '', body.action),
  }),
];
