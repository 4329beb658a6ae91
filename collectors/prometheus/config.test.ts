import { describe, expect, it } from 'vitest';
import { parseDurationMs, parsePrometheusConfig } from './config.ts';
import { acceptHeader } from './scrape-protocols.ts';
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
    [
      'scrape_configs:\n- job_name: a\n  scrape_intervall: 5s\n',
      3,
      '"scrape_intervall" is not a key Prometheus knows here; did you mean scrape_interval',
    ],
    ['global: {scrape_intervals: 5s}\n', 1, 'did you mean scrape_interval'],
    ['scrape_config: []\n', 1, 'did you mean scrape_configs'],
    ['scrape_configs:\n- job_name: a\n  tls_config:\n    ca_path: x\n', 4, 'tls_config: "ca_path" is not a key'],
    ['scrape_configs:\n- job_name: a\n  dns_sd_configs:\n  - {names: [x], type: A}\n', 4, 'a port is required'],
    ['scrape_configs:\n- job_name: a\n  dns_sd_configs:\n  - {names: []}\n', 4, 'at least one name'],
    ['scrape_configs:\n- job_name: a\n  http_sd_configs:\n  - {url: "ftp://x"}\n', 4, 'is not an http'],
    ['scrape_configs:\n- job_name: a\n  file_sd_configs:\n  - {files: [targets.txt]}\n', 4, 'is not a .json, .yml or .yaml'],
    ['scrape_configs:\n- job_name: a\n  scrape_protocols: [Text]\n', 3, 'Invalid option'],
    ['scrape_configs:\n- job_name: a\n  static_configs:\n  - targets: ["http://x/y"]\n', 4, 'not a host:port'],
    ['scrape_configs:\n- job_name: a\n  proxy_url: nowhere\n', 3, 'proxy_url'],
    ['scrape_configs:\n- job_name: a\n  http_headers: {Host: {values: [x]}}\n', 3, 'cannot be set here'],
    ['scrape_configs:\n- job_name: a\n  basic_auth: {username: u}\n  authorization: {credentials: c}\n', 2, 'at most one of basic_auth'],
    ['scrape_configs:\n- job_name: a\n  authorization: {type: Basic}\n', 2, 'is written as basic_auth'],
    ['scrape_configs:\n- job_name: a\n  tls_config: {cert_file: c}\n', 2, 'needs its key'],
    ['scrape_configs:\n- job_name: a\n  scrape_timeout: 2m\n', null, 'scrape_timeout is longer than scrape_interval'],
    ['scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {action: hashmod, target_label: x}\n', 4, 'needs a modulus'],
    ['scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {action: labeldrop, source_labels: [x]}\n', 4, 'takes a regex only'],
    ['scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {action: lowercase, target_label: x, replacement: y}\n', 4, 'no replacement'],
    [
      'scrape_configs:\n- job_name: a\n  relabel_configs:\n  - {action: keepequal, target_label: x, separator: y}\n',
      4,
      'target_label only',
    ],
    ['scrape_configs: [\n', 2, ''],
    ['scrape_configs:\n- static_configs: []\n', 2, 'job_name'],
  ])('names the line of an error: %j', (text, line, says) => {
    expect(() => parse(text)).toThrow(new RegExp(`prometheus.yml${line === null ? '' : `:${line} `}.*${says}`));
  });
  it('keeps what it does not act on as a warning', () => {
    const text = `global: {external_labels: {a: b}, extra_scrape_metrics: true}\nrule_files: [x.yml]
scrape_configs:\n- job_name: k\n  kubernetes_sd_configs: []\n  enable_http2: true\n  oauth2: {client_id: x}\n  proxy_from_environment: true\n`;
    expect(parse(text).warnings).toEqual([
      'global: extra_scrape_metrics is not acted on yet',
      'job k: kubernetes_sd_configs is not acted on yet',
      'job k: oauth2 is not acted on yet',
      'job k: proxy_from_environment is not acted on yet: name the proxy in proxy_url',
    ]);
  });
  it('takes limits and protocols of global where a job has none of its own', () => {
    const [a, b] = parse(`global: {sample_limit: 5, label_limit: 6, body_size_limit: 1MB, scrape_native_histograms: true}
scrape_configs:\n- job_name: a\n- job_name: b\n  sample_limit: 7\n  scrape_protocols: [PrometheusText0.0.4]\n`).scrapes;
    expect(a?.limits).toMatchObject({ samples: 5, labels: 6, bodyBytes: 1_048_576 });
    expect(a?.protocols[0]).toBe('PrometheusProto');
    expect(b?.limits).toMatchObject({ samples: 7, labels: 6 });
    expect(acceptHeader(b?.protocols ?? [])).toBe('text/plain;version=0.0.4;q=0.6,*/*;q=0.5');
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
  it('take what they are asked for from labels, and their times', () => {
    const { list, problems } = targets(
      '  params: {module: [x]}\n  relabel_configs:\n  - {source_labels: [__address__], target_label: __param_target}\n' +
        '  - {source_labels: [__address__], target_label: instance}\n  - {target_label: __address__, replacement: "prober:9115"}\n' +
        '  - {source_labels: [instance], regex: "b.*", target_label: __scrape_interval__, replacement: 5s}\n' +
        '  - {source_labels: [instance], regex: "b.*", target_label: __scrape_timeout__, replacement: 1s}\n',
    );
    expect(list.map(({ url, labels, intervalMs }) => [url, labels['instance'], intervalMs])).toEqual([
      ['http://prober:9115/metrics?module=x&target=a%3A1', 'a:1', 60_000],
      ['http://prober:9115/metrics?module=x&target=b%3A2', 'b:2', 5_000],
    ]);
    expect(problems).toEqual([]);
  });
  it.each([
    ['__scheme__', 'gopher', '__scheme__ is "gopher"'],
    ['__scrape_interval__', '0s', '__scrape_interval__ is "0s"'],
    ['__scrape_timeout__', '2h', '__scrape_timeout__ is longer'],
    ['__address__', 'a/b', '"a/b" is not a host:port'],
    ['__address__', '', 'relabeling leaves "a:1" no __address__'],
  ])('with %s = %j are reported', (label, value, says) => {
    const { list, problems } = targets(`  relabel_configs:\n  - {target_label: ${label}, replacement: ${JSON.stringify(value)}}\n`);
    expect(list).toEqual([]);
    expect(problems[0]).toContain(says);
  });
  it('with a bad address are reported, the rest stays', () => {
    const { list, problems } = targets(
      '  relabel_configs:\n  - {source_labels: [__address__], regex: "b:.*", target_label: __address__, replacement: "no host"}\n',
    );
    expect(list).toHaveLength(1);
    expect(problems[0]).toContain('"no host" is not a host:port');
  });
});
