/** S service or other callee, I instance, H host, V value (version, tenant ...). */
export type AliasKind = 'S' | 'I' | 'H' | 'V';

/** Names that telemetry gave, by the alias that stands for them in a prompt. The same name always has the same alias. */
export class AliasBook {
  private readonly aliasOf = new Map<string, string>();
  private readonly nameOf = new Map<string, string>();
  private readonly next: Record<AliasKind, number> = { S: 1, I: 1, H: 1, V: 1 };

  /** The alias of a name, made when it has none yet. */
  alias(kind: AliasKind, name: string): string {
    const key = `${kind}\0${name}`;
    const known = this.aliasOf.get(key);
    if (known !== undefined) return known;
    const alias = `${kind}${this.next[kind]++}`;
    this.aliasOf.set(key, alias);
    this.nameOf.set(alias, name);
    return alias;
  }
  has(kind: AliasKind, name: string): boolean {
    return this.aliasOf.has(`${kind}\0${name}`);
  }
  /** Aliases in text as the names they stand for. Names are not looked into again: one that looks like an alias stays. */
  reveal(text: string): string {
    return text.replace(/\b[SIHV]\d{1,4}\b/g, (alias) => this.nameOf.get(alias) ?? alias);
  }
  /** Alias -> name, in the order made. */
  entries(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.nameOf);
  }
}
