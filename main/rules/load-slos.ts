import { readFileSync, statSync } from 'node:fs';
import type { SloFile } from '#query/slo/objective.ts';
import { type ReadOptions, readSlos, type SloSource } from '#query/slo/read-slos.ts';
import { parseYamlDocuments } from './parse-yaml.ts';

/** A file of objectives is some kilobytes; a large one is something else. */
export const MAX_SLO_FILE_BYTES = 4 * 1024 * 1024;

/** Files of objectives, read together; a file that cannot be read is one with a problem. */
export const loadSlos = (files: readonly string[], options: ReadOptions = {}): SloFile[] => readSlos(files.map(sourceOf), options);
function sourceOf(file: string): SloSource {
  const unread = (message: string): SloSource => ({ file, documents: [{ root: null, faults: [{ line: 1, column: 1, message }] }] });
  try {
    const { size } = statSync(file);
    if (size > MAX_SLO_FILE_BYTES) return unread(`is ${size} bytes, more than ${MAX_SLO_FILE_BYTES}: no file of objectives`);
    return { file, documents: parseYamlDocuments(readFileSync(file, 'utf8')) };
  } catch (error) {
    return unread(`cannot be read: ${(error as Error).message}`);
  }
}
