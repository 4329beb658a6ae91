import { z } from 'zod';
import { VOLUME_BY, type VolumeAnswer, type VolumeTable, volumeAnswerSchema, volumeTableSchema } from '#contracts/volume.ts';
import { readVolume, readVolumeTable } from '#store/read/read-volume.ts';
import { type Call, QUERY_TIMEOUT_MS, type Route, route } from './route.ts';
import { IN_ORDER, inOrder, optionalText, timeRange } from './time-range.ts';

const rowsQuery = timeRange
  .extend({ by: z.enum(VOLUME_BY), metric: optionalText, label: optionalText, service: optionalText })
  .refine(inOrder, IN_ORDER)
  .refine(({ by, label }) => by !== 'value' || label !== undefined, { error: 'is needed with by=value', path: ['label'] });
const windowOf = ({ start, end }: { readonly start: number; readonly end: number }) => ({ startMs: start, endMs: end });
const optionsOf = (call: Pick<Call, 'signal'>) => ({ timeoutMs: QUERY_TIMEOUT_MS, signal: call.signal });

export const volumeRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/volume',
    summary: 'Who fills the disk: bytes of each file by table, rows and bytes of a window by signal, series that came and went.',
    query: timeRange.refine(inOrder, IN_ORDER),
    answer: volumeAnswerSchema,
    async handle(call): Promise<VolumeAnswer> {
      const { engine, query } = call;
      const [volume, facts] = await Promise.all([readVolume(engine.store, windowOf(query), optionsOf(call)), engine.freshFacts()]);
      const { limits, maxSizeBytes } = engine.settings;
      return {
        ...volume,
        ...query,
        series: { ...volume.series, known: facts.series, limit: limits.maxSeries },
        disk: { ...facts.disk },
        storeBytes: facts.bytes,
        maxSizeBytes,
      };
    },
  }),
  route({
    method: 'get',
    path: '/console/volume/rows',
    summary: 'One breakdown of a window by rows and bytes, largest first: metrics, their labels and values, services, spans, log patterns.',
    query: rowsQuery,
    answer: volumeTableSchema,
    handle(call): Promise<VolumeTable> {
      const { by, metric, label, service } = call.query;
      return readVolumeTable(call.engine.store, windowOf(call.query), by, { metric, label, service }, optionsOf(call));
    },
  }),
];
