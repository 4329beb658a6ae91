import { FILE_LIMITS } from '#contracts/file-formats.ts';
import { ByteWindow } from './byte-window.ts';
import type { Bytes } from './file-record.ts';

/** An element of one of the arrays asked for. */
export interface JsonElement {
  /** Which array, as asked for. */
  readonly array: string;
  /** 0-based in its array. */
  readonly index: number;
  readonly offset: number;
  /** Its text; lent until the next block. null: larger than a record may be. */
  readonly bytes: Buffer | null;
}
/** The text is no JSON, or ends too early; what came before it has been given. */
export class BrokenJson extends Error {
  readonly offset: number;
  constructor(offset: number, message: string) {
    super(message);
    this.offset = offset;
  }
}
const MAX_DEPTH = 512;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const COMMA = 0x2c;
const COLON = 0x3a;
const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
/** Instead of arrays: each document of the text as it is. */
export const DOCUMENTS = '$';
/** Keys are read this deep: no array asked for lies deeper. */
const KEY_DEPTH = 5;

/**
 * Cuts a JSON text of any length into elements of the arrays asked for ("" = the outermost array, "data.result" = that member of the
 * outermost object), without reading it as a whole. Each element is parsed by itself: here only brackets and texts are looked at.
 * Several documents in a row are read one after the other.
 */
export class JsonCutter {
  private readonly window = new ByteWindow();
  private readonly arrays: ReadonlySet<string>;
  private readonly maxBytes: number;
  /** Bytes of the window already looked at. */
  private at = 0;
  /** '{' or '[' of what is open, outermost first. */
  private readonly open: number[] = [];
  private readonly keys: string[] = [];
  private inText = false;
  /** The next byte of the text belongs to a backslash, maybe of the chunk before. */
  private escaped = false;
  /** Beginning in the window of the text that may be a key; -1 = none. */
  private textAt = -1;
  private atKey = false;
  /** The array whose elements are being cut; its depth. */
  private array: string | null = null;
  private arrayDepth = 0;
  private index = 0;
  /** Beginning in the window of the element at hand; -1 = between two. */
  private elementAt = -1;
  private elementOffset = 0;
  private skipping = false;
  /** Arrays met, whether they had elements or not. */
  readonly met = new Set<string>();

  constructor(arrays: readonly string[], maxBytes: number = FILE_LIMITS.recordBytes) {
    this.arrays = new Set(arrays);
    if (this.arrays.has(DOCUMENTS)) this.array = DOCUMENTS;
    this.maxBytes = maxBytes;
  }

  /** @throws BrokenJson */
  *push(chunk: Uint8Array): Generator<JsonElement> {
    this.window.append(chunk);
    const view = this.window.view();
    while (this.at < view.length) {
      if (this.inText) {
        this.skipText(view);
        continue;
      }
      const element = this.step(view, view[this.at] as number);
      if (element) yield element;
    }
    this.forget();
  }
  /** @throws BrokenJson when something is still open */
  end(): void {
    if (this.open.length === 0 && !this.inText) return;
    const where = this.elementAt >= 0 || this.skipping ? `; element ${this.index} of "${this.array}" is not whole` : '';
    throw new BrokenJson(this.elementAt >= 0 ? this.elementOffset : this.window.offset + this.at, `the JSON text is cut off${where}`);
  }

  private skipText(view: Buffer): void {
    for (let at = this.at; at < view.length; at++) {
      const byte = view[at];
      if (this.escaped) this.escaped = false;
      else if (byte === BACKSLASH) this.escaped = true;
      else if (byte === QUOTE) {
        this.inText = false;
        this.at = at + 1;
        if (this.textAt >= 0) this.keys[this.open.length - 1] = view.toString('utf8', this.textAt, at);
        this.textAt = -1;
        return;
      }
    }
    this.at = view.length;
  }
  private step(view: Buffer, byte: number): JsonElement | null {
    const depth = this.open.length;
    const between = this.array !== null && depth === this.arrayDepth;
    if (between && this.elementAt < 0 && !this.skipping && !isSpace(byte) && byte !== COMMA && byte !== CLOSE_ARRAY) {
      this.elementAt = this.at;
      this.elementOffset = this.window.offset + this.at;
    }
    this.at++;
    switch (byte) {
      case QUOTE:
        this.inText = true;
        if (this.atKey && this.array === null && depth <= KEY_DEPTH) this.textAt = this.at;
        return null;
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        this.enter(byte);
        return null;
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        return this.leave(view, byte, between);
      case COMMA:
        this.atKey = this.open[depth - 1] === OPEN_OBJECT;
        return between ? this.cut(view) : null;
      case COLON:
        this.atKey = false;
        return null;
      default:
        return null;
    }
  }
  private enter(byte: number): void {
    if (this.open.length >= MAX_DEPTH) throw new BrokenJson(this.window.offset + this.at, `it is nested deeper than ${MAX_DEPTH}`);
    if (this.array === null && byte === OPEN_ARRAY && this.open.length <= KEY_DEPTH && this.open.every((each) => each === OPEN_OBJECT)) {
      const path = this.keys.slice(0, this.open.length).join('.');
      if (this.arrays.has(path)) {
        this.array = path;
        this.arrayDepth = this.open.length + 1;
        this.index = 0;
        this.met.add(path);
      }
    }
    this.open.push(byte);
    this.atKey = byte === OPEN_OBJECT;
  }
  private leave(view: Buffer, byte: number, between: boolean): JsonElement | null {
    const opened = this.open.pop();
    if (opened !== (byte === CLOSE_OBJECT ? OPEN_OBJECT : OPEN_ARRAY))
      throw new BrokenJson(this.window.offset + this.at - 1, `"${String.fromCharCode(byte)}" closes nothing that is open`);
    this.atKey = false;
    if (this.array === DOCUMENTS && this.open.length === 0) return this.cut(view, this.at);
    if (!between) return null;
    const element = this.cut(view);
    this.array = null;
    return element;
  }
  private cut(view: Buffer, end = this.at - 1): JsonElement | null {
    const { array, elementAt } = this;
    if (this.skipping) {
      this.skipping = false;
      return { array: array as string, index: this.index++, offset: this.elementOffset, bytes: null };
    }
    if (elementAt < 0) return null;
    this.elementAt = -1;
    return { array: array as string, index: this.index++, offset: this.elementOffset, bytes: view.subarray(elementAt, end) };
  }
  /** Lets go of what no element or key needs any more. */
  private forget(): void {
    if (this.elementAt >= 0 && this.at - this.elementAt > this.maxBytes) {
      this.elementAt = -1;
      this.skipping = true;
    }
    // A key is short; a text that long is none of those looked for.
    if (this.textAt >= 0 && this.at - this.textAt > 64 * 1024) this.textAt = -1;
    const needed = this.elementAt >= 0 ? this.elementAt : this.textAt >= 0 ? this.textAt : this.at;
    this.window.drop(needed);
    this.at -= needed;
    if (this.elementAt >= 0) this.elementAt -= needed;
    if (this.textAt >= 0) this.textAt -= needed;
  }
}

/** Elements in blocks, one for each chunk read. @throws BrokenJson */
export async function* readJsonElements(content: Bytes, cutter: JsonCutter): AsyncGenerator<JsonElement[]> {
  for await (const chunk of content) {
    const block: JsonElement[] = [];
    let broken: unknown = null;
    try {
      for (const element of cutter.push(chunk)) block.push(element);
    } catch (error) {
      broken = error;
    }
    if (block.length > 0) yield block;
    if (broken) throw broken;
  }
  cutter.end();
}
