import type { Attachment } from 'svelte/attachments';
import { scrollToRow } from './visible-rows.ts';

/** What a virtual list knows of the element it scrolls in. */
export class ScrollBox {
  /** Pixels; of the inside. */
  width = $state(0);
  height = $state(0);
  scroll = $state(0);
  /** Pixels of a rem. */
  remPx = $state(16);
  /** Of a row of the theme. */
  rowRem = $state(1.75);
  private element: HTMLElement | null = null;

  readonly attach: Attachment<HTMLElement> = (element) => {
    this.element = element;
    const read = (): void => {
      const style = getComputedStyle(document.documentElement);
      [this.remPx, this.rowRem] = [Number.parseFloat(style.fontSize), Number.parseFloat(style.getPropertyValue('--row'))];
      [this.height, this.width] = [element.clientHeight, element.clientWidth];
    };
    const watcher = new ResizeObserver(read);
    watcher.observe(element);
    read();
    return () => {
      watcher.disconnect();
      this.element = null;
    };
  };
  /** To be called when it scrolls. */
  readonly scrolled = (): void => {
    this.scroll = this.element?.scrollTop ?? 0;
  };
  reveal(row: number, rowPx: number): void {
    if (this.element) this.element.scrollTop = scrollToRow(row, rowPx, this.element.scrollTop, this.height);
  }
  /** Whole rows that are seen, but one: what a page is. */
  page(rowPx: number): number {
    return Math.max(1, Math.floor(this.height / rowPx) - 1);
  }
  focus(): void {
    this.element?.focus();
  }
}
/** The row or cell an event is of. */
export function indexAt(event: Event): number | null {
  const item = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-index]') : null;
  return item === null ? null : Number(item.dataset['index']);
}
/** It is of a button, link or field inside a row, which means itself. */
export const isOfControl = (event: Event): boolean =>
  event.target instanceof Element && event.target.closest('a, button, input, select, textarea') !== null;
