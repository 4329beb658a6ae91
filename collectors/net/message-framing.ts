/**
 * Messages in a stream: lines, and for syslog octet counting too (RFC 6587), told apart frame by frame as rsyslog does; RFC 5425 is the
 * latter in TLS.
 */
export interface FramingListener {
  /** The bytes are the listener's own. */
  message(bytes: Buffer): void;
  /** A frame over the limit: its bytes are passed over. */
  tooLarge(bytes: number): void;
}
const LF = 0x0a;
const SPACE = 0x20;
const ZERO = 0x30;
const NINE = 0x39;
/** More digits than any message needs: then it is a line that begins with a number. */
const MAX_DIGITS = 9;
const FIRST_BYTES = 512;

/** between frames; in a count; in a counted frame; in a line; passing over one of the two. */
type State = 'between' | 'count' | 'counted' | 'line' | 'passCounted' | 'passLine';

export class MessageFraming {
  private readonly maxBytes: number;
  private readonly listener: FramingListener;
  private readonly counts: boolean;
  private state: State = 'between';
  /** Bytes of a counted frame still to come. */
  private left = 0;
  private held: Buffer = Buffer.alloc(0);
  private heldLength = 0;

  /** @param maxBytes of one message @param counts octet counting is looked for */
  constructor(maxBytes: number, listener: FramingListener, counts = true) {
    this.maxBytes = maxBytes;
    this.counts = counts;
    this.listener = listener;
  }
  /** In the middle of a message. */
  get isInside(): boolean {
    return this.state !== 'between';
  }
  /** Memory of the message that is not whole. */
  get heldBytes(): number {
    return this.held.length;
  }

  feed(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) at = this.step(chunk, at);
  }
  /** The stream ended: a last line needs no line feed, half a counted frame is none. @returns bytes that are lost */
  end(): number {
    const lost = this.state === 'counted' || this.state === 'count' ? this.heldLength + this.left : 0;
    if (this.state === 'line') this.emitLine();
    this.clear();
    return lost;
  }
  /** Forgets what is not whole. */
  discard(): void {
    this.clear();
  }

  private step(chunk: Buffer, at: number): number {
    const byte = chunk[at] as number;
    switch (this.state) {
      case 'between':
        // Line ends, the NUL some senders end with, and blanks.
        if (byte <= SPACE) return at + 1;
        this.state = this.counts && byte > ZERO && byte <= NINE ? 'count' : 'line';
        return at;
      case 'count':
        return this.readCount(chunk, at, byte);
      case 'counted': {
        const end = Math.min(chunk.length, at + this.left);
        this.keep(chunk.subarray(at, end));
        this.left -= end - at;
        if (this.left === 0) this.emit(this.heldLength);
        return end;
      }
      case 'passCounted': {
        const end = Math.min(chunk.length, at + this.left);
        this.left -= end - at;
        if (this.left === 0) this.clear();
        return end;
      }
      case 'passLine': {
        const end = chunk.indexOf(LF, at);
        if (end >= 0) this.clear();
        return end < 0 ? chunk.length : end + 1;
      }
      case 'line':
        return this.readLine(chunk, at);
    }
  }
  private readCount(chunk: Buffer, at: number, byte: number): number {
    if (byte >= ZERO && byte <= NINE && this.heldLength < MAX_DIGITS) {
      this.keep(chunk.subarray(at, at + 1));
      this.left = this.left * 10 + (byte - ZERO);
      return at + 1;
    }
    if (byte !== SPACE) {
      // A line that begins with a number.
      this.left = 0;
      this.state = 'line';
      return at;
    }
    this.heldLength = 0;
    this.state = this.left > this.maxBytes ? 'passCounted' : 'counted';
    if (this.state === 'passCounted') this.listener.tooLarge(this.left);
    return at + 1;
  }
  private readLine(chunk: Buffer, at: number): number {
    const found = chunk.indexOf(LF, at);
    const end = found < 0 ? chunk.length : found;
    if (this.heldLength + end - at > this.maxBytes + 1) {
      this.listener.tooLarge(this.heldLength + end - at);
      this.clear();
      if (found < 0) this.state = 'passLine';
      return found < 0 ? chunk.length : found + 1;
    }
    this.keep(chunk.subarray(at, end));
    if (found < 0) return chunk.length;
    this.emitLine();
    return found + 1;
  }
  /** Without the carriage return or NUL before the line feed. */
  private emitLine(): void {
    let length = this.heldLength;
    while (length > 0 && (this.held[length - 1] === 0x0d || this.held[length - 1] === 0)) length--;
    if (length <= this.maxBytes) this.emit(length);
    else {
      this.listener.tooLarge(length);
      this.clear();
    }
  }
  private emit(length: number): void {
    const bytes = Buffer.from(this.held.subarray(0, length));
    this.clear();
    this.listener.message(bytes);
  }
  private clear(): void {
    this.state = 'between';
    this.left = 0;
    this.heldLength = 0;
    // What a long message needed is not kept for the next one.
    if (this.held.length > FIRST_BYTES) this.held = Buffer.alloc(0);
  }
  /** Doubles its room: a message that comes byte by byte is copied a few times, not once a byte. */
  private keep(bytes: Buffer): void {
    const needed = this.heldLength + bytes.length;
    if (needed > this.held.length) {
      const wider = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, needed, Math.min(this.held.length * 2, this.maxBytes + 1)));
      this.held.copy(wider, 0, 0, this.heldLength);
      this.held = wider;
    }
    bytes.copy(this.held, this.heldLength);
    this.heldLength = needed;
  }
}
