/** A number as Prometheus shows it in texts: the shortest digits that give it back. */
export const goNumber = (value: number): string =>
  Number.isNaN(value) ? 'NaN' : Number.isFinite(value) ? String(value) : value > 0 ? '+Inf' : '-Inf';
