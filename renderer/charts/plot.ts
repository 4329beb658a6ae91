import { untrack } from 'svelte';
import type { Attachment } from 'svelte/attachments';
import type uPlot from 'uplot';
import { remPixels } from './css-colour.ts';

const LEAST_PX = 80;
/** Narrower than this nothing was dragged over: it was a click. */
const LEAST_DRAG_PX = 4;
export const widthOf = (element: HTMLElement): number => Math.max(LEAST_PX, element.clientWidth);

/**
 * A chart in an element, as wide as it.
 * @param made is given the chart, and null when it is gone. New data go into the chart there is: a new one at each refresh would lose the cursor
 */
export function plot(
  build: (element: HTMLElement) => uPlot,
  heightRem: number,
  made: (chart: uPlot | null) => void,
): Attachment<HTMLElement> {
  return (element) => {
    const chart = untrack(() => build(element));
    made(chart);
    const watcher = new ResizeObserver(() => chart.setSize({ width: widthOf(element), height: heightRem * remPixels() }));
    watcher.observe(element);
    return () => {
      watcher.disconnect();
      chart.destroy();
      made(null);
    };
  };
}
/** The stretch that was dragged over. */
export function selected(chart: uPlot, onrange: ((startMs: number, endMs: number) => void) | undefined): void {
  const { left, width } = chart.select;
  if (width < LEAST_DRAG_PX) return;
  const [from, to] = [chart.posToVal(left, 'x'), chart.posToVal(left + width, 'x')];
  chart.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
  onrange?.(Math.round(from), Math.round(to));
}
/** The cursor stands in the right half: what is read out belongs on the left. */
export const isInRightHalf = (chart: uPlot): boolean => (chart.cursor.left ?? 0) > chart.over.clientWidth / 2;
