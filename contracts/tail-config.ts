import { z } from 'zod';
import { TAIL_FORMATS } from './tailing.ts';

/** One entry of `tail` in faultline.yaml. */
export const tailConfigSchema = z.strictObject({
  path: z.string().min(1).describe('file or glob: *, ?, [a-z], {a,b}, ** for any folders'),
  exclude: z
    .union([z.string(), z.array(z.string())])
    .optional()
    .describe('globs not to read'),
  format: z.enum(TAIL_FORMATS).optional().describe('auto (each line by its look), plain, json or logfmt'),
  multiline: z.string().min(1).optional().describe('off, indent (indented lines go on), or a pattern that begins a record'),
  multilineTimeout: z.string().optional().describe('how long a record waits for its next line: 1s'),
  service: z.string().optional().describe('service.name; default: the name of the file'),
  from: z.enum(['beginning', 'end']).optional().describe('where to begin in files that are there at the first start'),
  zone: z.enum(['local', 'utc']).optional().describe('of times that name no zone'),
});
export type TailConfig = z.infer<typeof tailConfigSchema>;
