import { z } from 'zod';
import {
  ALERTING_LIMITS,
  alertingOverviewSchema,
  alertNoticeSchema,
  alertViewSchema,
  deliveriesAnswerSchema,
  deliverySchema,
  silenceEditSchema,
  silenceViewSchema,
  traceSchema,
} from '#contracts/alerting.ts';
import { FaultlineError } from '#contracts/errors.ts';
import { alertView, describeAlerting, silenceViews } from '#main/engine/alerting/notify/describe-alerting.ts';
import { traceAlert } from '#main/engine/alerting/notify/trace-alert.ts';
import { ruleAlertOf } from '#main/engine/alerting/rule-alert.ts';
import { fingerprintOf } from '#query/alerting/alert.ts';
import { type Route, route } from './route.ts';

const MAX_PAGE = 200;
const fingerprint = z.string().regex(/^[0-9a-f]{16}$/, 'a fingerprint has 16 hexadecimal digits');
/** Time and id of a line: where the next page begins. */
function readPlace(text: string | undefined): { atMs: number; id: string } | undefined {
  if (text === undefined) return undefined;
  const [, atMs, id] = /^(\d+)\.([\w-]{1,64})$/.exec(text) ?? [];
  if (atMs === undefined || id === undefined) throw new FaultlineError('bad_request', 'Parameter "before": it is what "next" was.');
  return { atMs: Number(atMs), id };
}

export const notificationRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/alerting',
    summary: 'Notifications at a glance: configuration and its problems, routes with their groups, receivers with their health.',
    answer: alertingOverviewSchema,
    handle: async ({ engine: { parts } }) => describeAlerting(parts.notifier, parts.alertmanagers.views(), parts.nowMs()),
  }),
  route({
    method: 'get',
    path: '/console/alerting/received',
    summary: 'Alerts as the routes have them, of rules and of other senders: where they go and what holds them back.',
    query: z.object({ limit: z.coerce.number().int().min(1).max(5_000).default(1_000) }),
    answer: z.object({ alerts: z.array(alertViewSchema), total: z.number() }),
    async handle({ engine: { parts }, query }) {
      const all = parts.notifier.dispatcher.alerts();
      const nowMs = parts.nowMs();
      const views = all.slice(0, query.limit).map((alert) => alertView(parts.notifier, alert, nowMs));
      return { alerts: views.sort((a, b) => b.updatedAtMs - a.updatedAtMs), total: all.length };
    },
  }),
  route({
    method: 'get',
    path: '/console/alerting/silences',
    summary: 'Silences: active ones by their end, pending ones, expired ones; each with how many alerts it holds back now.',
    answer: z.object({ silences: z.array(silenceViewSchema), limit: z.number() }),
    handle: async ({ engine: { parts } }) => ({ silences: silenceViews(parts.notifier, parts.nowMs()), limit: ALERTING_LIMITS.silences }),
  }),
  route({
    method: 'post',
    path: '/console/alerting/silences',
    summary: 'Adds a silence, or changes the one with its id; a change of its past makes a new one, with another id.',
    body: silenceEditSchema,
    answer: z.object({ id: z.string() }),
    handle: async ({ engine: { parts }, body }) => ({ id: await parts.notifier.silences.set(body) }),
  }),
  route({
    method: 'delete',
    path: '/console/alerting/silences/:id',
    summary: 'Ends a silence now.',
    answer: z.object({ expired: z.string() }),
    async handle({ engine: { parts }, params }) {
      await parts.notifier.silences.expire(params['id'] ?? '');
      return { expired: params['id'] ?? '' };
    },
  }),
  route({
    method: 'get',
    path: '/console/alerting/deliveries',
    summary: 'The delivery log, newest first: each turn of a group, what was sent and what was not, and why.',
    query: z.object({
      limit: z.coerce.number().int().min(1).max(MAX_PAGE).default(50),
      before: z.string().optional(),
      receiver: z.string().max(1_000).optional(),
      groupKey: z.string().max(10_000).optional(),
      outcome: deliverySchema.shape.outcome.optional(),
      fingerprint: fingerprint.optional(),
    }),
    answer: deliveriesAnswerSchema,
    async handle({ engine: { parts }, query }) {
      const { before, limit, ...wanted } = query;
      const deliveries = await parts.notifier.book.list({ ...wanted, limit, before: readPlace(before) });
      const last = deliveries.at(-1);
      const next = last && deliveries.length === limit ? `${last.atMs}.${last.id}` : null;
      return { deliveries, next, kept: parts.notifier.book.kept };
    },
  }),
  route({
    method: 'get',
    path: '/console/alerting/trace/:fingerprint',
    summary: 'Why an alert did or did not notify: rule, pending, firing, routes, groups, what holds it back, deliveries.',
    answer: traceSchema,
    async handle({ engine: { parts, alerting }, params }) {
      const wanted = fingerprint.safeParse(params['fingerprint']);
      if (!wanted.success) throw new FaultlineError('bad_request', 'A fingerprint has 16 hexadecimal digits.');
      const ofRule = ruleAlertOf(alerting, (labels) => fingerprintOf(labels) === wanted.data);
      return traceAlert(parts.notifier, wanted.data, ofRule, parts.nowMs());
    },
  }),
  route({
    method: 'get',
    path: '/console/alerting/notices',
    summary: 'The newest notifications for this desktop, oldest first; the event "alert" of /console/events brings them as they come.',
    answer: z.object({ notices: z.array(alertNoticeSchema) }),
    handle: async ({ engine: { parts } }) => ({ notices: parts.notifier.notices.list() }),
  }),
];
