import { parseJsonText } from '#collectors/otlp/json-text.ts';
import { OtlpError } from '#collectors/otlp/otlp-error.ts';
import { FILE_LIMITS } from '#contracts/file-formats.ts';
import type { Bytes, RefusedRecord } from './file-record.ts';
import { BrokenJson, DOCUMENTS, JsonCutter, readJsonElements } from './read-json-elements.ts';

export interface ParsedElement {
  readonly array: string;
  readonly index: number;
  readonly offset: number;
  readonly value: unknown;
  /** Its text; lent until the next one is asked for. */
  readonly bytes: Uint8Array;
}
/**
 * Elements of the first of the arrays that is there, parsed; those that are no JSON are refused in their places, and so is what follows
 * where the text as a whole breaks.
 */
export async function* readElements(content: Bytes, arrays: readonly string[]): AsyncGenerator<ParsedElement | RefusedRecord> {
  const cutter = new JsonCutter(arrays);
  try {
    for await (const block of readJsonElements(content, cutter)) {
      for (const { array, index, offset, bytes } of block) {
        const where = array === '' ? `element ${index}` : array === DOCUMENTS ? `document ${index}` : `element ${index} of "${array}"`;
        if (bytes === null) {
          yield { line: null, offset, reason: 'body_too_large', message: `${where} is larger than ${FILE_LIMITS.recordBytes} bytes` };
          continue;
        }
        let value: unknown;
        try {
          value = parseJsonText(bytes);
        } catch (error) {
          if (!(error instanceof OtlpError)) throw error;
          yield { line: null, offset, reason: error.reason, message: `${where}: ${error.message}` };
          continue;
        }
        yield { array, index, offset, value, bytes };
      }
    }
  } catch (error) {
    if (!(error instanceof BrokenJson)) throw error;
    yield { line: null, offset: error.offset, reason: 'malformed', message: error.message };
    return;
  }
  if (cutter.met.size === 0 && !arrays.includes(DOCUMENTS)) {
    const wanted = arrays.map((path) => (path === '' ? 'the outermost value' : `"${path}"`)).join(' or ');
    yield { line: null, offset: 0, reason: 'malformed', message: `there is no array: ${wanted} should be one` };
  }
}
