import { describe, expect, it } from 'vitest';
import { parseDurationMs, parsePrometheusConfig } from './config.ts';
import { buildTargets } from './targets.ts';

const parse = (text: string) => parsePrometheusConfig('prometheus.yml', text);

describe('prometheus.yml', () => {
  it('fills in the defaults Prometheus has', () => {
    const [scrape] = parse(
      'global: {scrape_interval: 5s}\nscrape_configs:\n- job_name: node\n  static_configs: [{targets: ["127.0.0.1:9100"]}]\n',
    ).scrapes;
    expect(scrape).toMatchObject({
      job: 'node',
      intervalMs: 5000,
      timeoutMs: 5000,
      metricsPath: '/metrics',
      scheme: 'http',
      honorLabels: false,
      honorTimestamps: true,
    });
  });
  it.each([
    ['scrape_configs:\n- job_name: a\n  scrape_interval: soon\n', 3, 'is not a duration'],
    ['scrape_configs:\n- job_name: a\n- job_name: a\n', null, 'comes twice'],
    ['scrape_configs:\n- job_name: a\n  relabel_configs:\n  - regex: "("\n', 4, 'bad regular expression'],
    ['scrape_configs:\n- job_name: a\n  relabel_configs:\n  - action: explode\n', 4, 'Invalid'],
    ['scrape_configs:\n- job_name: a\n  relabel_configs:\n  - source_labels: [x]\n', 4, 'needs a target_label'],
    ['scrape_configs: [\n', 2, ''],
    ['scrape_configs:\n- static_configs: []\n', 2, 'job_name'],
  ])('names the line of an error: %j', (text, line, says) => {
    expect(() => parse(text)).toThrow(new RegExp(`prometheus.yml${line === null ? '' : `:${line} `}.*${says}`));
  });
  it('keeps what it does not act on as a warning', () => {
    expect(parse('rule_files: [x.yml]\nscrape_configs:\n- job_name: k\n  kubernetes_sd_configs: []\n').warnings).toEqual([
      'rule_files is not acted on yet',
      'job k: kubernetes_sd_configs is not acted on yet',
    ]);
  });
  it.each([
    ['15s', 15_000],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['0', 0],
    ['1', null],
    ['-1s', null],
    ['', null],
  ])('duration %s', (text, ms) => {
    expect(parseDurationMs(text)).toBe(ms);
  });
});

describe('targets', () => {
  const targets = (extra: string) => {
    const problems: string[] = [];
    const [scrape] = parse(
      `scrape_configs:\n- job_name: j\n  static_configs: [{targets: ["a:1", "b:2", "a:1"], labels: {env: prod}}]\n${extra}`,
    ).scrapes;
    return {
      list: buildTargets(scrape as never, (scrape as never as { staticTargets: [] }).staticTargets, (p) => problems.push(p)),
      problems,
    };
  };
  it('carry job and instance, once each', () => {
    expect(targets('').list.map((t) => [t.url, t.labels])).toEqual([
      ['http://a:1/metrics', { env: 'prod', instance: 'a:1', job: 'j' }],
      ['http://b:2/metrics', { env: 'prod', instance: 'b:2', job: 'j' }],
    ]);
  });
  it('can be dropped and rewritten by relabeling', () => {
    const { list } = targets(
      '  relabel_configs:\n  - {source_labels: [__address__], regex: "b:.*", action: drop}\n  - {target_label: __metrics_path__, replacement: /m}\n',
    );
    expect(list.map((t) => t.url)).toEqual(['http://a:1/m']);
  });
  it('with a bad address are reported, the rest stays', () => {
    const { list, problems } = targets(
      '  relabel_configs:\n  - {source_labels: [__address__], regex: "b:.*", target_label: __address__, replacement: "no host"}\n',
    );
    expect(list).toHaveLength(1);
    expect(problems[0]).toContain('"no host" is not a host:port');
  });
});
