import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';
import { FaultlineError } from '#contracts/errors.ts';
import type { AbortLike, InspectedModel } from '#contracts/llm.ts';
import { checkGguf, type GgufFacts } from '../gguf/check-gguf.ts';
import { GgufError, readGguf } from '../gguf/read-gguf.ts';

/** Larger files are refused: no machine this console is made for can hold them. */
export const MAX_MODEL_BYTES = 256 * 1024 ** 3;
/** Tokens of context we ask for: a question is at most 1,500 tokens and its answer a few hundred. */
export const MAX_CONTEXT = 4_096;
const HASH_CHUNK_BYTES = 4 * 1024 * 1024;

/** Measured with 4-bit files (facts/llm.md §2): mapped pages and the CPU's repacked copy are 1.8 times the file. */
const FILE_FACTOR = 1.8;
/** Node, llama.cpp and its work buffers with the smallest model. */
const PROCESS_BYTES = 200e6;

const unusable = (path: string, says: string, cause?: unknown): FaultlineError =>
  new FaultlineError('model_file', `${basename(path)}: ${says}.`, cause === undefined ? undefined : { cause });

/** Memory the model will take while it answers, bytes: an estimate from its header. */
export function neededBytes(fileBytes: number, facts: Pick<GgufFacts, 'contextLength' | 'attentionBytesPerToken'>): number {
  return Math.round(fileBytes * FILE_FACTOR + facts.attentionBytesPerToken * Math.min(facts.contextLength, MAX_CONTEXT) + PROCESS_BYTES);
}

/** Opens the file and judges its header; cheap, also right before a load. @throws FaultlineError model_file */
export function checkModelFile(path: string): { readonly bytes: number; readonly modifiedMs: number; readonly facts: GgufFacts } {
  let file: number | null = null;
  try {
    // A pipe that nobody writes to would hold the process in open() for ever. Windows knows neither.
    file = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stats = fstatSync(file);
    if (!stats.isFile()) throw unusable(path, 'it is not a file');
    if (stats.size > MAX_MODEL_BYTES) throw unusable(path, `it has ${stats.size} bytes, the limit is ${MAX_MODEL_BYTES}`);
    const handle = file;
    const header = readGguf((offset, length) => {
      const buffer = new Uint8Array(length);
      return buffer.subarray(0, readSync(handle, buffer, 0, length, offset));
    }, stats.size);
    return { bytes: stats.size, modifiedMs: Math.trunc(stats.mtimeMs), facts: checkGguf(header, stats.size) };
  } catch (error) {
    if (error instanceof FaultlineError) throw error;
    if (error instanceof GgufError) throw unusable(path, error.message);
    throw unusable(path, describeSystem(error as NodeJS.ErrnoException), error);
  } finally {
    if (file !== null) closeSync(file);
  }
}
function describeSystem(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file';
  if (error.code === 'EACCES' || error.code === 'EPERM') return 'this user may not read it';
  if (error.code === 'EISDIR') return 'it is a folder';
  return error.message;
}

/** Whole check before a file is accepted: header, then SHA-256 of all bytes. @throws FaultlineError model_file, model_cancelled */
export async function inspectModelFile(
  path: string,
  options: { readonly signal?: AbortLike; readonly onProgress?: (doneBytes: number, totalBytes: number) => void } = {},
): Promise<InspectedModel> {
  const { bytes, modifiedMs, facts } = checkModelFile(path);
  let file: FileHandle | null = null;
  try {
    file = await open(path, 'r');
    const sha256 = await hashOf(file, bytes, options);
    if (sha256 === null) throw unusable(path, 'it changed while it was read');
    return {
      file: {
        name: facts.name || basename(path).replace(/\.gguf$/i, ''),
        sha256,
        bytes,
        demo: facts.demo,
        contextTokens: Math.min(facts.contextLength, MAX_CONTEXT),
        architecture: facts.architecture,
      },
      modifiedMs,
      neededBytes: neededBytes(bytes, facts),
    };
  } catch (error) {
    if (error instanceof FaultlineError) throw error;
    throw unusable(path, describeSystem(error as NodeJS.ErrnoException), error);
  } finally {
    await file?.close();
  }
}
async function hashOf(
  file: FileHandle,
  bytes: number,
  { signal, onProgress }: { readonly signal?: AbortLike; readonly onProgress?: (doneBytes: number, totalBytes: number) => void },
): Promise<string | null> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(HASH_CHUNK_BYTES);
  let done = 0;
  for (;;) {
    if (signal?.aborted) throw new FaultlineError('model_cancelled', 'The check of the model file was cancelled.');
    const { bytesRead } = await file.read(buffer, 0, buffer.length, done);
    if (bytesRead === 0) break;
    hash.update(buffer.subarray(0, bytesRead));
    done += bytesRead;
    onProgress?.(done, bytes);
  }
  return done === bytes ? hash.digest('hex') : null;
}
