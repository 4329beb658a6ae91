import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

/** What a running instance tells other commands: addresses and token. Mode 0600: the token opens the console. */
export const runtimeSchema = z.object({
  version: z.string(),
  pid: z.number().int(),
  startedUnixMs: z.number(),
  api: z.string(),
  ingest: z.string(),
  otlpGrpc: z.string(),
  listeners: z.record(z.string(), z.string()).optional(),
  token: z.string(),
});
export type Runtime = z.infer<typeof runtimeSchema>;

export const runtimeFile = (dataDir: string): string => join(dataDir, 'runtime.json');

export function writeRuntime(dataDir: string, runtime: Runtime): void {
  const file = runtimeFile(dataDir);
  const fresh = `${file}.${process.pid}`;
  // A reader must never see half a file, nor a moment of it with a wider mode.
  writeFileSync(fresh, `${JSON.stringify(runtime, null, 2)}\n`, { mode: 0o600 });
  renameSync(fresh, file);
}
/** Removes the file if it is still this process's. */
export function removeRuntime(dataDir: string, pid: number): void {
  if (readRuntime(dataDir)?.pid === pid) rmSync(runtimeFile(dataDir), { force: true });
}
/** null when there is none, or it cannot be understood. It may be left over by a killed instance. */
export function readRuntime(dataDir: string): Runtime | null {
  try {
    return runtimeSchema.parse(JSON.parse(readFileSync(runtimeFile(dataDir), 'utf8')));
  } catch {
    return null;
  }
}
