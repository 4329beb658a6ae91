import { type ColumnSpec, FRAME_FIELDS, structSql } from '#contracts/tables.ts';

const id = (name: string, about: string): ColumnSpec => ({ name, kind: 'u32', sql: 'UINTEGER', about });
const text = (name: string, about: string, nullable = false): ColumnSpec => ({ name, kind: 'string', sql: 'VARCHAR', nullable, about });
/** Identity bytes as the decoder gave them: what makes an id stable over a restart. */
const identity: ColumnSpec = { name: 'identity', kind: 'string', sql: 'BLOB', about: 'Identity bytes; not part of the view.' };
const attributes = (prefix = ''): ColumnSpec[] => [
  { name: `${prefix || 'attributes'}`, kind: 'map', sql: 'MAP(VARCHAR, VARCHAR)', about: 'As text.' },
  text(`${prefix ? `${prefix}_types` : 'attribute_types'}`, 'One letter per entry, in order: s b i d a k y n.'),
];
const dropped: ColumnSpec = {
  name: 'dropped_attributes_count',
  kind: 'u32',
  sql: 'UINTEGER',
  about: 'Attributes the sender says it dropped.',
};

export interface DictionaryTable {
  readonly name: 'resources' | 'scopes' | 'series' | 'stacks';
  readonly columns: readonly ColumnSpec[];
}
export const RESOURCES: DictionaryTable = {
  name: 'resources',
  columns: [
    id('resource_id', 'Id other tables refer to; 0 is never used.'),
    text('service', 'service.name; unknown_service when absent.'),
    text('service_namespace', 'service.namespace.', true),
    text('service_instance_id', 'service.instance.id.', true),
    text('service_version', 'service.version.', true),
    ...attributes(),
    dropped,
    text('schema_url', 'Schema the attributes follow.'),
    text('entity_refs', 'Entity references as JSON text.'),
    identity,
  ],
};
export const SCOPES: DictionaryTable = {
  name: 'scopes',
  columns: [
    id('scope_id', 'Id other tables refer to; 0 is never used.'),
    text('name', 'Instrumentation scope.'),
    text('version', 'Its version.'),
    ...attributes(),
    dropped,
    text('schema_url', 'Schema the attributes follow.'),
    identity,
  ],
};
export const SERIES: DictionaryTable = {
  name: 'series',
  columns: [
    id('series_id', 'Id samples, histograms and exemplars refer to; 0 is never used.'),
    text('metric', 'Metric name.'),
    text('type', 'gauge, sum, histogram, exponential_histogram, summary, unknown, info, stateset.'),
    text('unit', 'Unit as sent.'),
    text('description', 'Description as sent first.'),
    text('temporality', "'delta', 'cumulative' or ''."),
    { name: 'monotonic', kind: 'u8', sql: 'BOOLEAN', about: 'A sum that never falls but by reset.' },
    text('number_type', "'i' integer, 'd' double, '' for histograms."),
    text('source', 'otlp or prometheus.'),
    text('service', 'Service of the series.'),
    ...attributes(),
    ...attributes('metadata'),
    id('resource_id', 'Row of resources.'),
    id('scope_id', 'Row of scopes.'),
    identity,
  ],
};
export const STACKS: DictionaryTable = {
  name: 'stacks',
  columns: [
    id('stack_id', 'Id profile_samples refer to; 0 is never used.'),
    text('leaf', 'Function of the innermost frame.'),
    { name: 'frames', kind: 'list', sql: structSql(FRAME_FIELDS), element: FRAME_FIELDS, about: 'Innermost first.' },
    identity,
  ],
};
export const DICTIONARY_TABLES: readonly DictionaryTable[] = [RESOURCES, SCOPES, SERIES, STACKS];
