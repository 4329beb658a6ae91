/** How a program of each language sends its telemetry here. Environment variables are those of the OTel specification. */
export interface Recipe {
  readonly language: string;
  /** What to install or start; a comment when the environment alone is enough. */
  readonly run: string;
}
export const RECIPES: readonly Recipe[] = [
  { language: 'Node.js', run: 'node --import @opentelemetry/auto-instrumentations-node/register app.js' },
  { language: 'Python', run: 'opentelemetry-instrument python app.py' },
  { language: 'Java', run: 'java -javaagent:opentelemetry-javaagent.jar -jar app.jar' },
  { language: 'Go', run: './app   # exporter: otlptracehttp.New(ctx)' },
  { language: '.NET', run: 'dotnet run   # services.AddOpenTelemetry().UseOtlpExporter()' },
  { language: 'Ruby', run: 'ruby app.rb   # OpenTelemetry::SDK.configure(&:use_all)' },
  { language: 'PHP', run: 'OTEL_PHP_AUTOLOAD_ENABLED=true php app.php' },
  { language: 'Rust', run: 'cargo run   # opentelemetry_otlp::SpanExporter::builder().with_http()' },
];
export type Place = 'here' | 'docker';
/** Lines to paste into a shell. `ingest`: address of the HTTP receiver, such as http://127.0.0.1:4318. */
export function sendLines(recipe: Recipe, ingest: string, place: Place): string {
  const port = /:(\d+)\/?$/.exec(ingest)?.[1] ?? '4318';
  const endpoint = place === 'docker' ? `http://host.docker.internal:${port}` : ingest.replace(/\/$/, '');
  const env = [
    ['OTEL_SERVICE_NAME', 'my-service'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', endpoint],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'http/protobuf'],
    ['OTEL_LOGS_EXPORTER', 'otlp'],
    ['OTEL_METRICS_EXPORTER', 'otlp'],
  ];
  if (place === 'here') return [...env.map(([name, value]) => `export ${name}=${value}`), recipe.run].join('\n');
  const flags = env.map(([name, value]) => `  -e ${name}=${value} \\`);
  return ['docker run --add-host host.docker.internal:host-gateway \\', ...flags, '  my-image'].join('\n');
}
