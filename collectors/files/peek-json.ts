/** The beginning of a JSON text as far as it goes: what is cut off is left out. For recognising only: nothing is checked. */
const MAX_DEPTH = 24;
/** Elements and members looked at: enough to tell what something is. */
const MAX_MEMBERS = 64;

class Peek {
  private readonly text: string;
  at = 0;
  constructor(text: string) {
    this.text = text;
  }
  private space(): void {
    while (/\s/.test(this.text[this.at] ?? '')) this.at++;
  }
  value(depth: number): unknown {
    this.space();
    const first = this.text[this.at];
    if (depth > MAX_DEPTH) throw new Error('deep');
    if (first === '{') return this.object(depth);
    if (first === '[') return this.array(depth);
    if (first === '"') return this.string();
    const word = /[^\s,\]}]*/y;
    word.lastIndex = this.at;
    const [said = ''] = word.exec(this.text) ?? [];
    this.at += said.length;
    return said === 'true' ? true : said === 'false' ? false : said === 'null' || said === '' ? null : Number(said);
  }
  private string(): string {
    const end = /"(?:[^"\\]|\\.)*"?/y;
    end.lastIndex = this.at;
    const [said = ''] = end.exec(this.text) ?? [];
    this.at += said.length;
    return said.replace(/^"|"$/g, '');
  }
  private object(depth: number): Record<string, unknown> {
    const object: Record<string, unknown> = Object.create(null) as Record<string, unknown>;
    this.at++;
    for (let members = 0; this.at < this.text.length && members < MAX_MEMBERS; members++) {
      this.space();
      if (this.text[this.at] === '}') {
        this.at++;
        break;
      }
      if (this.text[this.at] !== '"') break;
      const key = this.string();
      this.space();
      if (this.text[this.at] !== ':') break;
      this.at++;
      object[key] = this.value(depth + 1);
      this.space();
      if (this.text[this.at] === ',') this.at++;
    }
    return object;
  }
  private array(depth: number): unknown[] {
    const list: unknown[] = [];
    this.at++;
    while (this.at < this.text.length && list.length < MAX_MEMBERS) {
      this.space();
      if (this.text[this.at] === ']') {
        this.at++;
        break;
      }
      const before = this.at;
      list.push(this.value(depth + 1));
      this.space();
      if (this.text[this.at] === ',') this.at++;
      if (this.at === before) break;
    }
    return list;
  }
}
/** @returns undefined when it is nested too deep to be anything known */
export function peekJson(text: string): unknown {
  try {
    return new Peek(text).value(0);
  } catch {
    return undefined;
  }
}
