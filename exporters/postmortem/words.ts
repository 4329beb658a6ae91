import type { Check, PostmortemStatus } from '#contracts/postmortem.ts';

/** What an exported file says in its own voice. */
export interface ExportWords {
  readonly status: Readonly<Record<PostmortemStatus, string>>;
  readonly verdict: Readonly<Record<Check['verdict'], string>>;
  readonly reason: Readonly<Record<Check['reason'], string>>;
  readonly incident: string;
  readonly authors: string;
  readonly state: string;
  readonly revision: string;
  readonly unanswered: string;
  readonly appendix: string;
  readonly appendixSays: (at: string, schemaVersion: number) => string;
  readonly counts: (equal: number, changed: number, unverified: number) => string;
  readonly hash: string;
  readonly hashSays: string;
  readonly unbound: (numbers: readonly string[]) => string;
  readonly allBound: string;
  readonly openQuestions: (count: number) => string;
  readonly columns: readonly [id: string, number: string, before: string, readAt: string, now: string, verdict: string];
  readonly statements: string;
  readonly chart: string;
  readonly neverRead: string;
  readonly nowIs: string;
  readonly madeBy: string;
}
const EN: ExportWords = {
  status: { draft: 'Draft', in_review: 'In review', reviewed: 'Reviewed', closed: 'Closed' },
  verdict: { equal: 'equal', changed: 'CHANGED', unverified: 'NOT CHECKED' },
  reason: {
    '': '',
    pruned: 'its data was removed since',
    corrupt: 'its data was damaged since',
    no_value: 'the statement gives nothing',
    never_read: 'it was never read from the store',
    refused: 'the statement is not allowed',
    failed: 'the statement fails',
    timeout: 'the statement took too long',
  },
  incident: 'Incident',
  authors: 'Authors',
  state: 'Status',
  revision: 'Revision',
  unanswered: 'not answered',
  appendix: 'Verification',
  appendixSays: (at, version) => `Every number bound to a statement was read again at ${at}, from a data folder of layout ${version}.`,
  counts: (equal, changed, unverified) => `${equal} equal, ${changed} changed, ${unverified} could not be checked.`,
  hash: 'SHA-256 of the document',
  hashSays: 'over its JSON with sorted keys, as the JSON export has it under "document"',
  unbound: (numbers) => `Numbers typed by hand, which nothing vouches for (${numbers.length}): ${numbers.join(', ')}.`,
  allBound: 'No number in the text was typed by hand.',
  openQuestions: (count) => `${count} questions are not answered yet.`,
  columns: ['Id', 'Number', 'Then', 'Read at', 'Now', 'Verdict'],
  statements: 'Statements',
  chart: 'chart',
  neverRead: 'never',
  nowIs: 'now',
  madeBy: 'Written with',
};
const ZH: ExportWords = {
  status: { draft: '草稿', in_review: '评审中', reviewed: '已评审', closed: '已关闭' },
  verdict: { equal: '一致', changed: '已变化', unverified: '无法核对' },
  reason: {
    '': '',
    pruned: '数据此后已被清除',
    corrupt: '数据此后已损坏',
    no_value: '语句没有结果',
    never_read: '从未从存储中读取',
    refused: '语句不被允许',
    failed: '语句执行失败',
    timeout: '语句超时',
  },
  incident: '事件',
  authors: '作者',
  state: '状态',
  revision: '修订',
  unanswered: '尚未回答',
  appendix: '核对',
  appendixSays: (at, version) => `每个与语句绑定的数字都在 ${at} 重新读取，数据目录布局版本为 ${version}。`,
  counts: (equal, changed, unverified) => `${equal} 个一致，${changed} 个已变化，${unverified} 个无法核对。`,
  hash: '文档的 SHA-256',
  hashSays: '按键排序的 JSON，即 JSON 导出中的 "document"',
  unbound: (numbers) => `手工输入、没有依据的数字（${numbers.length} 个）：${numbers.join('、')}。`,
  allBound: '正文中没有手工输入的数字。',
  openQuestions: (count) => `还有 ${count} 个问题没有回答。`,
  columns: ['编号', '数字', '当时', '读取时间', '现在', '结论'],
  statements: '语句',
  chart: '图表',
  neverRead: '从未',
  nowIs: '现为',
  madeBy: '撰写工具',
};
export const exportWords = (locale: 'en' | 'zh'): ExportWords => (locale === 'zh' ? ZH : EN);
/** "equal", "CHANGED", "NOT CHECKED: its data was removed since". */
export const verdictText = ({ verdict, reason }: Pick<Check, 'verdict' | 'reason'>, words: ExportWords): string =>
  reason === '' ? words.verdict[verdict] : `${words.verdict[verdict]}: ${words.reason[reason]}`;
export const instant = (atMs: number): string => new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
/** Each statement once, with the ids of what it gives. */
export function statementsOf(checks: readonly Check[]): readonly { readonly sql: string; readonly ids: readonly string[] }[] {
  const ids = new Map<string, string[]>();
  for (const { sql, id } of checks) ids.set(sql, [...(ids.get(sql) ?? []), id]);
  return [...ids].map(([sql, of]) => ({ sql, ids: of }));
}
export const MARKS = { equal: '✓', changed: '⚠', unverified: '?' } as const;
