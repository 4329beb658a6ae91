import { z } from 'zod';

/**
 * What the console's own configuration adds to receivers of an alertmanager.yml, by their name. It stands apart from that file because
 * Alertmanager refuses keys it does not know, and the same file should go on working there.
 */
const additionSchema = z.strictObject({
  desktop: z.boolean().default(false).describe('a notification of this desktop, and in the open page'),
  sound: z.boolean().default(false).describe('a sound in the open page, where its preferences allow it'),
  syslog: z
    .string()
    .regex(/^(?:udp|tcp):\/\/[^/\s]+:\d{1,5}$/, 'udp://HOST:PORT or tcp://HOST:PORT is wanted')
    .optional()
    .describe('RFC 5424, a line per alert'),
});
export const receiverAdditionsSchema = z.record(z.string().min(1).max(200), additionSchema);
export type ReceiverAdditions = z.infer<typeof receiverAdditionsSchema>;
