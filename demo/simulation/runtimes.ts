import type { Language } from '../shop/topology.ts';

interface Runtime {
  readonly resource: Readonly<Record<string, string>>;
  /** Instrumentation scopes: server spans, client spans, database and queue spans. */
  readonly scopes: readonly { readonly name: string; readonly version: string }[];
  readonly logger: string;
  readonly meter: string;
}
const sdk = (language: string, version: string, name: string, runtime: string): Record<string, string> => ({
  'telemetry.sdk.name': 'opentelemetry',
  'telemetry.sdk.language': language,
  'telemetry.sdk.version': version,
  'process.runtime.name': name,
  'process.runtime.version': runtime,
});
/** What the SDK of each language says about itself. */
export const RUNTIMES: Readonly<Record<Language, Runtime>> = {
  java: {
    resource: sdk('java', '1.58.0', 'OpenJDK Runtime Environment', '21.0.9+10'),
    scopes: [
      { name: 'io.opentelemetry.tomcat-10.0', version: '2.24.0' },
      { name: 'io.opentelemetry.java-http-client', version: '2.24.0' },
      { name: 'io.opentelemetry.jdbc', version: '2.24.0' },
    ],
    logger: 'io.opentelemetry.logback-appender-1.0',
    meter: 'io.opentelemetry.runtime-telemetry-java17',
  },
  go: {
    resource: sdk('go', '1.39.0', 'go', 'go1.25.4'),
    scopes: [
      { name: 'go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp', version: '0.64.0' },
      { name: 'go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc', version: '0.64.0' },
      { name: 'github.com/redis/go-redis/extra/redisotel', version: '9.17.0' },
    ],
    logger: 'go.opentelemetry.io/contrib/bridges/otelslog',
    meter: 'go.opentelemetry.io/contrib/instrumentation/runtime',
  },
  nodejs: {
    resource: sdk('nodejs', '2.3.0', 'nodejs', '24.11.1'),
    scopes: [
      { name: '@opentelemetry/instrumentation-http', version: '0.209.0' },
      { name: '@opentelemetry/instrumentation-undici', version: '0.19.0' },
      { name: '@opentelemetry/instrumentation-pg', version: '0.62.0' },
    ],
    logger: '@opentelemetry/instrumentation-pino',
    meter: '@opentelemetry/instrumentation-runtime-node',
  },
  python: {
    resource: sdk('python', '1.39.0', 'cpython', '3.13.9'),
    scopes: [
      { name: 'opentelemetry.instrumentation.fastapi', version: '0.60b0' },
      { name: 'opentelemetry.instrumentation.httpx', version: '0.60b0' },
      { name: 'opentelemetry.instrumentation.redis', version: '0.60b0' },
    ],
    logger: 'opentelemetry.sdk._logs',
    meter: 'opentelemetry.instrumentation.system_metrics',
  },
};
