import type { TimelineEntry, Verdict } from '#contracts/judgement.ts';
import type { Figure } from '#contracts/postmortem.ts';

export type Locale = 'en' | 'zh';
type Params = TimelineEntry['params'];
type Say = (p: Params) => string;
/** Part of a sentence: words, or a figure among them. */
export type Piece = string | Figure;
/** Figures of one service. */
export interface ServiceImpact {
  readonly service: string;
  readonly requests: Figure;
  readonly errors: Figure;
  readonly errorRatio: Figure;
  readonly errorRatioBefore: Figure;
  readonly p95: Figure;
  readonly p95Before: Figure;
}

export interface Words {
  readonly heading: Readonly<
    Record<'summary' | 'impact' | 'timeline' | 'causes' | 'detection' | 'resolution' | 'well' | 'badly' | 'lucky' | 'actions', string>
  >;
  readonly prompt: Readonly<
    Record<
      'summary' | 'impact' | 'causes' | 'detection' | 'resolution' | 'well' | 'badly' | 'lucky' | 'action' | 'owner' | 'due' | 'kind',
      string
    >
  >;
  readonly column: Readonly<
    Record<'service' | 'requests' | 'errors' | 'ratio' | 'p95' | 'time' | 'event' | 'data' | 'action' | 'owner' | 'due' | 'kind', string>
  >;
  readonly role: Readonly<Record<'cause' | 'critical_failure' | 'impact', string>>;
  readonly verdict: Readonly<Record<Verdict, string>>;
  readonly lead: Readonly<Record<Verdict, (kind: string, service: string) => string>>;
  readonly symptom: Readonly<Record<string, string>>;
  /** Rows of evidence whose own sentence has numbers that no statement gives; before → after follows. */
  readonly evidence: Readonly<Record<string, Say>>;
  /** Entries of the timeline by messageKey; before → after follows an anomaly. */
  readonly entry: Readonly<Record<string, Say>>;
  readonly title: (symptom: string, service: string, day: string) => string;
  readonly titleOfCause: (kind: string, cause: string, service: string, day: string) => string;
  readonly period: (start: string, end: string) => string;
  readonly ongoing: (start: string) => string;
  /** duration null: not over yet. */
  readonly happened: (period: string, duration: Figure | null, impact: ServiceImpact | null) => readonly Piece[];
  readonly affected: (services: Figure) => readonly Piece[];
  readonly cost: (during: Figure, before: Figure) => readonly Piece[];
  readonly emissions: (vcpuHours: Figure, gibHours: Figure) => readonly Piece[];
  readonly detected: (detect: Figure, acknowledge: Figure | null) => readonly Piece[];
  readonly over: (duration: Figure | null) => readonly Piece[];
  readonly text: Readonly<Record<'noCandidate' | 'impacted' | 'firstSeen' | 'more' | 'link' | 'stop', string>>;
}
const EN: Words = {
  heading: {
    summary: 'Summary',
    impact: 'Impact',
    timeline: 'Timeline (UTC)',
    causes: 'Causes',
    detection: 'Detection',
    resolution: 'Resolution',
    well: 'What went well',
    badly: 'What went badly',
    lucky: 'Where we got lucky',
    actions: 'Action items',
  },
  prompt: {
    summary: 'In two sentences for somebody who was not there: what happened, and is it over?',
    impact: 'Who was affected, what could they not do, and how did they notice?',
    causes: 'What made this possible, and why did nothing stop it sooner?',
    detection: 'What told us, and what could have told us sooner?',
    resolution: 'What was tried, what ended it, and how do we know?',
    well: 'What worked as it should?',
    badly: 'What made it worse or longer?',
    lucky: 'What could have been worse, and was not by chance?',
    action: 'What will be done?',
    owner: 'Who?',
    due: 'By when?',
    kind: 'prevent, detect or mitigate',
  },
  column: {
    service: 'Service',
    requests: 'Requests',
    errors: 'Failed',
    ratio: 'Failing, before → during',
    p95: 'p95, before → during',
    time: 'Time',
    event: 'Event',
    data: 'Data',
    action: 'Action',
    owner: 'Owner',
    due: 'Due',
    kind: 'Kind',
  },
  role: { cause: 'cause', critical_failure: 'critical failure', impact: 'impact' },
  verdict: {
    confirmed: 'Verdict: confirmed. One cause stands clear of all others and its evidence fits how such a cause works.',
    likely: 'Verdict: likely. The evidence points here, but not clearly enough to rule out everything else.',
    inconclusive: 'Verdict: inconclusive. The evidence does not single out a cause; the suspects are listed in order.',
  },
  lead: {
    confirmed: (kind, service) => `The cause is ${kind} in ${service}.`,
    likely: (kind, service) => `The likely cause is ${kind} in ${service}.`,
    inconclusive: (kind, service) => `No cause is proven; the strongest suspect is ${service} (${kind}).`,
  },
  symptom: {
    errors: 'Errors',
    latency: 'Slow answers',
    traffic_drop: 'Missing traffic',
    traffic_surge: 'A surge of traffic',
    log_errors: 'Error logs',
  },
  evidence: {
    evidence_facet: (p) => `${p['service']}: requests with ${p['key']} = ${p['value']} fail`,
    evidence_new_errors: (p) => `${p['service']}: requests to the new instance ${p['instance']} fail`,
    evidence_new_self_time: (p) => `${p['service']}: own time per request of the new instance ${p['instance']}`,
    evidence_change_deploy: (p) => `${p['service']}: deployed ${p['from']} → ${p['to']}`,
    evidence_change_restart: (p) => `${p['service']}: restarted`,
    evidence_change_scale: (p) => `${p['service']}: scaled ${p['from']} → ${p['to']}`,
    evidence_change_config: (p) => `${p['service']}: configuration ${p['from']} → ${p['to']}`,
    evidence_change_flag: (p) => `${p['service']}: flag ${p['from']} → ${p['to']}`,
  },
  entry: {
    incident_opened: () => 'The incident was opened.',
    incident_reopened: () => 'The trouble was back.',
    incident_resolved: () => 'No symptom any more.',
    timeline_cause: (p) => `Leading cause: ${p['service']} (${p['verdict']}).`,
    timeline_acknowledged: () => 'Acknowledged by the operator.',
    timeline_resolved: () => 'Resolved: the symptoms were gone.',
    timeline_resolved_operator: () => 'Resolved by the operator.',
    anomaly_log_new_pattern: (p) => `${p['place']}: new log line ${p['signal']}`,
  },
  title: (symptom, service, day) => `${symptom} in ${service}, ${day}`,
  titleOfCause: (kind, cause, service, day) =>
    cause === service ? `${service} hurt by ${kind}, ${day}` : `${service} hurt by ${kind} in ${cause}, ${day}`,
  period: (start, end) => `From ${start} to ${end} UTC`,
  ongoing: (start) => `Since ${start} UTC, and not over when this was drafted`,
  happened: (period, duration, impact) => [
    period,
    ...(duration ? [' (', duration, ')'] : []),
    ...(impact ? [', ', impact.errors, ' of ', impact.requests, ` requests to ${impact.service} failed: `, impact.errorRatio] : []),
    '.',
  ],
  affected: (services) => ['Services that deviated: ', services, '.'],
  cost: (during, before) => ['The services that deviated cost ', during, ' during the incident, ', before, ' in the same time before:'],
  emissions: (vcpuHours, gibHours) => ['Emissions of the services that deviated, from the ', vcpuHours, ' and ', gibHours, ' they held:'],
  detected: (detect, acknowledge) => [
    'Faultline opened the incident ',
    detect,
    ' after it began',
    ...(acknowledge ? ['; it was acknowledged ', acknowledge, ' later.'] : ['; nobody acknowledged it.']),
  ],
  over: (duration) => (duration ? ['It was over ', duration, ' after it began.'] : ['It was not over when this was drafted.']),
  text: {
    noCandidate: 'No cause stands out from normal noise.',
    impacted: 'Services that only suffered: ',
    firstSeen: ', first seen ',
    more: 'Further deviations are on the incident page.',
    link: 'open',
    stop: '.',
  },
};
const ZH_VERDICT: Readonly<Record<string, string>> = { confirmed: '已确认', likely: '可能', inconclusive: '尚无定论' };
const ZH: Words = {
  heading: {
    summary: '摘要',
    impact: '影响',
    timeline: '时间线（UTC）',
    causes: '原因',
    detection: '发现',
    resolution: '恢复',
    well: '做得好的地方',
    badly: '做得不好的地方',
    lucky: '侥幸之处',
    actions: '改进事项',
  },
  prompt: {
    summary: '用两句话告诉不在场的人：发生了什么？结束了吗？',
    impact: '谁受到影响？他们做不了什么？他们如何察觉？',
    causes: '是什么让它成为可能？为什么没有更早被拦住？',
    detection: '什么告诉了我们？什么本可以更早告诉我们？',
    resolution: '试过什么？什么结束了它？我们如何知道？',
    well: '哪些按预期起了作用？',
    badly: '什么让情况更糟或更久？',
    lucky: '哪些本可能更糟，只是碰巧没有？',
    action: '要做什么？',
    owner: '谁负责？',
    due: '何时完成？',
    kind: '预防、发现或缓解',
  },
  column: {
    service: '服务',
    requests: '请求数',
    errors: '失败数',
    ratio: '失败率，之前 → 期间',
    p95: 'p95，之前 → 期间',
    time: '时间',
    event: '事件',
    data: '数据',
    action: '事项',
    owner: '负责人',
    due: '期限',
    kind: '类型',
  },
  role: { cause: '原因', critical_failure: '关键故障', impact: '受影响' },
  verdict: {
    confirmed: '结论：已确认。一个原因明显突出，其证据符合此类原因的规律。',
    likely: '结论：很可能。证据指向此处，但尚不足以排除其他一切。',
    inconclusive: '结论：尚无定论。证据没有指向唯一原因，下面按顺序列出嫌疑。',
  },
  lead: {
    confirmed: (kind, service) => `原因是 ${service} 的${kind}。`,
    likely: (kind, service) => `可能的原因是 ${service} 的${kind}。`,
    inconclusive: (kind, service) => `没有原因得到证实；最大嫌疑是 ${service}（${kind}）。`,
  },
  symptom: { errors: '错误', latency: '响应缓慢', traffic_drop: '流量缺失', traffic_surge: '流量激增', log_errors: '错误日志' },
  evidence: {
    evidence_facet: (p) => `${p['service']}：${p['key']} = ${p['value']} 的请求失败率`,
    evidence_new_errors: (p) => `${p['service']}：新实例 ${p['instance']} 的请求失败率`,
    evidence_new_self_time: (p) => `${p['service']}：新实例 ${p['instance']} 自身每个请求耗时`,
    evidence_change_deploy: (p) => `${p['service']}：发布 ${p['from']} → ${p['to']}`,
    evidence_change_restart: (p) => `${p['service']}：重启`,
    evidence_change_scale: (p) => `${p['service']}：扩缩容 ${p['from']} → ${p['to']}`,
    evidence_change_config: (p) => `${p['service']}：配置 ${p['from']} → ${p['to']}`,
    evidence_change_flag: (p) => `${p['service']}：开关 ${p['from']} → ${p['to']}`,
  },
  entry: {
    incident_opened: () => '事件开启。',
    incident_reopened: () => '故障再次出现。',
    incident_resolved: () => '症状已消失。',
    timeline_cause: (p) => `首要原因：${p['service']}（${ZH_VERDICT[String(p['verdict'])] ?? p['verdict']}）。`,
    timeline_acknowledged: () => '值班人员已接手。',
    timeline_resolved: () => '已解决：症状消失。',
    timeline_resolved_operator: () => '由值班人员标记为解决。',
    timeline_change_config: (p) => `${p['service']} 变更配置 ${p['from']} → ${p['to']}`,
    timeline_change_deploy: (p) => `${p['service']} 发布新版本 ${p['from']} → ${p['to']}`,
    timeline_change_flag: (p) => `${p['service']} 切换开关 ${p['from']} → ${p['to']}`,
    timeline_change_restart: (p) => `${p['service']} 重启：${p['instance']}`,
    timeline_change_scale: (p) => `${p['service']} 新增实例 ${p['instance']}`,
    anomaly_log_new_pattern: (p) => `${p['place']}：新日志 ${p['signal']}`,
  },
  title: (symptom, service, day) => `${service} ${symptom}（${day}）`,
  titleOfCause: (kind, cause, service, day) =>
    cause === service ? `${service} 的${kind}（${day}）` : `${cause} 的${kind}影响 ${service}（${day}）`,
  period: (start, end) => `${start} 至 ${end}（UTC）`,
  ongoing: (start) => `自 ${start}（UTC）起，起草时尚未结束`,
  happened: (period, duration, impact) => [
    period,
    ...(duration ? ['，历时 ', duration] : []),
    ...(impact ? [`，${impact.service} 的 `, impact.requests, ' 个请求中有 ', impact.errors, ' 个失败，失败率 ', impact.errorRatio] : []),
    '。',
  ],
  affected: (services) => ['出现偏离的服务数：', services, '。'],
  cost: (during, before) => ['出现偏离的服务在事件期间的成本为 ', during, '，此前同样长的时间为 ', before, '：'],
  emissions: (vcpuHours, gibHours) => ['出现偏离的服务的排放，由其占用的 ', vcpuHours, ' 和 ', gibHours, ' 计算：'],
  detected: (detect, acknowledge) => [
    'Faultline 在故障开始 ',
    detect,
    ' 后开启事件',
    ...(acknowledge ? ['，又过 ', acknowledge, ' 由值班人员接手。'] : ['，无人接手。']),
  ],
  over: (duration) => (duration ? ['故障在开始 ', duration, ' 后结束。'] : ['起草时尚未结束。']),
  text: {
    noCandidate: '没有原因高于正常噪声。',
    impacted: '仅受影响的服务：',
    firstSeen: '，首次出现于 ',
    more: '其余偏差见事件页面。',
    link: '打开',
    stop: '。',
  },
};
export const wordsOf = (locale: Locale): Words => (locale === 'zh' ? ZH : EN);
