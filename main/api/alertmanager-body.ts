import { ALERTING_LIMITS } from '#contracts/alerting.ts';
import type { SilenceEdit } from '#main/engine/alerting/notify/silence-book.ts';
import type { PostedAlert } from '#query/alerting/alert.ts';
import { labelsOf } from '#query/promql/labels.ts';

/** An answer other than 200, in Alertmanager's words: a text, or what its generated server says of a body's shape. */
export class Refusal extends Error {
  readonly status: 400 | 404 | 415 | 422;
  readonly body: unknown;
  constructor(status: Refusal['status'], body: unknown) {
    super(typeof body === 'string' ? body : JSON.stringify(body));
    this.status = status;
    this.body = body;
  }
}
export const unprocessable = (code: number, message: string): Refusal => new Refusal(422, { code, message });
const malformed = (what: string, why: string): Refusal =>
  new Refusal(400, { code: 400, message: `parsing ${what} body from "" failed, because ${why}` });

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null && !Array.isArray(value);
const GO_NAMES: Readonly<Record<string, string>> = { string: 'string', number: 'number', boolean: 'bool', object: 'object' };
const goKind = (value: unknown): string => (Array.isArray(value) ? 'array' : (GO_NAMES[typeof value] ?? typeof value));

/** Reads the fields of a body; what is of another kind is refused. */
class Reader {
  private readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
  fail(why: string): Refusal {
    return malformed(this.what, why);
  }
  text(value: unknown, field: string): string {
    if (value === undefined || value === null) return '';
    if (typeof value === 'string') return value;
    throw this.fail(`json: cannot unmarshal ${goKind(value)} into Go struct field ${field} of type string`);
  }
  truth(value: unknown, field: string, absent: boolean): boolean {
    if (value === undefined || value === null) return absent;
    if (typeof value === 'boolean') return value;
    throw this.fail(`json: cannot unmarshal ${goKind(value)} into Go struct field ${field} of type bool`);
  }
  texts(value: unknown, field: string): [string, string][] {
    if (value === undefined || value === null) return [];
    if (!isFields(value)) throw this.fail(`json: cannot unmarshal ${goKind(value)} into Go struct field ${field}`);
    return Object.entries(value).map(([name, text]) => [name, this.text(text, field)]);
  }
  /** null: not said. */
  time(value: unknown, field: string): number | null {
    const text = this.text(value, field);
    // Go's zero time: nothing was set.
    if (text === '' || text.startsWith('0001-01-01T00:00:00')) return null;
    const ms = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(ms)) throw this.fail(`parsing time ${JSON.stringify(text)} as RFC 3339: cannot parse it`);
    return ms;
  }
}
/** Characters of a label's name that are none. */
const isName = (name: string): boolean => name !== '' && name.isWellFormed();

/** Alerts of `POST /api/v2/alerts`; one that is wrong refuses them all. @throws Refusal */
export function readAlerts(body: unknown): PostedAlert[] {
  const reader = new Reader('alerts');
  if (!Array.isArray(body)) throw reader.fail(`json: cannot unmarshal ${goKind(body)} into Go value of type models.PostableAlerts`);
  return body.map((each: unknown, i): PostedAlert => {
    if (!isFields(each)) throw reader.fail(`json: cannot unmarshal ${goKind(each)} into Go value of type models.PostableAlert`);
    if (!isFields(each['labels'])) throw unprocessable(602, `${i}.labels in body is required`);
    const entries = reader.texts(each['labels'], 'Alert.labels').filter(([, value]) => value !== '');
    const annotations = reader.texts(each['annotations'], 'annotations').filter(([, value]) => value !== '');
    const generatorUrl = reader.text(each['generatorURL'], 'Alert.generatorURL');
    if (generatorUrl !== '' && !URL.canParse(generatorUrl))
      throw unprocessable(601, `${i}.generatorURL in body must be of type uri: ${JSON.stringify(generatorUrl)}`);
    if (entries.length === 0) throw new Refusal(400, 'at least one label pair required');
    for (const [name] of entries) if (!isName(name)) throw new Refusal(400, `invalid label set: invalid name ${JSON.stringify(name)}`);
    const [startsAtMs, endsAtMs] = [reader.time(each['startsAt'], 'startsAt'), reader.time(each['endsAt'], 'endsAt')];
    if (startsAtMs !== null && endsAtMs !== null && startsAtMs > endsAtMs) throw new Refusal(400, 'start time must be before end time');
    const bytes = Buffer.byteLength(JSON.stringify([entries, annotations, generatorUrl]));
    if (bytes > ALERTING_LIMITS.alertBytes)
      throw new Refusal(400, `alert ${i} has ${bytes} bytes of labels and annotations (limit: ${ALERTING_LIMITS.alertBytes})`);
    return { labels: labelsOf(entries), annotations: new Map(annotations), startsAtMs, endsAtMs, generatorUrl };
  });
}
/** A silence of `POST /api/v2/silences`. @throws Refusal */
export function readSilence(body: unknown): SilenceEdit {
  const reader = new Reader('silence');
  if (!isFields(body)) throw reader.fail(`json: cannot unmarshal ${goKind(body)} into Go value of type struct`);
  for (const field of ['comment', 'createdBy', 'endsAt', 'matchers', 'startsAt'])
    if (body[field] === undefined) throw unprocessable(602, `${field} in body is required`);
  const matchers = body['matchers'];
  if (!Array.isArray(matchers)) throw reader.fail(`json: cannot unmarshal ${goKind(matchers)} into Go struct field matchers`);
  if (matchers.length === 0) throw unprocessable(612, 'matchers in body should have at least 1 items');
  return {
    id: reader.text(body['id'], 'id'),
    matchers: matchers.map((each: unknown, i) => {
      if (!isFields(each)) throw reader.fail(`json: cannot unmarshal ${goKind(each)} into Go value of type models.Matcher`);
      for (const field of ['isRegex', 'name', 'value'])
        if (each[field] === undefined) throw unprocessable(602, `matchers.${i}.${field} in body is required`);
      return {
        name: reader.text(each['name'], 'name'),
        value: reader.text(each['value'], 'value'),
        isRegex: reader.truth(each['isRegex'], 'isRegex', false),
        isEqual: reader.truth(each['isEqual'], 'isEqual', true),
      };
    }),
    startsAtMs: reader.time(body['startsAt'], 'startsAt') ?? 0,
    endsAtMs: reader.time(body['endsAt'], 'endsAt') ?? 0,
    createdBy: reader.text(body['createdBy'], 'createdBy'),
    comment: reader.text(body['comment'], 'comment'),
    annotations: Object.fromEntries(reader.texts(body['annotations'], 'annotations')),
  };
}
