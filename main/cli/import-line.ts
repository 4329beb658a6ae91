import { bytesText } from '#contracts/figure-text.ts';
import type { ImportMeter } from '#contracts/import-files.ts';

const BAR = 24;
/** A line on a terminal that says how far an import is and how fast; on anything else nothing. */
export class ImportLine {
  private readonly out: NodeJS.WriteStream;
  private readonly name: string;
  private readonly startedMs = performance.now();
  private shown = false;

  constructor(out: NodeJS.WriteStream, name: string) {
    this.out = out;
    this.name = name;
  }
  show(meter: ImportMeter & { readonly totalBytes: number }): void {
    if (!this.out.isTTY) return;
    this.shown = true;
    this.out.write(`\r\x1b[K${progressText(this.name, meter, performance.now() - this.startedMs, this.out.columns ?? 80)}`);
  }
  clear(): void {
    if (this.shown) this.out.write('\r\x1b[K');
  }
}
export function progressText(
  name: string,
  { readBytes, totalBytes, items, refusedCount }: ImportMeter & { readonly totalBytes: number },
  elapsedMs: number,
  columns: number,
): string {
  const part = totalBytes > 0 ? Math.min(1, readBytes / totalBytes) : 1;
  const full = Math.round(part * BAR);
  const seconds = Math.max(0.001, elapsedMs / 1_000);
  const bad = refusedCount > 0 ? `, ${refusedCount} refused` : '';
  const text = `[${'#'.repeat(full)}${'.'.repeat(BAR - full)}] ${Math.floor(part * 100)} % ${bytesText(readBytes / seconds)}/s, ${items} items${bad}`;
  return `${text} ${name}`.slice(0, Math.max(text.length, columns - 1));
}
