/**
 * What a metric is about, recognised by the words of its name: OpenTelemetry semantic conventions
 * (https://opentelemetry.io/docs/specs/semconv/general/metrics/), Prometheus client libraries, node exporter,
 * cAdvisor and the common connection pools. 'other' when no family fits.
 */
export type MetricFamily =
  | 'memory'
  | 'memory_limit'
  | 'gc'
  | 'cpu'
  | 'host_cpu'
  | 'throttled'
  | 'pool_pending'
  | 'pool_used'
  | 'pool_max'
  | 'pool_timeouts'
  | 'pool_wait'
  | 'restarts'
  | 'uptime'
  | 'start_time'
  | 'queue'
  | 'disk'
  | 'other';

const POOL = /(connection|pool|hikari|conns?(_|$)|sql_db|go_sql|dbcp)/;

function poolFamily(name: string, labels: string): MetricFamily {
  if (/(timeout|timed_out)/.test(name)) return 'pool_timeouts';
  if (/(wait|acquire|acquisition).*(time|duration|seconds|millis|ms)|(time|duration).*(wait|acquire)/.test(name)) return 'pool_wait';
  if (/(pending|waiting|waiters|queued|wait_count|wait_total|awaiting)/.test(name)) return 'pool_pending';
  if (/(create|use)_?time|(create|usage|use)_(seconds|duration)|lifetime/.test(name)) return 'other';
  if (/(max|limit|capacity|size)/.test(name)) return 'pool_max';
  if (/state=(used|active|in_use|busy)/.test(labels)) return 'pool_used';
  if (/state=(pending|waiting)/.test(labels)) return 'pool_pending';
  if (/state=/.test(labels) || /idle|min|free|available/.test(name)) return 'other';
  return /(used|usage|active|in_use|busy|checked_out|borrowed|count|open)/.test(name) ? 'pool_used' : 'other';
}

function cpuFamily(name: string, labels: string): MetricFamily {
  if (/throttl|steal|pressure/.test(name)) return 'throttled';
  if (/(mode|state)=steal/.test(labels)) return 'throttled';
  if (/(mode|state)=(idle|iowait|guest|nice)/.test(labels) || /limit|request|count|frequency|quota|period|info|temperature/.test(name))
    return 'other';
  return /^(system|node|host|machine|windows|k8s_node)_/.test(name) ? 'host_cpu' : 'cpu';
}

function memoryFamily(name: string, labels: string): MetricFamily {
  if (/limit|max|capacity|committed|total_bytes$|memtotal|request/.test(name)) return 'memory_limit';
  if (/available|free|fault|page|swap|cache|buffer|virtual|frees|mallocs|lookups|sys_bytes|gc_/.test(name)) return 'other';
  if (/state=(free|cached|buffered|available)/.test(labels) || /^(system|node|host|machine|windows)_/.test(name)) return 'other';
  return 'memory';
}

/** Family of a metric from its name and its labels (k=v, sorted). Dots and slashes count as underscores. */
export function metricFamily(metric: string, labels: string): MetricFamily {
  const name = metric.toLowerCase().replace(/[./\-\s]+/g, '_');
  if (/restart/.test(name)) return 'restarts';
  if (/uptime/.test(name)) return 'uptime';
  if (/start_time|boot_time/.test(name)) return 'start_time';
  if (/(^|_)gc(_|$)|garbage/.test(name)) return 'gc';
  if (POOL.test(name) && !/memory|thread_pool|threadpool|server|http|grpc|net_conntrack/.test(name)) return poolFamily(name, labels);
  if (/(^|_)cpu(_|$)|processor/.test(name)) return cpuFamily(name, labels);
  if (/(^|_)(memory|mem|heap|rss|memstats)(_|$)|resident|working_set/.test(name)) return memoryFamily(name, labels);
  if (/queue|backlog|pending|waiting|in_?flight|active_requests|eventloop|event_loop|(^|_)lag/.test(name)) return 'queue';
  if (/filesystem|disk|(^|_)fds?(_|$)|file_descriptor/.test(name)) return 'disk';
  return 'other';
}
