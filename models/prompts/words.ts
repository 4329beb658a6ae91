/**
 * The whole vocabulary of cards and of checked sentences. Names in telemetry are written by whoever sends it: of a metric
 * name, a log pattern or an attribute key only the words listed here reach the model, in their listed form. What such a
 * name wants to say to the model it cannot say.
 */

/** Subject -> words that claim something about it. A sentence may use them only where its evidence is about that. */
const SUBJECTS: Readonly<Record<string, string>> = {
  time: 'latency duration slow slower slowed slowly slowness delay fast faster',
  errors: 'error fail failure exception fault abort reject',
  requests: 'request traffic load throughput',
  calls: 'call caller callee upstream downstream dependency peer client remote waiting wait',
  cpu: 'cpu processor core utilization',
  memory: 'memory',
  heap: 'heap',
  rss: 'rss resident',
  leak: 'leak',
  oom: 'oom',
  pool: 'pool connection acquire lease checkout',
  database: 'database db query sql transaction statement',
  lock: 'lock deadlock',
  deploy: 'deploy deployment version release rollout upgrade',
  restart: 'restart reboot',
  scale: 'scale replica',
  config: 'config configuration',
  flag: 'flag',
  log: 'log line message pattern',
  disk: 'disk filesystem storage volume',
  queue: 'queue backlog pending lag',
  network: 'network socket tcp dns packet',
  collector: 'gc garbage pause',
  thread: 'thread worker',
  cache: 'cache eviction',
  limit: 'limit quota throttled',
  exhaustion: 'exhausted full saturated saturation capacity',
  timeout: 'timeout deadline expired',
  refusal: 'refused denied',
  absence: 'unavailable unreachable',
  reset: 'reset closed',
  retry: 'retry backoff',
  crash: 'crash killed panic fatal',
  instance: 'instance',
  host: 'host node neighbour',
  tenant: 'tenant customer user account',
  region: 'region zone',
  route: 'route endpoint method',
  status: 'status code',
  fresh: 'new',
  own: 'itself own born',
  usage: 'usage used count size total',
};
/** Words that say which way a figure went. */
export const UP: ReadonlySet<string> = new Set(
  'up rise rose risen rising increase higher more grow grew grown growing climb climbed jump surge slower slowed slow slowly slowness'.split(
    ' ',
  ),
);
export const DOWN: ReadonlySet<string> = new Set(
  'down fall fell fallen falling decrease lower less fewer drop dropped shrink shrank decline faster fast'.split(' '),
);
export const NEGATIONS: ReadonlySet<string> = new Set(
  "no not never none neither nor without cannot isn't aren't wasn't weren't doesn't don't didn't hasn't haven't hadn't can't won't nothing hardly barely".split(
    ' ',
  ),
);
/** Words that claim a cause; see verify-sentence.ts for the one place they may be used of. */
export const CAUSAL: ReadonlySet<string> = new Set(
  'because cause due responsible culprit origin root reason explain explains therefore thus hence so source suspect'.split(' '),
);
/** Carry a sentence and claim nothing of their own. */
export const NEUTRAL: ReadonlySet<string> = new Set(
  (
    'a an the of in on at to from by with and is are was were has have had be been being it its this that these those which while when ' +
    'where as for per each service trouble incident now seen see show shows shown against than compared usual usually normally during ' +
    'since about around nearly roughly approximately evidence take takes took taken taking need needs per their there same ' +
    'before began begin begins value rate share part change changed changes reach reaches reached previously processing spend ' +
    'spends spent answer answers between goes went currently time became become much very instead sharply significantly clearly strongly considerably ' +
    'high report response respond happened likely use'
  ).split(' '),
);

const SUBJECT_OF: ReadonlyMap<string, string> = new Map(
  Object.entries(SUBJECTS).flatMap(([subject, words]) => words.split(' ').map((word): [string, string] => [word, subject])),
);
const ENDINGS: readonly (readonly [RegExp, string])[] = [
  [/(?<!s)s$/, ''],
  [/es$/, ''],
  [/ies$/, 'y'],
  [/ed$/, ''],
  [/d$/, ''],
  [/ing$/, ''],
  [/ing$/, 'e'],
  [/(\w)\1(?:ed|ing)$/, '$1'],
];
/** The listed form of a word for which `isListed` holds; null when there is none. */
function listed(word: string, isListed: (form: string) => boolean): string | null {
  if (isListed(word)) return word;
  for (const [ending, instead] of ENDINGS) {
    const form = word.replace(ending, instead);
    if (form !== word && form.length > 1 && isListed(form)) return form;
  }
  return null;
}
/** What a word claims to be about; null: nothing. */
export function subjectOf(word: string): string | null {
  const form = listed(word, (w) => SUBJECT_OF.has(w));
  return form === null ? null : (SUBJECT_OF.get(form) ?? null);
}
/** Whether a word, in any of its forms, is in the set. */
export const isOneOf = (words: ReadonlySet<string>, word: string): boolean => listed(word, (w) => words.has(w)) !== null;

/** Words of a name that telemetry gave, in their order, each once: only listed ones, at most `most`. May be ''. */
export function knownWords(name: string, most: number): string {
  const words = name
    .slice(0, 2_000)
    .replace(/([a-z])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z]+/);
  // "slow_queries" would claim that something slowed down: a name says what is counted, not which way it went.
  const known = words.flatMap((word) => listed(word, (w) => SUBJECT_OF.has(w) && !UP.has(w) && !DOWN.has(w)) ?? []);
  return [...new Set(known)].slice(0, most).join(' ');
}
