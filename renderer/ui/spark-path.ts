/** SVG path of a small line, from zero or the lowest value up; a gap where a value is missing, a dot (with round ends) between gaps. Pure. */
export function sparkPath(values: ArrayLike<number>, width: number, height: number): string {
  let low = 0;
  let high = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const range = high - low || 1;
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  let path = '';
  let pen = false;
  for (let i = 0; i < values.length; i++) {
    const value = values[i]!;
    if (Number.isFinite(value)) {
      const y = height - 1 - ((value - low) / range) * (height - 2);
      const isAlone = !pen && !Number.isFinite(values[i + 1] ?? Number.NaN);
      path += `${pen ? 'L' : 'M'}${(i * step).toFixed(1)} ${y.toFixed(1)}${isAlone ? 'h0' : ''}`;
    }
    pen = Number.isFinite(value);
  }
  return path;
}
