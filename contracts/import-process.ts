import type { ImportMeter, ImportResult, ImportTicket, TableMapping, TablePreview } from './import-files.ts';

/** What the importer process is asked and says; relayed by the supervisor as the calls of the local model are. */
export type ImportCall =
  | { readonly call: 'hash'; readonly id: string; readonly path: string }
  | {
      readonly call: 'preview';
      readonly id: string;
      readonly path: string;
      readonly format: string;
      readonly mapping: TableMapping | null;
    }
  | {
      readonly call: 'import';
      readonly id: string;
      readonly path: string;
      readonly name: string;
      readonly format: string;
      readonly mapping: TableMapping | null;
      readonly ticket: ImportTicket;
      readonly ingestUrl: string;
    }
  | { readonly call: 'control'; readonly id: string; readonly action: 'pause' | 'resume' | 'cancel' };
export type ImportNews =
  | { readonly news: 'hashed'; readonly id: string; readonly sha256: string }
  | { readonly news: 'preview'; readonly id: string; readonly preview: TablePreview }
  | { readonly news: 'progress'; readonly id: string; readonly meter: ImportMeter }
  | { readonly news: 'done'; readonly id: string; readonly result: ImportResult }
  | { readonly news: 'error'; readonly id: string; readonly call: ImportCall['call']; readonly message: string };
