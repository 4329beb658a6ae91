import type { Context, Hono } from 'hono';
import type { SilenceRecord } from '#contracts/alerting.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { alertView, mutedBy } from '#main/engine/alerting/notify/describe-alerting.ts';
import type { Notifier } from '#main/engine/alerting/notify/notifier.ts';
import type { Engine } from '#main/engine/engine.ts';
import { type Alert, fingerprintOf, isResolved } from '#query/alerting/alert.ts';
import { type Matcher, matchesAll } from '#query/alerting/matcher.ts';
import { MatcherError, parseMatcher } from '#query/alerting/parse-matchers.ts';
import { type SilenceState, silenceState } from '#query/alerting/silence.ts';
import { compileLabelRegex } from '#query/promql/label-regex.ts';
import { compareText, entriesOf } from '#query/promql/labels.ts';
import { Refusal, readAlerts, readSilence, unprocessable } from './alertmanager-body.ts';
import type { Shared } from './create-api.ts';

/** Alertmanager's API v2, by its OpenAPI document; words and status codes of Alertmanager 0.25, which stood beside it. */
const time = (ms: number): string => new Date(ms).toISOString();
const isFalse = (text: string | null): boolean => text !== null && /^(?:0|f|false)$/i.test(text);
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

function matchersOf(query: URLSearchParams, name: string): Matcher[] {
  return query.getAll(name).map((text) => {
    try {
      return parseMatcher(text);
    } catch (error) {
      if (!(error instanceof MatcherError)) throw error;
      throw new Refusal(400, error.message);
    }
  });
}
/** Receivers whose name fits, as a whole. */
function receiverTest(query: URLSearchParams): (name: string) => boolean {
  const pattern = query.get('receiver');
  if (pattern === null || pattern === '') return () => true;
  try {
    return compileLabelRegex(pattern);
  } catch (error) {
    throw new Refusal(400, `failed to parse receiver param: ${(error as Error).message}`);
  }
}
/** Of receivers that have no labels here: a condition on one holds for '' alone. */
function receiverMatchers(query: URLSearchParams): (name: string) => boolean {
  const matchers = matchersOf(query, 'receiver_matchers');
  const fits = receiverTest(query);
  return (name) => fits(name) && matchers.every(({ matches }) => matches(''));
}

function alertOf(notifier: Notifier, alert: Alert, nowMs: number): Record<string, unknown> {
  const { fingerprint, labels, annotations, state, receivers, silencedBy, inhibitedBy, mutedBy: muted } = alertView(notifier, alert, nowMs);
  return {
    annotations,
    endsAt: time(alert.endsAtMs),
    fingerprint,
    receivers: receivers.map((name) => ({ name })),
    startsAt: time(alert.startsAtMs),
    status: { inhibitedBy, mutedBy: muted, silencedBy, state },
    updatedAt: time(alert.updatedAtMs),
    ...(alert.generatorUrl === '' ? {} : { generatorURL: alert.generatorUrl }),
    labels,
  };
}
/** Alerts as parameters of /alerts and /alerts/groups want them. */
function alertTest({ dispatcher }: Notifier, query: URLSearchParams, nowMs: number): (alert: Alert) => boolean {
  const matchers = matchersOf(query, 'filter');
  const [active, silenced, inhibited] = ['active', 'silenced', 'inhibited'].map((name) => !isFalse(query.get(name)));
  return (alert) => {
    if (isResolved(alert, nowMs)) return false;
    const { silencedBy, inhibitedBy } = dispatcher.stateOf(alert.labels, nowMs);
    if (!active && silencedBy.length + inhibitedBy.length === 0) return false;
    if ((!silenced && silencedBy.length > 0) || (!inhibited && inhibitedBy.length > 0)) return false;
    return matchesAll(matchers, alert.labels);
  };
}
function alertsOf(notifier: Notifier, query: URLSearchParams, nowMs: number): unknown[] {
  const { dispatcher } = notifier;
  const [wanted, receiver] = [alertTest(notifier, query, nowMs), receiverMatchers(query)];
  return dispatcher
    .alerts()
    .filter((alert) => wanted(alert) && dispatcher.routesOf(alert.labels).some((route) => receiver(route.receiver)))
    .map((alert) => ({ alert, fingerprint: fingerprintOf(alert.labels) }))
    .sort((a, b) => (a.fingerprint < b.fingerprint ? -1 : 1))
    .map(({ alert }) => alertOf(notifier, alert, nowMs));
}
function groupsOf(notifier: Notifier, query: URLSearchParams, nowMs: number): unknown[] {
  const { dispatcher, config } = notifier;
  const [wanted, receiver] = [alertTest(notifier, query, nowMs), receiverMatchers(query)];
  const withMuted = !isFalse(query.get('muted'));
  return dispatcher
    .groups()
    .filter(({ route }) => receiver(route.receiver) && (withMuted || mutedBy(config.current, route, nowMs).names.length === 0))
    .map(({ route, groupLabels, alerts }) => ({
      labels: Object.fromEntries(entriesOf(groupLabels)),
      receiver: { name: route.receiver },
      routeLabels: {},
      key: groupLabels.key,
      alerts: alerts
        .filter(wanted)
        .sort((a, b) => (fingerprintOf(a.labels) < fingerprintOf(b.labels) ? -1 : 1))
        .map((alert) => alertOf(notifier, alert, nowMs)),
    }))
    .filter(({ alerts }) => alerts.length > 0)
    .sort((a, b) => compareText(a.key, b.key) || compareText(a.receiver.name, b.receiver.name))
    .map(({ key: _, ...group }) => group);
}

function silenceOf(
  { id, matchers, startsAtMs, endsAtMs, updatedAtMs, createdBy, comment, annotations }: SilenceRecord,
  nowMs: number,
): object {
  return {
    id,
    status: { state: silenceState({ startsAtMs, endsAtMs }, nowMs) },
    updatedAt: time(updatedAtMs),
    annotations,
    comment,
    createdBy,
    endsAt: time(endsAtMs),
    matchers: matchers.map(({ name, value, isRegex, isEqual }) => ({ isEqual, isRegex, name, value })),
    startsAt: time(startsAtMs),
  };
}
/** A filter is about the silence's own matchers: their values are what it looks at. */
function silenceTest(query: URLSearchParams, nowMs: number): (silence: SilenceRecord) => boolean {
  const filters = matchersOf(query, 'filter');
  const states = (['active', 'pending', 'expired'] as const).filter((name) => !isFalse(query.get(name)));
  return (silence) => {
    if (!states.includes(silenceState(silence, nowMs) satisfies SilenceState)) return false;
    const values = new Map(silence.matchers.map(({ name, value }) => [name, value]));
    return filters.every(({ name, operator, value, matches }) => {
      const has = values.has(name);
      const isNegative = operator === '!=' || operator === '!~';
      if (value === '' && has === isNegative) return true;
      return (isNegative || has) && matches(values.get(name) ?? '');
    });
  };
}

async function bodyOf(c: Context, what: string): Promise<unknown> {
  const type = (c.req.header('content-type') ?? '').split(';')[0]?.trim().toLowerCase();
  if (type !== 'application/json')
    throw new Refusal(415, { code: 415, message: `unsupported media type ${JSON.stringify(type)}, only [application/json] are allowed` });
  const text = await c.req.text();
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, { code: 400, message: `parsing ${what} body from "" failed, because ${(error as Error).message}` });
  }
}
const idOf = (c: Context): string => {
  const id = c.req.param('id') ?? '';
  if (!UUID.test(id)) throw unprocessable(601, `silenceID in path must be of type uuid: ${JSON.stringify(id)}`);
  return id;
};

/** Registers it under /api/v2. Who may call it has been asked by then. */
export function serveAlertmanager(app: Hono<{ Variables: Shared }>, engine: Engine): void {
  const { notifier, nowMs, version } = engine.parts;
  type Answer = (c: Context, query: URLSearchParams) => Promise<unknown>;
  const on = (method: 'get' | 'post' | 'delete', path: string, answer: Answer): void => {
    app[method](`/api/v2${path}`, async (c: Context) => {
      c.set('route', `${method} /api/v2${path}`);
      try {
        const said = await answer(c, new URL(c.req.url).searchParams);
        return said === undefined ? c.body(null, 200) : c.json(said as never);
      } catch (error) {
        if (error instanceof Refusal) return c.json(error.body as never, error.status);
        if (error instanceof FaultlineError && error.code === 'bad_request') return c.json(error.message as never, 400);
        if (error instanceof FaultlineError && error.code === 'not_found') return c.json(error.message as never, 404);
        throw error;
      }
    });
  };
  on('get', '/status', async () => ({
    cluster: { peers: [], status: 'disabled' },
    config: { original: notifier.config.text },
    uptime: time(notifier.startedMs),
    versionInfo: { branch: '', buildDate: '', buildUser: '', goVersion: '', revision: 'faultline', version },
  }));
  on('get', '/receivers', async (_, query) => {
    const fits = receiverMatchers(query);
    return notifier.config.current.receivers.filter(({ name }) => fits(name)).map(({ name }) => ({ name }));
  });
  on('get', '/silences', async (_, query) =>
    notifier.silences
      .all()
      .filter(silenceTest(query, nowMs()))
      .map((each) => silenceOf(each, nowMs())),
  );
  on('post', '/silences', async (c) => ({ silenceID: await notifier.silences.set(readSilence(await bodyOf(c, 'silence'))) }));
  on('get', '/silence/:id', async (c) => {
    const found = notifier.silences.get(idOf(c));
    if (!found) throw new Refusal(404, 'silence not found');
    return silenceOf(found, nowMs());
  });
  on('delete', '/silence/:id', (c) => notifier.silences.expire(idOf(c)));
  on('get', '/alerts', async (_, query) => alertsOf(notifier, query, nowMs()));
  on('get', '/alerts/groups', async (_, query) => groupsOf(notifier, query, nowMs()));
  on('post', '/alerts', async (c) => {
    const refused = notifier.receive(readAlerts(await bodyOf(c, 'alerts')), 'api');
    if (refused > 0) throw new Refusal(400, `${refused} alerts are not taken: there are too many`);
  });
  app.all('/api/v2/*', (c) => c.json({ code: 404, message: `path ${c.req.path} was not found` }, 404));
}
