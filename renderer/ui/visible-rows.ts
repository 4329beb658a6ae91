/** Which rows of a long list to draw. Pure. */
export interface Slice {
  readonly first: number;
  readonly count: number;
}
/** Rows beyond the edges, so that a quick scroll finds something. */
const SPARE = 6;
/** The rows that touch the window, and a few more on both sides. */
export function visibleRows(total: number, rowPx: number, scrollPx: number, heightPx: number, spare = SPARE): Slice {
  if (total <= 0 || rowPx <= 0) return { first: 0, count: 0 };
  const first = Math.max(0, Math.min(total - 1, Math.floor(scrollPx / rowPx)) - spare);
  const last = Math.min(total, Math.ceil((scrollPx + heightPx) / rowPx) + spare);
  return { first, count: Math.max(0, last - first) };
}
/** Scroll position that brings the row into sight with the least movement. */
export function scrollToRow(row: number, rowPx: number, scrollPx: number, heightPx: number): number {
  const top = row * rowPx;
  if (top < scrollPx) return top;
  return top + rowPx > scrollPx + heightPx ? top + rowPx - heightPx : scrollPx;
}
/** Row after a key; null when the key moves nothing. */
export function movedRow(key: string, row: number, total: number, page: number): number | null {
  if (total === 0) return null;
  const to = {
    j: row + 1,
    ArrowDown: row + 1,
    k: row - 1,
    ArrowUp: row - 1,
    PageDown: row + page,
    PageUp: row - page,
    Home: 0,
    End: total - 1,
  }[key];
  return to === undefined ? null : Math.max(0, Math.min(total - 1, to));
}
/** Cell of a grid after a key; null when the key moves nothing. `page`: rows. */
export function movedCell(key: string, cell: number, total: number, columns: number, page: number): number | null {
  if (total === 0) return null;
  const to = {
    ArrowRight: cell + 1,
    ArrowLeft: cell - 1,
    j: cell + columns,
    ArrowDown: cell + columns,
    k: cell - columns,
    ArrowUp: cell - columns,
    PageDown: cell + page * columns,
    PageUp: cell - page * columns,
    Home: 0,
    End: total - 1,
  }[key];
  // The first key enters the grid.
  return to === undefined ? null : cell < 0 ? 0 : Math.max(0, Math.min(total - 1, to));
}
