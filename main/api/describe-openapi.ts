import { z } from 'zod';
import { errorBodySchema } from '#contracts/console-api.ts';
import type { Route } from './route.ts';

type Json = Record<string, unknown>;
const schemaOf = (schema: z.ZodType, io: 'input' | 'output'): Json =>
  z.toJSONSchema(schema, { io, unrepresentable: 'any', target: 'openapi-3.0' }) as Json;

function parametersOf(route: Route): Json[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name]) => ({ name, in: 'path', required: true, schema: { type: 'string' } }));
  if (!route.query) return inPath;
  const schema = schemaOf(route.query, 'input');
  const required = new Set((schema['required'] as string[] | undefined) ?? []);
  const inQuery = Object.entries((schema['properties'] as Json | undefined) ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: required.has(name),
    schema: property,
  }));
  return [...inPath, ...inQuery];
}
function answerOf(route: Route): Json {
  const description = route.summary;
  if (route.answer === 'arrow') {
    return {
      description: `${description} Arrow IPC stream; schema metadata "query" is the statement.`,
      content: { 'application/vnd.apache.arrow.stream': { schema: { type: 'string', format: 'binary' } } },
    };
  }
  if (route.answer === 'response') return { description };
  return { description, content: { 'application/json': { schema: schemaOf(route.answer, 'output') } } };
}

/** The OpenAPI document of the console's own API, from the same table the routes are made of. */
export function describeOpenapi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    const path = route.path.replace(/:(\w+)/g, '{$1}');
    paths[path] ??= {};
    (paths[path] as Json)[route.method] = {
      summary: route.summary,
      parameters: parametersOf(route),
      ...(route.body ? { requestBody: { content: { 'application/json': { schema: schemaOf(route.body, 'input') } } } } : {}),
      responses: {
        200: answerOf(route),
        default: { description: 'Error', content: { 'application/json': { schema: schemaOf(errorBodySchema, 'output') } } },
      },
    };
  }
  return {
    openapi: '3.0.3',
    info: { title: 'Faultline console API', version },
    security: [{ token: [] }],
    components: { securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
    paths,
  };
}
