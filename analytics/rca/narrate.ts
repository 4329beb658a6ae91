import type { Candidate, CauseKind, Evidence, RcaResult } from '#contracts/judgement.ts';

/** Languages the templates speak. */
export type Locale = 'en' | 'zh';
type Template = (p: Readonly<Record<string, string | number>>) => string;

const KIND_NAMES: Readonly<Record<CauseKind, readonly [string, string]>> = {
  bad_deploy: ['a bad deploy', '有问题的发布'],
  slow_dependency: ['a slow or failing dependency', '依赖变慢或失败'],
  pool_exhaustion: ['an exhausted connection pool', '连接池耗尽'],
  memory_leak: ['a memory leak', '内存泄漏'],
  error_burst: ['a burst of errors from one source', '单一来源的错误突增'],
  noisy_neighbour: ['a noisy neighbour', '同主机的资源争抢'],
  traffic_surge: ['a traffic surge', '流量激增'],
  resource_saturation: ['a saturated resource', '资源饱和'],
  unknown: ['an unknown mechanism', '未知机制'],
};

const leadZh = ({ seconds }: Parameters<Template>[0]): string => (Number(seconds) >= 0 ? `在异常前 ${seconds} 秒` : '在异常开始时');
const ZH_EVIDENCE: Readonly<Record<string, Template>> = {
  evidence_self_time: (p) => `${p['service']} 自身每个请求耗时 ${p['from']} → ${p['to']}。`,
  evidence_own_errors: (p) => `${p['service']} 错误率 ${p['from']} → ${p['to']},错误产生于此:其下游调用没有失败。`,
  evidence_errors: (p) => `${p['service']} 错误率 ${p['from']} → ${p['to']}。`,
  evidence_new_errors: (p) => `${p['service']} 新实例 ${p['instance']} 的请求失败率 ${p['to']},此前为 ${p['from']}。`,
  evidence_new_self_time: (p) => `${p['service']} 新实例 ${p['instance']} 自身每个请求耗时 ${p['to']},此前为 ${p['from']}。`,
  evidence_requests: (p) => `${p['service']} 请求量 ${p['from']} → ${p['to']}。`,
  evidence_edge_time: (p) => `${p['service']} 调用 ${p['peer']} 耗时 ${p['from']} → ${p['to']}。`,
  evidence_extra_calls: (p) => `${p['service']} 调用 ${p['peer']} 的次数 ${p['from']} → ${p['to']},每个请求的调用次数增多。`,
  evidence_edge_errors: (p) => `${p['service']} 调用 ${p['peer']} 失败率 ${p['from']} → ${p['to']}。`,
  evidence_metric: (p) => `${p['place']} 的 ${p['metric']} ${p['from']} → ${p['to']}${p['host'] === '' ? '' : `(主机 ${p['host']})`}。`,
  evidence_facet: (p) =>
    `${p['service']} 新增错误的 ${p['share']} 集中在 ${p['key']} = ${p['value']}(其请求失败率 ${p['from']} → ${p['to']})。`,
  evidence_log_new: (p) => `${p['service']} 出现新日志 "${p['pattern']}",${p['to']}。`,
  evidence_log_more: (p) => `${p['service']} 日志 "${p['pattern']}" ${p['from']} → ${p['to']}。`,
  evidence_change_deploy: (p) => `${p['service']} ${leadZh(p)}发布了新版本:${p['from']} → ${p['to']}。`,
  evidence_change_restart: (p) => `${p['service']} 重启过(相对异常开始 ${p['seconds']} 秒)。`,
  evidence_change_scale: (p) => `${p['service']} ${leadZh(p)}扩缩容:${p['from']} → ${p['to']}。`,
  evidence_change_config: (p) => `${p['service']} ${leadZh(p)}变更了配置:${p['from']} → ${p['to']}。`,
  evidence_change_flag: (p) => `${p['service']} ${leadZh(p)}切换了开关:${p['from']} → ${p['to']}。`,
};

/** One evidence row as a sentence; English is the row's own `says`, an unknown key falls back to it. */
export function sayEvidence(evidence: Pick<Evidence, 'says' | 'messageKey' | 'params'>, locale: Locale): string {
  return locale === 'zh' ? (ZH_EVIDENCE[evidence.messageKey]?.(evidence.params) ?? evidence.says) : evidence.says;
}

/** Name of a cause kind for people. */
export const sayKind = (kind: CauseKind, locale: Locale): string => KIND_NAMES[kind][locale === 'en' ? 0 : 1];

function leadSentence(result: RcaResult, first: Candidate, locale: Locale): string {
  const kind = sayKind(first.kind, locale);
  if (locale === 'zh') {
    const sure = { confirmed: '原因已确认', likely: '可能的原因', inconclusive: '尚无定论,最大嫌疑' }[result.verdict];
    return `${sure}:${first.service}(${kind})。`;
  }
  const sure = { confirmed: 'The cause is', likely: 'The likely cause is', inconclusive: 'Inconclusive; the strongest suspect is' }[
    result.verdict
  ];
  return first.kind === 'unknown' ? `${sure} ${first.service}; the mechanism is unknown.` : `${sure} ${kind} in ${first.service}.`;
}

const minute = (time: string): string => time.slice(11, 16);
/** The title of an incident has the figure of its last minute: these are of longer windows. */
function sayWindows({ window, baseline }: NonNullable<Evidence['over']>, locale: Locale): string {
  const [from, to, baseFrom, baseTo] = [window.start, window.end, baseline.start, baseline.end].map(minute);
  return locale === 'zh'
    ? `数值取自 ${from}–${to}(UTC),此前指 ${baseFrom}–${baseTo}。`
    : `Figures are of ${from}–${to} UTC, before that of ${baseFrom}–${baseTo}.`;
}

/**
 * The result as a short text. Every sentence after the first restates one evidence row and cites it ("[E1]"); nothing
 * is said that no row backs. No candidate: one sentence that says so.
 */
export function narrate(result: RcaResult, locale: Locale): string {
  const first = result.candidates[0];
  if (first === undefined) {
    return locale === 'zh' ? '在此时间窗内未发现高于正常噪声的异常。' : 'Nothing in this window stands out from normal noise.';
  }
  const sentences = [leadSentence(result, first, locale)];
  for (const evidence of first.evidence.slice(0, 4)) sentences.push(`${sayEvidence(evidence, locale).trimEnd()} [${evidence.id}]`);
  if (result.impacted.length > 0) {
    const names = result.impacted.slice(0, 5).join(locale === 'zh' ? '、' : ', ');
    sentences.push(locale === 'zh' ? `受影响:${names}。` : `Suffering from it: ${names}.`);
  }
  const second = result.candidates[1];
  if (result.verdict !== 'confirmed' && second !== undefined) {
    sentences.push(
      locale === 'zh'
        ? `其次的嫌疑:${second.service}(${sayKind(second.kind, locale)})。`
        : `Next suspect: ${second.service} (${sayKind(second.kind, locale)}).`,
    );
  }
  const over = first.evidence.find((evidence) => evidence.over !== undefined)?.over;
  if (over !== undefined) sentences.push(sayWindows(over, locale));
  return sentences.join(locale === 'zh' ? '' : ' ');
}
