import { failureLine } from './say.ts';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'plain' | 'good' | 'critical';
  readonly href: string | null;
}
const SHOWN_MS = 6_000;
const MAX_SHOWN = 4;

class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  private next = 1;
  /** Short news; gone after six seconds. */
  say(text: string, tone: Toast['tone'] = 'plain', href: string | null = null): void {
    const id = this.next++;
    this.list = [...this.list.slice(1 - MAX_SHOWN), { id, text, tone, href }];
    window.setTimeout(() => this.drop(id), SHOWN_MS);
  }
  /** Something that was asked for did not work. */
  fail(error: unknown): void {
    this.say(failureLine(error), 'critical');
  }
  drop(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }
}
export const toasts = new Toasts();
