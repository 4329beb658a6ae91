import { OtlpError } from '#collectors/otlp/otlp-error.ts';

/**
 * One line of StatsD (github.com/statsd/statsd, docs/metric_types.md) with DogStatsD's tags, packed values, container and time
 * (docs.datadoghq.com, "Datagram Format", protocol v1.0 to v1.3): `name:value|type|@rate|#tag:value,tag`.
 */
export type StatsdKind = 'counter' | 'gauge' | 'timer' | 'histogram' | 'set';
export interface StatsdSample {
  readonly kind: StatsdKind;
  readonly name: string;
  readonly values: readonly number[];
  /** A gauge that is moved by its value, not set to it. */
  readonly relative: boolean;
  /** Of a set; '' else. */
  readonly member: string;
  /** Observations one value stands for: 1 / sample rate. */
  readonly weight: number;
  /** `key:value`, sorted; a tag without a value is its own key. */
  readonly tags: readonly string[];
  /** '' = not said. */
  readonly containerId: string;
  /** Unix seconds; 0 = when it came. */
  readonly timeSeconds: number;
}
/** h: DogStatsD's histogram, d: its distribution (one server sees all there is of both); m: the meter of statsd's export specification. */
const KINDS: Readonly<Record<string, StatsdKind>> = {
  c: 'counter',
  m: 'counter',
  g: 'gauge',
  ms: 'timer',
  h: 'histogram',
  d: 'histogram',
  s: 'set',
};
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?$/i;
const MAX_NAME_CHARS = 1_024;
/** As DogStatsD's own: ci-ID; in-INODE names no container outside its machine. */
const CONTAINER = /^c:(?:ci-)?([0-9a-zA-Z][\w-]{5,127})$/;
/** Unix seconds until the year 2262, the last one nanoseconds in 64 bits can tell. */
const MAX_SECONDS = 9_223_372_036;

const bad = (line: string, what: string): OtlpError => new OtlpError('malformed', `${what}: ${JSON.stringify(line.slice(0, 80))}`);

function numberOf(line: string, text: string): number {
  const value = NUMBER.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value)) throw bad(line, `${JSON.stringify(text.slice(0, 40))} is no number`);
  return value;
}
function rateOf(line: string, text: string): number {
  const rate = numberOf(line, text);
  if (rate > 0 && rate <= 1) return rate;
  throw bad(line, `the sample rate ${rate} is not above 0 and at most 1`);
}
function secondsOf(line: string, text: string): number {
  const seconds = /^\d{1,11}$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_SECONDS) return seconds;
  throw bad(line, `the time ${JSON.stringify(text.slice(0, 40))} is no Unix time in seconds`);
}

/** @param line without its line end @throws OtlpError malformed */
export function parseLine(line: string): StatsdSample {
  if (line.startsWith('_e{') || line.startsWith('_sc|')) throw bad(line, 'DogStatsD events and service checks are not taken');
  const [head = '', type = '', ...sections] = line.split('|');
  const colon = head.indexOf(':');
  const name = head.slice(0, Math.max(0, colon)).trim();
  const given = head.slice(colon + 1);
  if (colon < 0 || name === '' || type === '') throw bad(line, 'no name:value|type');
  if (name.length > MAX_NAME_CHARS) throw bad(line, `the name has ${name.length} characters, the limit is ${MAX_NAME_CHARS}`);
  const kind = Object.hasOwn(KINDS, type) ? (KINDS[type] as StatsdKind) : null;
  if (kind === null) throw bad(line, `the type ${JSON.stringify(type.slice(0, 20))} is none of c, g, ms, h, d, s, m`);
  let rate = 1;
  let tags: readonly string[] = [];
  let containerId = '';
  let timeSeconds = 0;
  for (const section of sections) {
    if (section.startsWith('@')) rate = rateOf(line, section.slice(1));
    else if (section.startsWith('#')) tags = tagsOf(section.slice(1));
    else if (section.startsWith('T')) timeSeconds = secondsOf(line, section.slice(1));
    else if (section.startsWith('c:') && !section.startsWith('c:in-')) containerId = CONTAINER.exec(section)?.[1] ?? '';
    // Others are of later protocols, and no reason to drop the value.
  }
  const isSet = kind === 'set';
  if (isSet && given === '') throw bad(line, 'a set without a value');
  return {
    kind,
    name,
    values: isSet ? [] : given.split(':').map((text) => numberOf(line, text)),
    relative: kind === 'gauge' && timeSeconds === 0 && /^[+-]/.test(given),
    member: isSet ? given : '',
    weight: kind === 'gauge' || isSet ? 1 : 1 / rate,
    tags,
    containerId,
    timeSeconds,
  };
}
/** One order: senders that say the same in another are one series. */
function tagsOf(text: string): readonly string[] {
  const tags = text.split(',').filter((tag) => tag !== '');
  return tags.length > 1 ? tags.sort() : tags;
}
