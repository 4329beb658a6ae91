import { promotedColumns, type TableSpec } from '#contracts/tables.ts';

/** SQL expressions shared by the read statements. Plain text over the documented views (docs/data-dictionary.md). */

export const traceHex = (column: string): string => `replace(${column}::VARCHAR, '-', '')`;
export const spanHex = (column: string): string => `lower(lpad(to_hex(${column}), 16, '0'))`;

/** Requests a service serves: server and consumer spans, and roots of any kind. */
export const isEntry = (alias: string): string => `(${alias}.kind IN (2, 5) OR ${alias}.parent_span_id IS NULL)`;

/** Calls a service makes: client and producer spans. */
export const isCall = (alias: string): string => `${alias}.kind IN (3, 4)`;

const attribute = (alias: string, ...keys: string[]): string => keys.map((key) => `${alias}.attributes['${key}']`).join(', ');

const database = (s: string): string => `coalesce(${s}.db_system_name, ${attribute(s, 'db.system')})`;

/** What a client span calls when no span of the callee is known. NULL: cannot be told. */
export const peerName = (s: string): string =>
  `CASE WHEN ${s}.kind = 4 THEN coalesce(${s}.peer_service, ${s}.messaging_destination_name, ${s}.messaging_system)
    WHEN ${database(s)} IS NOT NULL THEN coalesce(${s}.peer_service, ${s}.server_address, ${attribute(s, 'net.peer.name')}, ${database(s)})
    ELSE coalesce(${s}.peer_service, ${s}.server_address, ${attribute(s, 'net.peer.name')}, ${s}.rpc_service, ${s}.messaging_destination_name) END`;

export const peerKind = (s: string): string =>
  `CASE WHEN ${database(s)} IS NOT NULL THEN 'database' WHEN ${s}.kind = 4 OR ${s}.messaging_system IS NOT NULL THEN 'queue' ELSE 'external' END`;

/** Instance of a resource, by the attribute that names it best. */
export const instanceOf = (r: string): string =>
  `coalesce(${r}.service_instance_id, ${attribute(r, 'k8s.pod.name', 'container.id', 'host.name')})`;
export const hostOf = (r: string): string => `coalesce(${attribute(r, 'host.name', 'k8s.node.name', 'host.id')})`;

/** Severity class of a log record: the number where given, else the text. */
export const severityClass = (l: string): string =>
  `CASE WHEN ${l}.severity_number >= 21 THEN 'fatal' WHEN ${l}.severity_number >= 17 THEN 'error' WHEN ${l}.severity_number >= 13 THEN 'warn'
    WHEN ${l}.severity_number >= 9 THEN 'info' WHEN ${l}.severity_number >= 1 THEN 'debug'
    WHEN ${l}.severity_text ILIKE 'fatal%' OR ${l}.severity_text ILIKE 'crit%' THEN 'fatal'
    WHEN ${l}.severity_text ILIKE 'err%' THEN 'error' WHEN ${l}.severity_text ILIKE 'warn%' THEN 'warn'
    WHEN ${l}.severity_text ILIKE 'debug%' OR ${l}.severity_text ILIKE 'trace%' THEN 'debug' ELSE 'info' END`;

/** Shape of a log line: its first line, 240 characters, every word that holds a digit replaced by <*>. */
export const logShape = (body: string): string =>
  `regexp_replace(left(split_part(${body}, chr(10), 1), 240), '[^\\s=:,;()\\[\\]{}"'']*\\d[^\\s=:,;()\\[\\]{}"'']*', '<*>', 'g')`;

/** How many spans one stands for: a sampling rule writes it into the tracestate of those it keeps (contracts/volume-rules.ts SAMPLED_KEY). */
export const spanWeight = (s: string): string =>
  `CASE WHEN ${s}.trace_state IS NULL THEN 1 ELSE coalesce(try_cast(nullif(regexp_extract(${s}.trace_state, '(?:^|,)fl=n:([0-9]{1,7})', 1), '') AS INTEGER), 1) END`;

/** A grid cell: whole steps since `startNano`. */
export const cellOf = (time: string, startNano: string, stepNano: string): string =>
  `((epoch_ns(${time}) - ${startNano}) // ${stepNano})::INTEGER`;

/** Attributes as a JSON object that keeps the types (contracts/tables.ts letters); text when nothing else fits JSON. */
const typedAttributes = (map: string, types: string): string =>
  `'{' || array_to_string(list_transform(map_entries(${map}), lambda entry, i: to_json(entry.key)::VARCHAR || ':' ||
    CASE WHEN substr(${types}, i, 1) IN ('i', 'b', 'a', 'k') THEN entry.value
      WHEN substr(${types}, i, 1) = 'd' AND isfinite(try_cast(entry.value AS DOUBLE)) THEN entry.value
      WHEN substr(${types}, i, 1) = 'n' THEN 'null'
      ELSE to_json(entry.value)::VARCHAR END), ',') || '}'`;

/** Attributes of a row of alias `s`, with the promoted columns of its table put back under their keys. */
export function attributesJson(s: string, table?: TableSpec): string {
  const base = typedAttributes(`${s}.attributes`, `${s}.attribute_types`);
  if (!table) return base;
  const back = promotedColumns(table)
    .map(({ key, name }) => `'${key}', ${s}.${name}`)
    .join(', ');
  return `json_merge_patch((${base})::JSON, json_object(${back}))::VARCHAR`;
}
