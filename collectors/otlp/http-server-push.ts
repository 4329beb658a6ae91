import type { IncomingMessage } from 'node:http';
import { type ContentEncoding, parseContentEncoding } from '#collectors/pipeline/decompress.ts';
import { snappyHead } from '#collectors/pipeline/snappy.ts';
import type { OtlpKind } from '#protos/field-table.ts';
import type { OtlpRequest } from './receiver.ts';
import { Refusal } from './receiver-refusal.ts';

/** Other protocols' ways in on the HTTP port: what comes there becomes OTLP before the journal, under a source of its own. */
export interface PushPath {
  readonly source: 'zipkin' | 'loki' | 'journald';
  readonly kind: OtlpKind;
  /** How the protocol's own server says that it took everything in; without a body. */
  readonly accepted: 202 | 204;
  /** How the body is to be read, by its headers. @throws Refusal unsupported_content_type, unsupported_encoding, malformed */
  readingOf(request: IncomingMessage): PushReading;
}
export type PushReading = Required<Pick<OtlpRequest, 'encoding' | 'transcode'>> & Pick<OtlpRequest, 'plainBytes'>;

export function compressionOf({ headers }: IncomingMessage): ContentEncoding {
  const encoding = parseContentEncoding(headers['content-encoding']);
  if (encoding !== null) return encoding;
  throw new Refusal('unsupported_encoding', `The content encoding is "${headers['content-encoding']?.slice(0, 200)}"`);
}
const typeOf = ({ headers }: IncomingMessage): string => ((headers['content-type'] ?? '').split(';')[0] as string).trim().toLowerCase();
const wrongType = ({ headers }: IncomingMessage, todo: string): Refusal =>
  new Refusal('unsupported_content_type', `The content type is "${(headers['content-type'] ?? '').slice(0, 200)}"`, todo);

const ZIPKIN: PushPath = {
  source: 'zipkin',
  kind: 'traces',
  accepted: 202,
  readingOf: (request) => {
    const type = typeOf(request);
    const format = type === '' || type === 'application/json' ? 'json' : type === 'application/x-protobuf' ? 'protobuf' : null;
    if (format === null) throw wrongType(request, 'Zipkin v2 takes application/json and application/x-protobuf.');
    return {
      encoding: compressionOf(request),
      transcode: async (plain) => (await import('#collectors/zipkin/transcode.ts')).transcodeZipkin(plain, format),
    };
  },
};

/** As long as Loki lets a tenant's name be. */
const MAX_TENANT_CHARS = 150;
function tenantOf({ headers }: IncomingMessage): string {
  const tenant = String(headers['x-scope-orgid'] ?? '');
  if (tenant.length <= MAX_TENANT_CHARS) return tenant;
  throw new Refusal('malformed', `X-Scope-OrgID has ${tenant.length} characters`, `It may have ${MAX_TENANT_CHARS}.`);
}
const LOKI: PushPath = {
  source: 'loki',
  kind: 'logs',
  accepted: 204,
  readingOf: (request) => {
    const type = typeOf(request);
    const tenant = tenantOf(request);
    const transcoder = (format: 'json' | 'protobuf'): PushReading['transcode'] => {
      return async (plain, limits) => (await import('#collectors/loki/transcode.ts')).transcodeLoki(plain, { format, tenant }, limits);
    };
    if (type === 'application/json') return { encoding: compressionOf(request), transcode: transcoder('json') };
    if (type !== '' && type !== 'application/x-protobuf')
      throw wrongType(request, 'Loki push takes application/json, and application/x-protobuf in snappy.');
    // Its protobuf is one snappy block, whether the header says so or nothing.
    if (request.headers['content-encoding']?.trim().toLowerCase() !== 'snappy' && compressionOf(request) !== 'identity')
      throw new Refusal(
        'unsupported_encoding',
        `The content encoding is "${request.headers['content-encoding']}"`,
        'Loki push in protobuf takes snappy.',
      );
    return {
      encoding: 'identity',
      plainBytes: (body, { maxDecompressedBytes }) => snappyHead(body, maxDecompressedBytes).plainBytes,
      transcode: transcoder('protobuf'),
    };
  },
};
/** systemd-journal-upload, which appends /upload to its URL; takes 202 for an answer, as systemd-journal-remote gives it. */
const JOURNALD: PushPath = {
  source: 'journald',
  kind: 'logs',
  accepted: 202,
  readingOf: (request) => {
    if (typeOf(request) !== 'application/vnd.fdo.journal')
      throw wrongType(request, 'journald uploads come as application/vnd.fdo.journal (journalctl -o export).');
    return {
      encoding: compressionOf(request),
      transcode: async (plain) => (await import('#collectors/journald/transcode.ts')).transcodeJournal(plain),
    };
  },
};
export const PUSH_PATHS: Readonly<Record<string, PushPath>> = { '/api/v2/spans': ZIPKIN, '/loki/api/v1/push': LOKI, '/upload': JOURNALD };
