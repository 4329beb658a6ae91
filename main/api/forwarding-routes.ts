import { z } from 'zod';
import { destinationSchema, destinationTestSchema, destinationViewSchema, forwardingSchema } from '#contracts/forwarding.ts';
import { type Route, route } from './route.ts';

/** Without `headers` the known ones stay: their values are never sent to the page. */
const editSchema = destinationSchema.extend({ headers: destinationSchema.shape.headers.unwrap().optional() });
const nameOf = (params: Readonly<Record<string, string>>): string => params['name'] ?? '';

export const forwardingRoutes: readonly Route[] = [
  route({
    method: 'get',
    path: '/console/forwarding',
    summary: 'Destinations telemetry is sent on to: state, queue, counters. No header value is ever answered.',
    answer: forwardingSchema,
    handle: async (call) => call.engine.forwarding.view(),
  }),
  route({
    method: 'post',
    path: '/console/forwarding/destinations',
    summary: 'Adds a destination, or changes the one of that name; without headers the known ones stay.',
    body: editSchema,
    answer: destinationViewSchema,
    handle: (call) => call.engine.forwarding.save(call.body),
  }),
  route({
    method: 'post',
    path: '/console/forwarding/test',
    summary: 'Sends an empty request to a destination, saved or not.',
    body: editSchema,
    answer: destinationTestSchema,
    handle: (call) => call.engine.forwarding.test(call.body),
  }),
  route({
    method: 'post',
    path: '/console/forwarding/destinations/:name/pause',
    summary: 'Stops sending; the queue goes on growing up to its limits.',
    answer: destinationViewSchema,
    handle: (call) => call.engine.forwarding.pause(nameOf(call.params), true),
  }),
  route({
    method: 'post',
    path: '/console/forwarding/destinations/:name/resume',
    summary: 'Sends again, also after an answer that blocked it.',
    answer: destinationViewSchema,
    handle: (call) => call.engine.forwarding.pause(nameOf(call.params), false),
  }),
  route({
    method: 'delete',
    path: '/console/forwarding/destinations/:name',
    summary: 'Removes a destination with its queue; what waits is not sent.',
    answer: z.object({ removed: z.string() }),
    async handle(call) {
      await call.engine.forwarding.remove(nameOf(call.params));
      return { removed: nameOf(call.params) };
    },
  }),
];
