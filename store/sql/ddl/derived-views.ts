import { CATALOG } from './ddl.ts';

const msTime = (expression: string): string => `make_timestamp_ns((${expression})::DOUBLE::BIGINT * 1000000)`;
const field = (json: string, path: string): string => `json_extract_string(${json}, '$.${path}')`;

export interface DerivedView {
  readonly name: string;
  readonly about: string;
  readonly columns: readonly string[];
  readonly sql: string;
}
const words = (text: string): readonly string[] => text.split(' ');

/** Views made of other views and of the catalog. */
export const DERIVED_VIEWS: readonly DerivedView[] = [
  {
    name: 'span_events',
    about: 'One row per span event.',
    columns: words(
      'trace_id span_id span_start_time service span_name time name attributes attribute_types dropped_attributes_count resource_id',
    ),
    sql: `SELECT trace_id, span_id, start_time AS span_start_time, service, span_name, event.time AS time, event.name AS name, event.attributes AS attributes,
      event.attribute_types AS attribute_types, event.dropped_attributes_count AS dropped_attributes_count, resource_id
      FROM (SELECT trace_id, span_id, start_time, service, name AS span_name, resource_id, unnest(events) AS event FROM memory.main.spans)`,
  },
  {
    name: 'span_links',
    about: 'One row per span link.',
    columns: words(
      'trace_id span_id span_start_time service span_name linked_trace_id linked_span_id trace_state flags attributes attribute_types dropped_attributes_count resource_id',
    ),
    sql: `SELECT trace_id, span_id, start_time AS span_start_time, service, span_name, link.trace_id AS linked_trace_id, link.span_id AS linked_span_id,
      link.trace_state AS trace_state, link.flags AS flags, link.attributes AS attributes, link.attribute_types AS attribute_types,
      link.dropped_attributes_count AS dropped_attributes_count, resource_id
      FROM (SELECT trace_id, span_id, start_time, service, name AS span_name, resource_id, unnest(links) AS link FROM memory.main.spans)`,
  },
  {
    name: 'incidents',
    about: 'One row per incident, as last saved; json holds all of it (contracts/judgement.ts Incident).',
    columns: words(
      'incident_id title status severity opened onset resolved acknowledged symptom_service symptom_kind verdict cause_service cause_kind json',
    ),
    sql: `SELECT incident_id, ${field('json', 'title')} AS title, ${field('json', 'status')} AS status, ${field('json', 'severity')} AS severity,
      ${msTime('opened_ms')} AS opened, ${msTime(field('json', 'onsetMs'))} AS onset, ${msTime(field('json', 'resolvedMs'))} AS resolved,
      ${msTime(field('json', 'acknowledgedMs'))} AS acknowledged, ${field('json', 'symptom.service')} AS symptom_service,
      ${field('json', 'symptom.kind')} AS symptom_kind, ${field('json', 'rca.verdict')} AS verdict,
      ${field('json', 'rca.candidates[0].service')} AS cause_service, ${field('json', 'rca.candidates[0].kind')} AS cause_kind, json
      FROM ${CATALOG}.main.incidents`,
  },
  {
    name: 'timeline',
    about: "One row per entry of an incident's timeline.",
    columns: words('incident_id time kind service says'),
    sql: `SELECT incident_id, ${msTime(field('entry', 'atMs'))} AS time, ${field('entry', 'kind')} AS kind, ${field('entry', 'service')} AS service, ${field('entry', 'says')} AS says
      FROM (SELECT incident_id, unnest(json_extract(json, '$.timeline[*]')) AS entry FROM ${CATALOG}.main.incidents)`,
  },
  {
    name: 'postmortems',
    about: 'The newest revision of each postmortem; json holds the document (contracts/postmortem.ts).',
    columns: words('incident_id revision saved title status authors json'),
    sql: `SELECT incident_id, revision, ${msTime('saved_ms')} AS saved, ${field('json', 'title')} AS title, ${field('json', 'status')} AS status,
      ${field('json', 'authors')} AS authors, json
      FROM ${CATALOG}.main.postmortem_revisions QUALIFY row_number() OVER (PARTITION BY incident_id ORDER BY revision DESC) = 1`,
  },
  {
    name: 'changes',
    about: 'Deployments, restarts and other changes seen around incidents: timeline entries of kind change.',
    columns: words('incident_id time service says'),
    sql: `SELECT incident_id, time, service, says FROM memory.main.timeline WHERE kind = 'change'`,
  },
];
