import type { OtlpKind } from '#protos/field-table.ts';

/** The few messages the receivers answer with, written by hand: they are small, and the way in loads no generated code. */
const MAX_MESSAGE_CHARS = 1024;
const REJECTED_NAME: Readonly<Record<OtlpKind, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
  profiles: 'rejectedProfiles',
};

function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}
const int = (field: number, value: number): Buffer => (value === 0 ? Buffer.alloc(0) : Buffer.from([field << 3, ...varint(value)]));
function bytes(field: number, value: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([(field << 3) | 2, ...varint(value.length)]), value]);
}
const text = (field: number, value: string): Buffer => (value === '' ? Buffer.alloc(0) : bytes(field, Buffer.from(value)));
const clip = (message: string): string => (message.length > MAX_MESSAGE_CHARS ? `${message.slice(0, MAX_MESSAGE_CHARS)}…` : message);

/** google.rpc.Status { code = 1, message = 2 }; with a delay, google.rpc.RetryInfo among its details. */
export function encodeStatus(code: number, message: string, retrySeconds = 0): Buffer {
  const parts = [int(1, code), text(2, clip(message))];
  if (retrySeconds > 0) {
    const retryInfo = bytes(1, int(1, retrySeconds));
    parts.push(bytes(3, Buffer.concat([text(1, 'type.googleapis.com/google.rpc.RetryInfo'), bytes(2, retryInfo)])));
  }
  return Buffer.concat(parts);
}
export const statusJson = (code: number, message: string): string => JSON.stringify({ code, message: clip(message) });

/**
 * Export*ServiceResponse. The partial_success field stays unset on full success, as the specification demands; it is the
 * same shape for all signals: rejected count = 1, error_message = 2.
 */
export function encodeExportResponse(rejected: number, message: string): Buffer {
  if (rejected === 0 && message === '') return Buffer.alloc(0);
  return bytes(1, Buffer.concat([int(1, rejected), text(2, clip(message))]));
}
/** ProtoJSON writes 64-bit numbers as strings. */
export function exportResponseJson(kind: OtlpKind, rejected: number, message: string): string {
  if (rejected === 0 && message === '') return '{}';
  return JSON.stringify({ partialSuccess: { [REJECTED_NAME[kind]]: String(rejected), errorMessage: clip(message) } });
}
