import { ALIGNMENT, MAGIC, VALUE } from './gguf-format.ts';

export type GgufEntry =
  | { readonly key: string; readonly type: 'string'; readonly value: string }
  | { readonly key: string; readonly type: 'uint32' | 'float32'; readonly value: number }
  | { readonly key: string; readonly type: 'bool'; readonly value: boolean }
  | { readonly key: string; readonly type: 'strings'; readonly value: readonly string[] }
  | { readonly key: string; readonly type: 'int32s'; readonly value: readonly number[] };
export interface GgufTensor {
  readonly name: string;
  /** Fastest dimension first, as in the file. */
  readonly dims: readonly number[];
  readonly values: Float32Array;
}

class Bytes {
  private readonly parts: Uint8Array[] = [];
  length = 0;
  raw(part: Uint8Array): void {
    this.parts.push(part);
    this.length += part.length;
  }
  private number(size: number, set: (view: DataView) => void): void {
    const part = new Uint8Array(size);
    set(new DataView(part.buffer));
    this.raw(part);
  }
  uint8(value: number): void {
    this.number(1, (view) => view.setUint8(0, value));
  }
  uint32(value: number): void {
    this.number(4, (view) => view.setUint32(0, value, true));
  }
  int32(value: number): void {
    this.number(4, (view) => view.setInt32(0, value, true));
  }
  float32(value: number): void {
    this.number(4, (view) => view.setFloat32(0, value, true));
  }
  uint64(value: number): void {
    this.number(8, (view) => view.setBigUint64(0, BigInt(value), true));
  }
  string(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.uint64(bytes.length);
    this.raw(bytes);
  }
  pad(): void {
    this.raw(new Uint8Array((ALIGNMENT - (this.length % ALIGNMENT)) % ALIGNMENT));
  }
  done(): Uint8Array {
    const all = new Uint8Array(this.length);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function writeEntry(out: Bytes, entry: GgufEntry): void {
  out.string(entry.key);
  switch (entry.type) {
    case 'string':
      out.uint32(VALUE.string);
      out.string(entry.value);
      break;
    case 'uint32':
      out.uint32(VALUE.uint32);
      out.uint32(entry.value);
      break;
    case 'float32':
      out.uint32(VALUE.float32);
      out.float32(entry.value);
      break;
    case 'bool':
      out.uint32(VALUE.bool);
      out.uint8(entry.value ? 1 : 0);
      break;
    case 'strings':
      out.uint32(VALUE.array);
      out.uint32(VALUE.string);
      out.uint64(entry.value.length);
      for (const text of entry.value) out.string(text);
      break;
    case 'int32s':
      out.uint32(VALUE.array);
      out.uint32(VALUE.int32);
      out.uint64(entry.value.length);
      for (const value of entry.value) out.int32(value);
      break;
  }
}

/** A GGUF file (version 3, little-endian, F32 tensors): for the demo model and for tests. Same input, same bytes. */
export function writeGguf(entries: readonly GgufEntry[], tensors: readonly GgufTensor[]): Uint8Array {
  const out = new Bytes();
  out.uint32(MAGIC);
  out.uint32(3);
  out.uint64(tensors.length);
  out.uint64(entries.length);
  for (const entry of entries) writeEntry(out, entry);
  let offset = 0;
  for (const { name, dims, values } of tensors) {
    out.string(name);
    out.uint32(dims.length);
    for (const dim of dims) out.uint64(dim);
    out.uint32(0);
    out.uint64(offset);
    offset += Math.ceil((values.length * 4) / ALIGNMENT) * ALIGNMENT;
  }
  out.pad();
  for (const { values } of tensors) {
    const bytes = new Uint8Array(values.length * 4);
    const view = new DataView(bytes.buffer);
    for (const [i, value] of values.entries()) view.setFloat32(i * 4, value, true);
    out.raw(bytes);
    out.pad();
  }
  return out.done();
}
