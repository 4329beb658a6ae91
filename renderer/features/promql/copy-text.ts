import type { StepGrid } from './prometheus-answer.ts';
import { stepText } from './promql-address.ts';

/** The same question for a shell. Pure. The token is named, never written. */
const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;
const seconds = (ms: number): string => String(ms / 1000);

/** @param grid null: the value at `atMs` */
export function curlText(origin: string, query: string, grid: StepGrid | null, atMs: number): string {
  const fields: [string, string][] =
    grid === null
      ? [
          ['query', query],
          ['time', seconds(atMs)],
        ]
      : [
          ['query', query],
          ['start', seconds(grid.startMs)],
          ['end', seconds(grid.endMs)],
          ['step', stepText(grid.stepMs)],
        ];
  return [
    `curl -sG "${origin}/api/v1/${grid === null ? 'query' : 'query_range'}" -H "Authorization: Bearer $FAULTLINE_TOKEN"`,
    ...fields.map(([name, value]) => `  --data-urlencode ${shellQuoted(`${name}=${value}`)}`),
  ].join(' \\\n');
}
/** promtool takes the token from a file of HTTP settings. */
export function promtoolText(origin: string, query: string, grid: StepGrid | null, atMs: number): string {
  const settings = `<(echo "authorization: { credentials: $FAULTLINE_TOKEN }")`;
  const when =
    grid === null
      ? `instant --http.config.file=${settings} --time=${seconds(atMs)}`
      : `range --http.config.file=${settings} --start=${seconds(grid.startMs)} --end=${seconds(grid.endMs)} --step=${stepText(grid.stepMs)}`;
  return `promtool query ${when} "${origin}" ${shellQuoted(query)}`;
}
