import type { Attributes, Dictionary, ResourceRow } from '#contracts/columns.ts';
import { attributeParts, attributesOf, eachField, identityOf } from './attribute-list.ts';
import { ByteIndex } from './byte-index.ts';
import type { Decoding } from './decoding.ts';

/** Whose telemetry the item at hand is. */
export interface Origin {
  resourceId: number;
  scopeId: number;
  service: string;
  /** `service` as a string cell of this batch's heap. */
  readonly serviceCell: Uint32Array;
}
/** Where a container (ResourceSpans, ScopeLogs ...) has its parts; start -1 = not there. */
export interface Head {
  start: number;
  end: number;
  schemaStart: number;
  schemaEnd: number;
}
/** What was noted while something was read for the first time; noted again each time it is recognised. */
export type Notes = ReadonlyMap<string, number> | null;

export const UNKNOWN_SERVICE = 'unknown_service';
const MAX_BYTES = 8 * 1024 * 1024;

/** Runs `read` and returns what it added to the notes. */
export function notesOf<T>(d: Decoding, read: () => T): { readonly value: T; readonly notes: Notes } {
  const before = new Map(d.noted);
  const value = read();
  const notes = new Map<string, number>();
  for (const [reason, count] of d.noted) if (count !== (before.get(reason) ?? 0)) notes.set(reason, count - (before.get(reason) ?? 0));
  return { value, notes: notes.size > 0 ? notes : null };
}
export function noteAgain(d: Decoding, notes: Notes): void {
  if (notes) for (const [reason, count] of notes) d.noted.set(reason, (d.noted.get(reason) ?? 0) + count);
}

interface Known {
  readonly id: number;
  readonly service: string;
  readonly notes: Notes;
}

/** Resources and scopes: recognised by their bytes, so that a known one costs a hash and a compare. */
export class OriginReader implements Origin {
  resourceId = 0;
  scopeId = 0;
  service = '';
  readonly serviceCell = new Uint32Array(4);
  private readonly schemas = new ByteIndex(MAX_BYTES);
  private readonly resources = new ByteIndex(MAX_BYTES);
  private readonly scopes = new ByteIndex(MAX_BYTES);
  private knownResources: Known[] = [];
  private knownScopes: Known[] = [];

  forgetIfFull(): void {
    if (!this.schemas.isFull && !this.resources.isFull && !this.scopes.isFull) return;
    for (const index of [this.schemas, this.resources, this.scopes]) index.clear();
    this.knownResources = [];
    this.knownScopes = [];
  }

  openResource(d: Decoding, dictionary: Dictionary, head: Head): void {
    const known = this.recognise(d, head, this.resources, this.knownResources, () => this.newResource(d, dictionary, head));
    this.resourceId = known.id;
    this.service = known.service;
    d.writeText(this.serviceCell, 0, known.service);
  }
  openScope(d: Decoding, dictionary: Dictionary, head: Head): void {
    this.scopeId = this.recognise(d, head, this.scopes, this.knownScopes, () => this.newScope(d, dictionary, head)).id;
  }

  private recognise(d: Decoding, head: Head, index: ByteIndex, known: Known[], read: () => Omit<Known, 'notes'>): Known {
    const start = Math.max(0, head.start);
    const length = Math.max(0, head.end - start);
    const schemaStart = Math.max(0, head.schemaStart);
    const schemaLength = Math.max(0, head.schemaEnd - schemaStart);
    let salt = this.schemas.find(d.view, schemaStart, schemaLength, 0);
    if (salt < 0) salt = this.schemas.add(d.bytes, d.view, schemaStart, schemaLength, 0);
    const entry = salt < 0 ? -1 : index.find(d.view, start, length, salt);
    if (entry >= 0) {
      const found = known[entry] as Known;
      noteAgain(d, found.notes);
      return found;
    }
    const { value, notes } = notesOf(d, read);
    const fresh = { ...value, notes };
    // Id 0: the dictionary is at its limit, which may be raised.
    const added = salt < 0 || fresh.id === 0 ? -1 : index.add(d.bytes, d.view, start, length, salt);
    if (added >= 0) known[added] = fresh;
    return fresh;
  }

  private newResource(d: Decoding, dictionary: Dictionary, head: Head): Omit<Known, 'notes'> {
    const attributes = attributesOf(d, head.start, head.end, 0x0a);
    let droppedAttributesCount = 0;
    const refs: string[] = [];
    eachField(d, head.start, head.end, (tag, from, to) => {
      if (tag === 0x10) droppedAttributesCount = d.lo;
      if (tag === 0x1a) refs.push(entityRefJson(d, from, to));
    });
    const entityRefs = refs.length > 0 ? `[${refs.join(',')}]` : '';
    const schemaUrl = textOf(d, head.schemaStart, head.schemaEnd);
    const row = resourceRow(attributes, droppedAttributesCount, schemaUrl, entityRefs);
    const key = identityOf(['resource', schemaUrl, entityRefs, String(droppedAttributesCount), ...attributeParts(attributes)]);
    return { id: dictionary.resource(key, () => row), service: row.service };
  }
  private newScope(d: Decoding, dictionary: Dictionary, head: Head): Omit<Known, 'notes'> {
    const attributes = attributesOf(d, head.start, head.end, 0x1a);
    const row = { name: '', version: '', droppedAttributesCount: 0, attributes, schemaUrl: textOf(d, head.schemaStart, head.schemaEnd) };
    eachField(d, head.start, head.end, (tag, from, to) => {
      if (tag === 0x0a) row.name = d.text(from, to);
      if (tag === 0x12) row.version = d.text(from, to);
      if (tag === 0x20) row.droppedAttributesCount = d.lo;
    });
    const { name, version, schemaUrl, droppedAttributesCount } = row;
    const key = identityOf(['scope', name, version, schemaUrl, String(droppedAttributesCount), ...attributeParts(attributes)]);
    return { id: dictionary.scope(key, () => row), service: '' };
  }
}

const textOf = (d: Decoding, start: number, end: number): string => (start < 0 ? '' : d.text(start, end));

function resourceRow(attributes: Attributes, droppedAttributesCount: number, schemaUrl: string, entityRefs: string): ResourceRow {
  const text = (key: string): string | null => attributes.values[attributes.keys.indexOf(key)] ?? null;
  return {
    service: text('service.name') || UNKNOWN_SERVICE,
    serviceNamespace: text('service.namespace'),
    serviceInstanceId: text('service.instance.id'),
    serviceVersion: text('service.version'),
    attributes,
    droppedAttributesCount,
    schemaUrl,
    entityRefs,
  };
}

function entityRefJson(d: Decoding, start: number, end: number): string {
  const ref = { schemaUrl: '', type: '', idKeys: [] as string[], descriptionKeys: [] as string[] };
  eachField(d, start, end, (tag, from, to) => {
    if (tag === 0x0a) ref.schemaUrl = d.text(from, to);
    if (tag === 0x12) ref.type = d.text(from, to);
    if (tag === 0x1a) ref.idKeys.push(d.text(from, to));
    if (tag === 0x22) ref.descriptionKeys.push(d.text(from, to));
  });
  return JSON.stringify(ref);
}
