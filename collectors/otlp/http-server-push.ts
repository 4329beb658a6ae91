import type { IncomingMessage } from 'node:http';
import type { OtlpKind } from '#protos/field-table.ts';
import type { Transcode } from './receiver.ts';
import { Refusal } from './receiver-refusal.ts';

/** Other protocols' ways in on the HTTP port: what comes there becomes OTLP before the journal, under a source of its own. */
export interface PushPath {
  readonly source: 'zipkin';
  readonly kind: OtlpKind;
  /** How the protocol's own server says that it took everything in; without a body. */
  readonly accepted: 202;
  /** @throws Refusal unsupported_content_type */
  transcodeOf(request: IncomingMessage): Transcode;
}

const typeOf = ({ headers }: IncomingMessage): string => ((headers['content-type'] ?? '').split(';')[0] as string).trim().toLowerCase();
const wrongType = ({ headers }: IncomingMessage, todo: string): Refusal =>
  new Refusal('unsupported_content_type', `The content type is "${(headers['content-type'] ?? '').slice(0, 200)}"`, todo);

const ZIPKIN: PushPath = {
  source: 'zipkin',
  kind: 'traces',
  accepted: 202,
  transcodeOf: (request) => {
    const type = typeOf(request);
    const format = type === '' || type === 'application/json' ? 'json' : type === 'application/x-protobuf' ? 'protobuf' : null;
    if (format === null) throw wrongType(request, 'Zipkin v2 takes application/json and application/x-protobuf.');
    return async (plain) => (await import('#collectors/zipkin/transcode.ts')).transcodeZipkin(plain, format);
  },
};
export const PUSH_PATHS: Readonly<Record<string, PushPath>> = { '/api/v2/spans': ZIPKIN };
