import { location } from '../lib/location.svelte.ts';

/** A list one of whose rows is open beside it; the address names the row by its id, for rows move while one reads. */
export class OpenedRow<R> {
  private readonly param: string;
  private readonly rows: () => readonly R[];
  private readonly idOf: (row: R) => string | null;
  private at = $state(0);
  /** The cursor went on to a heading: what is open stays open. */
  private onHeading = $state(false);
  /** '': none is open. */
  readonly id = $derived.by(() => location.param(this.param));
  /** Row of the list's cursor; below 0: the list is empty. */
  readonly selected = $derived.by(() => {
    const rows = this.rows();
    const open = this.id === '' || this.onHeading ? -1 : rows.findIndex((each) => this.idOf(each) === this.id);
    return open >= 0 ? open : Math.min(this.at, rows.length - 1);
  });

  /** @param idOf null: a heading, which cannot be opened */
  constructor(param: string, rows: () => readonly R[], idOf: (row: R) => string | null) {
    this.param = param;
    this.rows = rows;
    this.idOf = idOf;
  }
  private idAt(row: number): string | null {
    const chosen = this.rows()[row];
    return chosen === undefined ? null : this.idOf(chosen);
  }
  /** With a row open, going through the list goes through what is shown. */
  select(row: number): void {
    this.at = row;
    this.onHeading = this.idAt(row) === null;
    if (this.id !== '') this.open(row);
  }
  open(row: number): void {
    const id = this.idAt(row);
    if (id === null) return;
    this.onHeading = false;
    location.set({ [this.param]: id }, 'replace');
  }
  close(): void {
    this.at = Math.max(0, this.selected);
    location.set({ [this.param]: null }, 'replace');
  }
}
