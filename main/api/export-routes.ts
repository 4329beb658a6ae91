import { z } from 'zod';
import { exportRequestSchema, exportStatusSchema, manifestSchema } from '#contracts/parquet-export.ts';
import { type Route, route } from './route.ts';

export const exportRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/export/parquet',
    summary: 'The Parquet export that runs, or how the last one ended.',
    answer: exportStatusSchema,
    handle: async (call) => call.engine.exports.status,
  }),
  route({
    method: 'post',
    path: '/console/export/parquet',
    summary: 'Starts a Parquet export into a folder of this machine; one at a time.',
    body: exportRequestSchema.optional(),
    answer: exportStatusSchema,
    handle: async (call) => call.engine.exports.start(call.body ?? exportRequestSchema.parse({})),
  }),
  route({
    method: 'delete',
    path: '/console/export/parquet',
    summary: 'Cancels it; the same request goes on with what is finished.',
    answer: exportStatusSchema,
    handle: (call) => call.engine.exports.cancel(),
  }),
  route({
    method: 'get',
    path: '/console/export/parquet/manifest',
    summary: 'Counts, sums and SHA-256 of the last finished export.',
    answer: z.object({ manifest: manifestSchema.nullable() }),
    handle: async (call) => ({ manifest: call.engine.exports.manifest }),
  }),
];
