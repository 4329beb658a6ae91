import { parseJsonText } from '#collectors/otlp/json-text.ts';
import { objectOf } from '#collectors/otlp/json-values.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import type { Bytes, RefusedRecord } from './file-record.ts';
import { readElements } from './read-elements.ts';
import { DOCUMENTS } from './read-json-elements.ts';
import { readLines, tooLongLine } from './read-lines.ts';
import { withHead } from './with-head.ts';

export interface ReadObject {
  /** 1-based line, or number of the object in its array. */
  readonly line: number;
  readonly offset: number;
  readonly fields: Readonly<Record<string, unknown>>;
}
/** Objects: one a line, in an array, or laid out over several lines one after the other. A bad one takes no other with it. */
export async function* readObjects(all: Bytes): AsyncGenerator<ReadObject | RefusedRecord> {
  const { head, content } = await withHead(all);
  const text = new TextDecoder().decode(head).trimStart();
  const firstLine = text.split('\n', 1)[0] as string;
  if (text.startsWith('[')) yield* fromArray(content, '');
  else if (firstLine.trim().length > 1) yield* fromLines(content);
  else yield* fromArray(content, DOCUMENTS);
}
async function* fromArray(content: Bytes, array: string): AsyncGenerator<ReadObject | RefusedRecord> {
  for await (const element of readElements(content, [array])) {
    if ('reason' in element) {
      yield element;
      continue;
    }
    const { value, index, offset } = element;
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      yield { line: null, offset, reason: 'malformed', message: `element ${index} is no object` };
    else yield { line: index + 1, offset, fields: value as Record<string, unknown> };
  }
}
async function* fromLines(content: Bytes): AsyncGenerator<ReadObject | RefusedRecord> {
  for await (const lines of readLines(content)) {
    for (const line of lines) {
      if (line.bytes === null) {
        yield tooLongLine(line);
        continue;
      }
      if (line.bytes.length < 8 && line.bytes.toString('latin1').trim() === '') continue;
      let read: ReadObject | RefusedRecord;
      try {
        read = { line: line.number, offset: line.offset, fields: objectOf('the line', parseJsonText(line.bytes)) };
      } catch (error) {
        if (!(error instanceof OtlpError)) throw error;
        read = { line: line.number, offset: line.offset, reason: error.reason, message: error.message };
      }
      yield read;
    }
  }
}
