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
    name: 'profile_functions',
    about:
      'One row per sample of a profile and function on its stack: self_value where the function was running itself, total_value where it was anywhere on the stack (once, also when it recurs).',
    columns: words(
      'time profile_id service sample_type sample_unit function file self_value total_value trace_id span_id stack_id resource_id',
    ),
    sql: `SELECT p.time, p.profile_id, p.service, p.sample_type, p.sample_unit, f.function, f.file, CASE WHEN f.is_leaf THEN p.value ELSE 0 END AS self_value,
      p.value AS total_value, p.trace_id, p.span_id, p.stack_id, p.resource_id
      FROM memory.main.profile_samples p JOIN (
        SELECT stack_id, "function", any_value(file) AS file, bool_or(depth = 1) AS is_leaf
        FROM (SELECT stack_id, frame."function" AS "function", frame.file AS file, depth
          FROM (SELECT stack_id, unnest(frames) AS frame, generate_subscripts(frames, 1) AS depth FROM memory.main.stacks))
        GROUP BY stack_id, "function"
      ) f ON f.stack_id = p.stack_id`,
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
    name: 'llm_calls',
    about:
      'One row per call of the local model, the newest 1,000: what it was asked and answered (in aliases), tokens, times and what became of its sentences. outcome: answered, no_model, nothing_to_ask, cancelled, deadline, crashed, garbage, failed.',
    columns: words(
      'call_id incident_id time outcome message model model_sha256 demo prompt_version cached prompt_tokens card_tokens answer_tokens left_out load_ms read_ms write_ms total_ms cause_rank confidence agrees verified dropped drop_reasons prompt answer',
    ),
    sql: `SELECT call_id, incident_id, ${msTime('asked_ms')} AS time, outcome, ${field('json', 'message')} AS message, ${field('json', 'model.name')} AS model,
      ${field('json', 'model.sha256')} AS model_sha256, ${field('json', 'model.demo')}::BOOLEAN AS demo, ${field('json', 'promptVersion')} AS prompt_version,
      ${field('json', 'cached')}::BOOLEAN AS cached, ${field('json', 'promptTokens')}::INTEGER AS prompt_tokens,
      ${field('json', 'cardTokens')}::INTEGER AS card_tokens, ${field('json', 'answerTokens')}::INTEGER AS answer_tokens,
      ${field('json', 'leftOut')}::INTEGER AS left_out, ${field('json', 'loadMs')}::DOUBLE AS load_ms, ${field('json', 'readMs')}::DOUBLE AS read_ms,
      ${field('json', 'writeMs')}::DOUBLE AS write_ms, ${field('json', 'totalMs')}::DOUBLE AS total_ms, ${field('json', 'choice.rank')}::INTEGER AS cause_rank,
      ${field('json', 'choice.confidence')} AS confidence, ${field('json', 'choice.agrees')}::BOOLEAN AS agrees,
      json_array_length(json, '$.sentences')::INTEGER AS verified, json_array_length(json, '$.dropped')::INTEGER AS dropped,
      json_extract_string(json, '$.dropped[*].reasons[*].reason') AS drop_reasons, ${field('json', 'prompt')} AS prompt, ${field('json', 'answer')} AS answer
      FROM ${CATALOG}.main.llm_calls`,
  },
  {
    name: 'changes',
    about: 'Deployments, restarts and other changes seen around incidents: timeline entries of kind change.',
    columns: words('incident_id time service says'),
    sql: `SELECT incident_id, time, service, says FROM memory.main.timeline WHERE kind = 'change'`,
  },
];
