/** Random rules with series they fire on, as a rule file and a test file that expects nothing: what there is, is what differs. */
export interface GeneratedCase {
  readonly rules: string;
  readonly tests: string;
}
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
const MINUTES = 30;

export function generateCase(seed: number): GeneratedCase {
  const random = generator(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const chance = (p: number): boolean => random() < p;
  /** Gaps of at most 3 minutes, a value each minute to the end: at exactly 5 minutes Prometheus 2 looks back one sample further. */
  const values = (): string => {
    const found: string[] = [];
    let level = pick([0, 1, 2]);
    for (let minute = 0; minute <= MINUTES; ) {
      if (chance(0.25)) level = pick([0, 0, 1, 2, 5.5, -1]);
      const kind = random();
      if (kind < 0.08) {
        const gap = 1 + Math.floor(random() * 3);
        found.push(gap === 1 ? '_' : `_x${gap}`, String(level));
        minute += gap + 1;
      } else if (kind < 0.14) {
        found.push('stale', String(level));
        minute += 2;
      } else if (kind < 0.3) {
        const count = 1 + Math.floor(random() * 4);
        found.push(`${level}${chance(0.5) ? '+' : '-'}${pick(['1', '0.5', '0.25'])}x${count}`);
        minute += count + 1;
      } else {
        found.push(String(level));
        minute++;
      }
    }
    return found.join(' ');
  };
  const metrics = ['up', 'load', 'errors'];
  const series = metrics.flatMap((metric) =>
    ['a', 'b', 'c'].slice(0, 1 + Math.floor(random() * 3)).map((instance) => `${metric}{instance="${instance}",job="${pick(['x', 'y'])}"}`),
  );
  const recorded: string[] = [];
  const expression = (): string => {
    const metric = pick([...metrics, ...recorded]);
    return pick([
      `${metric} == 0`,
      `${metric} > ${pick(['0.5', '1', '2'])}`,
      `sum by (job) (${metric}) > 1`,
      `max(${metric}) >= 2`,
      `${metric} > 0 unless on (instance) up == 0`,
      `ALERTS{alertstate="firing"}`,
      `absent(${metric})`,
      `${metric} and on (instance) load > 0`,
      `avg without (instance) (${metric}) != 1`,
      `vector(time() % 180) == 0`,
    ]);
  };
  const text = (): string =>
    pick([
      '{{ $labels.instance }} is at {{ $value }}',
      '{{ printf "%.2f" $value }} of {{ $labels.job | toUpper }}',
      '{{ with query "sum(up)" }}{{ . | first | value | humanize }}{{ end }}',
      '{{ range query "up > 0" | sortByLabel "instance" }}{{ .Labels.instance }};{{ end }}',
      '{{ if gt $value 1.0 }}much{{ else }}little{{ end }}',
      '{{ query "nothing" | first }}',
      '{{ $externalLabels.cluster }} {{ humanizeDuration $value }} {{ $labels }}',
      'plain',
    ]);
  const lines: string[] = ['groups:'];
  const names: string[] = [];
  for (let g = 0; g < 1 + Math.floor(random() * 3); g++) {
    lines.push(`- name: g${g}`, '  rules:');
    if (chance(0.2)) lines.splice(lines.length - 1, 0, `  limit: ${1 + Math.floor(random() * 3)}`);
    for (let r = 0; r < 1 + Math.floor(random() * 4); r++) {
      if (chance(0.35)) {
        const name = `rec:${g}:${r}`;
        lines.push(
          `  - record: ${name}`,
          `    expr: ${JSON.stringify(pick([expression(), ...metrics, `sum by (job) (${pick(metrics)})`]))}`,
        );
        if (chance(0.4)) lines.push(`    labels: {kind: ${pick(['k', 'l'])}${chance(0.3) ? ', instance: ""' : ''}}`);
        recorded.push(name);
        continue;
      }
      const name = chance(0.15) && names.length > 0 ? pick(names) : `A${g}${r}`;
      names.push(name);
      lines.push(`  - alert: ${name}`, `    expr: ${JSON.stringify(expression())}`);
      if (chance(0.7)) lines.push(`    for: ${pick(['0', '1m', '2m', '3m30s', '5m', '10m'])}`);
      if (chance(0.4)) lines.push(`    keep_firing_for: ${pick(['1m', '2m', '4m30s', '10m'])}`);
      if (chance(0.7))
        lines.push(`    labels: {severity: ${pick(['page', '"{{ $labels.job }}"', '"{{ if eq $labels.job \\"x\\" }}s{{ end }}"'])}}`);
      if (chance(0.8)) lines.push('    annotations:', `      summary: ${JSON.stringify(text())}`);
    }
  }
  const times = Array.from({ length: 6 }, () => Math.floor(random() * MINUTES * 2) * 30);
  const tests = [
    'rule_files: [rules.yml]',
    `evaluation_interval: ${pick(['1m', '1m', '30s', '2m'])}`,
    'group_eval_order: [g0, g1, g2]',
    'tests:',
    '- interval: 1m',
    '  name: generated',
    '  external_labels: {cluster: test}',
    '  input_series:',
    ...series.map((each) => `  - series: '${each}'\n    values: '${values()}'`),
    '  alert_rule_test:',
    ...times.flatMap((at) => [...new Set(names)].map((name) => `  - {eval_time: ${at}s, alertname: ${name}, exp_alerts: []}`)),
    '  promql_expr_test:',
    ...times.flatMap((at) =>
      ['ALERTS', 'ALERTS_FOR_STATE', '{__name__=~"rec:.*"}'].map((expr) => `  - {expr: '${expr}', eval_time: ${at}s, exp_samples: []}`),
    ),
  ];
  return { rules: `${lines.join('\n')}\n`, tests: `${tests.join('\n')}\n` };
}
