/**
 * Why something was refused, dropped or repaired. Closed list: the code is a metric label, a row on the Sources page
 * and a line in docs/errors.md. `refused`: the sender was told. `dropped`: found after the acknowledgement, counted.
 * `noted`: kept, with a repair worth showing.
 */
export interface Reason {
  readonly kind: 'refused' | 'dropped' | 'noted';
  readonly says: string;
  readonly todo: string;
}
const r = (kind: Reason['kind'], says: string, todo: string): Reason => ({ kind, says, todo });
export const REASONS = {
  body_too_large: r('refused', 'The compressed body is over the limit.', 'Send smaller batches or raise limits.maxBodyBytes.'),
  decompressed_too_large: r(
    'refused',
    'The body decompresses to more than the limit.',
    'Send smaller batches or raise limits.maxDecompressedBytes.',
  ),
  bad_compression: r('refused', 'The body does not decompress.', "Check the exporter's compression setting."),
  unsupported_encoding: r(
    'refused',
    'The content encoding is not one of gzip, zstd, identity.',
    "Set the exporter's compression to gzip or none.",
  ),
  unsupported_content_type: r(
    'refused',
    'The content type is neither application/x-protobuf nor application/json.',
    'Set the exporter to OTLP over HTTP.',
  ),
  malformed: r('refused', 'The body is not the message it should be.', 'Check that the exporter sends this signal to this path.'),
  invalid_utf8: r('refused', 'A string is not valid UTF-8.', 'The sender breaks the protobuf rules: update it.'),
  too_deep: r('refused', 'A value is nested deeper than the limit.', 'Flatten the attribute or raise limits.maxDepth.'),
  wrong_protocol: r('refused', 'gRPC was sent to the HTTP port, or HTTP to the gRPC port.', 'OTLP/gRPC goes to 4317, OTLP/HTTP to 4318.'),
  wrong_method: r('refused', 'The method is not POST.', 'Send telemetry with POST.'),
  unknown_path: r(
    'refused',
    'Nothing is received at this path.',
    'Use /v1/traces, /v1/metrics, /v1/logs, /v1development/profiles, /api/v1/write, /api/v2/spans, /loki/api/v1/push or /upload (journald).',
  ),
  unreadable: r('refused', 'A file that is imported cannot be read.', 'See the message: permissions, a pipe, a damaged disk.'),
  forbidden_host: r('refused', 'The Host header is not on the allow-list.', 'Use the address printed at start.'),
  forbidden_origin: r('refused', 'A web page of another origin sent this.', 'Add the origin to limits.corsOrigins.'),
  backpressure: r(
    'refused',
    'The collector is over its memory budget.',
    'The sender retries; lower the rate or raise limits.maxInFlightBytes.',
  ),
  source_rate: r(
    'refused',
    'The source sends more items a second than limits.sources allows it.',
    'The sender retries; lower its rate or raise its itemsPerSecond.',
  ),
  source_bytes: r(
    'refused',
    'The source has sent the bytes its limit allows it for the day (UTC).',
    'Raise its maxBytesPerDay on the Volume page or in limits.sources; it is not sent again.',
  ),
  source_series: r(
    'dropped',
    'The source has as many active series as its limit allows it for the day (UTC); points of further series are dropped.',
    'Raise its maxSeries on the Volume page or in limits.sources, or drop labels by a rule.',
  ),
  over_share: r(
    'refused',
    'The sender holds more than its fair share of the memory for requests under way.',
    'The sender retries; lower its rate or raise limits.maxInFlightBytes.',
  ),
  disk_full: r('refused', 'The disk is down to the reserve.', 'Free space or lower --max-size; senders retry.'),
  journal_full: r(
    'refused',
    'The journal is at its size limit because the engine is not reading.',
    "See the engine's state; senders retry.",
  ),
  too_slow: r('refused', 'The request did not arrive in time.', 'Check the network between sender and console; senders retry.'),
  http2_flood: r(
    'refused',
    'A connection sent cancelled calls, pings or other frames without telemetry in a flood.',
    'The connection was closed. Find the sender: no exporter does this.',
  ),
  message_too_large: r(
    'refused',
    'A message of a protocol without requests (syslog, Fluent Forward, StatsD) is over the limit.',
    'Shorten it, or raise limits.maxAttributeBytes (Fluent Forward: limits.maxBodyBytes).',
  ),
  tls_failed: r('refused', 'A TLS handshake failed.', "Check the sender's TLS settings and which certificate it trusts."),
  not_authenticated: r('refused', 'The sender has another shared key.', 'Set the same shared_key at the sender and in fluentSharedKey.'),
  kernel_dropped: r(
    'dropped',
    'The system had no room for datagrams (UDP); the sender was not told.',
    'Send by TCP, or raise net.core.rmem_max and lower the rate.',
  ),
  journal_failed: r('refused', 'The journal cannot be written.', 'Check the disk and the system log; senders retry.'),
  shutting_down: r('refused', 'The collector is stopping.', 'The sender retries.'),
  time_too_old: r('dropped', 'Older than the retention.', 'Start with --retention off to keep it.'),
  time_in_future: r('dropped', 'More than one day in the future.', "Check the sender's clock."),
  invalid_id: r('dropped', 'A trace id is not 16 bytes or a span id not 8, or all zero.', "Update the sender's SDK."),
  too_many_attributes: r('noted', 'Attributes beyond the limit were cut.', 'Raise limits.maxAttributes.'),
  attribute_too_long: r('noted', 'A value beyond the limit was cut.', 'Raise limits.maxAttributeBytes.'),
  duplicate_attribute: r('noted', 'A key came twice in one item; the last value was kept.', 'Fix the instrumentation.'),
  negative_duration: r('noted', 'A span ends before it starts; kept with a negative duration.', "Check the sender's clock."),
  time_missing: r('noted', 'An item came without a time; the arrival or observed time was used.', 'Set a time in the sender.'),
  unknown_enum: r('noted', 'A value outside its enumeration was kept as its number.', 'The sender may be newer than this console.'),
  no_data: r('noted', 'A metric came without any data point kind.', 'Fix the instrumentation.'),
  too_many_series: r(
    'dropped',
    'The series limit is reached; samples of new series are dropped.',
    'Raise limits.maxSeries or drop labels by relabeling.',
  ),
  too_many_labels: r(
    'dropped',
    'A Prometheus series has more labels than limits.maxAttributes.',
    'Drop labels by metric_relabel_configs or write_relabel_configs (labeldrop), or raise limits.maxAttributes.',
  ),
  label_too_long: r(
    'dropped',
    'A label name or value of a Prometheus series is longer than limits.maxAttributeBytes.',
    'Drop or shorten the label by metric_relabel_configs or write_relabel_configs, or raise limits.maxAttributeBytes.',
  ),
  invalid_labels: r(
    'dropped',
    'A remote write series has no name, or a label without a name, twice or out of order.',
    'The sender was told (400): update it.',
  ),
  bad_symbol: r(
    'dropped',
    'A remote write 2.0 series refers to a text that its request does not bring.',
    'The sender was told (400): update it.',
  ),
  invalid_histogram: r(
    'dropped',
    'A native histogram contradicts itself: spans and buckets, counts or bounds.',
    'The sender was told (400): update it.',
  ),
  float_histogram: r(
    'dropped',
    'A native histogram of a TSDB block has fractional counts, which are not read from there yet.',
    'Send it by remote write.',
  ),
  histogram_too_wide: r(
    'dropped',
    'A native histogram spans more than 65,536 buckets.',
    "The sender was told (400). Limit the histogram's schema or zero threshold.",
  ),
  exemplar_invalid: r('noted', 'An exemplar has unusable labels, or its series is not kept; left out.', 'Update the sender.'),
  too_many_families: r(
    'noted',
    'More than 100,000 metric families are described, or one with a name of over 1,024 characters; types and help texts of the rest are left out.',
    'Fix the exporter.',
  ),
  scrape_failed: r('dropped', 'The target could not be scraped.', 'See the error beside the target.'),
  scrape_malformed: r('dropped', "The target's exposition does not parse.", 'See the line named beside the target.'),
  duplicate_sample: r('dropped', 'A scrape shows the same series twice; the first value was kept.', 'Fix the exporter.'),
  sample_limit: r('dropped', 'The scrape has more samples than sample_limit.', 'Raise sample_limit or drop series by relabeling.'),
  label_limit: r(
    'dropped',
    'A series of the scrape is over label_limit, label_name_length_limit or label_value_length_limit.',
    'Raise that limit of the job or drop the label by metric_relabel_configs.',
  ),
  body_size_limit: r(
    'dropped',
    'The exposition is larger than body_size_limit.',
    'Raise body_size_limit of the job or shrink the exposition.',
  ),
  unusable_id: r('noted', 'An optional trace or span id has the wrong length or is missing; kept without it.', "Update the sender's SDK."),
  exemplar_time: r('noted', 'An exemplar is older than the retention or in the future; left out.', "Check the sender's clock."),
  string_index: r('noted', 'A key or value refers to a string table, which only profiles have; kept empty.', 'Update the sender.'),
  profile_index: r(
    'noted',
    'An index of a profile points outside of the tables of its request; kept as not set.',
    'Update the profiler: it may send an older layout of v1development.',
  ),
  profile_too_large: r(
    'noted',
    'A profiles request has more than 4,194,304 numbers or 1,048,576 new frames, or a stack of more than 1,024; the rest was cut.',
    'Send smaller batches.',
  ),
  too_many_stacks: r('noted', 'The limit of call stacks is reached; samples of new stacks are kept without.', 'Raise limits.maxSeries.'),
  out_of_range_value: r('noted', 'A number does not fit its column and was clamped.', 'Fix the instrumentation.'),
  repeated_batch: r(
    'noted',
    'A forwarding console sent a batch again, or lines of a file were written twice; the second copy was left out.',
    'Nothing: this is how an interrupted transfer ends with every record there once.',
  ),
  tail_truncated: r(
    'noted',
    'A tailed file was truncated before its end was read: the lines in between are lost, unless a copy of it is read too.',
    'Rotate by rename, or let the glob name the copies (app.log*).',
  ),
  tail_file_skipped: r('noted', 'A tailed file is no lines of text; it is not read.', 'Narrow the glob, or exclude it.'),
  tail_file_failed: r('noted', 'A tailed file or folder could not be read.', 'See the file; it is tried again.'),
  tail_too_many_files: r('noted', 'A glob names more files, or looks at more names, than the limit.', 'Narrow the glob, or exclude files.'),
  tail_line_cut: r('noted', 'A line of a tailed file is longer than the limit; the rest of it was cut.', 'Raise limits.maxAttributeBytes.'),
  tail_not_utf8: r('noted', 'A line of a tailed file is no UTF-8; its bad bytes became U+FFFD.', 'Let the program write UTF-8.'),
  tail_nul_bytes: r(
    'noted',
    'NUL bytes between the lines of a tailed file were passed over: bytes, not lines, are counted.',
    'Open the log for appending: after a truncation the program writes on far behind.',
  ),
  tail_unparsed: r('noted', 'A line is not of the format its tail is set to; kept as text.', 'Set the format to auto.'),
  rule_dropped: r(
    'noted',
    'A drop rule of the Volume page left it out.',
    'Nothing: you asked for it. Volume shows each rule and lets you undo it.',
  ),
  rule_sampled: r(
    'noted',
    'A sampling rule of the Volume page left it out.',
    'Nothing: you asked for it. Volume shows each rule and lets you undo it.',
  ),
  rule_aggregated: r(
    'noted',
    'A rule of the Volume page folded it into fewer rows.',
    'Nothing: you asked for it. Volume shows each rule and lets you undo it.',
  ),
  rule_window_cut: r(
    'noted',
    'An aggregate rule wrote an interval early, because the journal would have had to keep too much for it.',
    'Shorten its interval.',
  ),
  queue_full: r(
    'dropped',
    'The queue to a destination was at its size limit; the oldest was not forwarded. It is stored here.',
    "See the destination's state; raise its maxQueue.",
  ),
  queue_too_old: r(
    'dropped',
    'It waited for a destination longer than its maxAge and was not forwarded. It is stored here.',
    "See the destination's state; raise its maxAge.",
  ),
  queue_disk_full: r(
    'dropped',
    'The disk was down to the reserve: what only waited to be forwarded made room. It is stored here.',
    "Free space; see the destination's state.",
  ),
  engine_cannot_decode: r(
    'dropped',
    'An acknowledged body could not be decoded; it is kept aside in quarantine.',
    'Report it: this is a bug of ours.',
  ),
  store_failed: r('dropped', 'Rows could not be written to a damaged day file.', 'The file is quarantined; see Sources.'),
} as const satisfies Record<string, Reason>;
export type ReasonCode = keyof typeof REASONS;
