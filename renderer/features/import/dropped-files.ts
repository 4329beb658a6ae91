import { zipFiles } from './zip-files.ts';

/** Most files taken out of one drop; the console keeps as many. */
const MAX_FILES = 200;

export interface Dropped {
  readonly files: readonly File[];
  /** What the browser could not read, each with why. */
  readonly unread: readonly { readonly name: string; readonly says: string }[];
  /** There were more than are taken at once. */
  readonly isCut: boolean;
}
/** Files of a drop; folders are walked in name order, hidden files left out, as by the command line. */
export async function droppedFiles(transfer: DataTransfer): Promise<Dropped> {
  // Read at once: after the first wait the transfer is empty.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.() ?? null);
  const plain = [...transfer.files];
  if (entries.every((entry) => entry === null || entry.isFile))
    return { files: plain.slice(0, MAX_FILES), unread: [], isCut: plain.length > MAX_FILES };
  const walk = new Walk();
  for (const entry of entries) if (entry) await walk.visit(entry);
  return walk;
}
class Walk implements Dropped {
  readonly files: File[] = [];
  readonly unread: { name: string; says: string }[] = [];
  isCut = false;

  async visit(entry: FileSystemEntry): Promise<void> {
    if (entry.name.startsWith('.') || this.isCut) return;
    try {
      if (entry.isFile) this.add(await fileOf(entry as FileSystemFileEntry));
      else await this.folder(entry.name, await entriesOf(entry as FileSystemDirectoryEntry));
    } catch (error) {
      this.unread.push({ name: entry.name, says: (error as Error).message });
    }
  }
  private async folder(name: string, inside: readonly FileSystemEntry[]): Promise<void> {
    const chunks = inside.find((each) => each.isDirectory && each.name === 'chunks');
    // A block of Prometheus' TSDB says something as a whole only.
    if (chunks && inside.some((each) => each.isFile && each.name === 'index'))
      this.add(await blockOf(name, inside, await entriesOf(chunks as FileSystemDirectoryEntry)));
    else for (const each of inside) await this.visit(each);
  }
  private add(file: File): void {
    if (this.files.length >= MAX_FILES) this.isCut = true;
    else this.files.push(file);
  }
}
const BLOCK_FILES: readonly string[] = ['index', 'meta.json', 'tombstones'];
async function blockOf(name: string, inside: readonly FileSystemEntry[], chunks: readonly FileSystemEntry[]): Promise<File> {
  const parts = [
    ...inside.filter((each) => each.isFile && BLOCK_FILES.includes(each.name)).map((entry) => ({ path: entry.name, entry })),
    ...chunks.filter((each) => each.isFile).map((entry) => ({ path: `chunks/${entry.name}`, entry })),
  ];
  const files = parts.map(async ({ path, entry }) => ({ name: `${name}/${path}`, file: await fileOf(entry as FileSystemFileEntry) }));
  return zipFiles(`${name}.zip`, await Promise.all(files));
}
const fileOf = (entry: FileSystemFileEntry): Promise<File> => new Promise((resolve, reject) => entry.file(resolve, reject));
async function entriesOf(folder: FileSystemDirectoryEntry): Promise<FileSystemEntry[]> {
  const reader = folder.createReader();
  const inside: FileSystemEntry[] = [];
  for (;;) {
    // A hundred at a time, until there are none.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
    if (some.length === 0) return inside.sort((a, b) => (a.name < b.name ? -1 : 1));
    inside.push(...some);
  }
}
