import type { Fields } from '#query/rules/yaml-decoder.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import { type BurnWindow, windowsOf } from './burn-windows.ts';
import type { AlertText, Objective, Sli } from './objective.ts';
import type { SloReader } from './slo-reader.ts';
import { type PluginChain, readChain, runPlugins } from './sloth-plugins.ts';

/** Keys of Sloth's two forms: its own file, and the Kubernetes resource. */
const OWN = {
  ...{ spec: 'prometheus/v1' as const, plugins: 'slo_plugins', page: 'page_alert', ticket: 'ticket_alert' },
  ...{ error: 'error_query', total: 'total_query', ratio: 'error_ratio_query' },
};
const RESOURCE = {
  ...{ spec: 'sloth.slok.dev/v1' as const, plugins: 'sloPlugins', page: 'pageAlert', ticket: 'ticketAlert' },
  ...{ error: 'errorQuery', total: 'totalQuery', ratio: 'errorRatioQuery' },
};
type Keys = typeof OWN | typeof RESOURCE;

export interface SlothOptions {
  readonly periodMs: number;
  /** Of files with AlertWindows, by period. */
  readonly windows: ReadonlyMap<number, readonly BurnWindow[]>;
}
/** @param root a document with version prometheus/v1, or the spec of a PrometheusServiceLevel */
export function readSloth(reader: SloReader, root: YamlNode, isResource: boolean, options: SlothOptions): Objective[] {
  const keys = isResource ? RESOURCE : OWN;
  const known = ['service', 'labels', 'slos', keys.plugins, ...(isResource ? [] : ['version'])];
  const top = reader.map(root, 'v1.Spec', known);
  const service = reader.name(top.get('service'), root, '', 'service');
  const labels = reader.labels(top.get('labels'), '');
  const chain = readChain(reader, top.get(keys.plugins));
  const nodes = reader.list(top.get('slos'), 'v1.SLO');
  if (nodes.length === 0) reader.issue(top.get('slos') ?? root, '', 'at least one SLO is required');
  const windows = options.windows.get(options.periodMs) ?? windowsOf(options.periodMs);
  if (!windows)
    reader.issue(root, '', 'there are no alert windows for this period: 30d, 28d and 7d have some, others need an AlertWindows file');
  if (service === null || !windows) return [];
  const around = { service, labels, chain, keys, windows, periodMs: options.periodMs };
  return nodes.flatMap((node) => readSlo(reader, node, around) ?? []);
}
interface Around {
  readonly service: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly chain: PluginChain;
  readonly keys: Keys;
  readonly windows: readonly BurnWindow[];
  readonly periodMs: number;
}
const SLO_KEYS = ['name', 'description', 'objective', 'labels', 'sli', 'alerting', 'plugins'];

function readSlo(reader: SloReader, node: YamlNode, around: Around): Objective | null {
  const { service, keys, windows, periodMs } = around;
  const fields = reader.map(node, 'v1.SLO', SLO_KEYS);
  const name = reader.name(fields.get('name'), node, '', 'name of an SLO');
  const about = `slo ${JSON.stringify(name ?? '')}`;
  const target = readTarget(reader, fields.get('objective'), node, about);
  const own = readChain(reader, fields.get('plugins'));
  const calls = own.overrides ? own.calls : [...around.chain.calls, ...own.calls];
  const rules = runPlugins(reader, { overrides: own.overrides || around.chain.overrides, calls }, about);
  const sli = readSli(reader, fields.get('sli') ?? node, about, keys, rules?.isPromql ?? true);
  const alerting = readAlerting(reader, fields, node, about, keys);
  if (name === null || target === null || !rules || !sli || !alerting) return null;
  return {
    ...{
      id: `${service}-${name}`,
      service,
      name,
      description: reader.text(fields.get('description')),
      target,
      periodMs,
      windows,
      rules,
      sli,
    },
    ...{
      labels: new Map([...around.labels, ...reader.labels(fields.get('labels'), about)]),
      method: { kind: 'occurrences' },
      spec: keys.spec,
    },
    ...{ page: alerting.page, ticket: alerting.ticket, burnAlerts: [], file: reader.file, line: node.line, column: node.column },
  };
}
function readTarget(reader: SloReader, node: YamlNode | undefined, parent: YamlNode, about: string): number | null {
  const target = reader.number(node);
  if (target !== null && target > 0 && target <= 100) return target;
  reader.issue(node ?? parent, about, 'objective must be a percentage above 0 and at most 100');
  return null;
}
function readSli(reader: SloReader, node: YamlNode, about: string, keys: Keys, isPromql: boolean): Sli | null {
  const fields = reader.map(node.kind === 'map' ? node : undefined, 'v1.SLI', null);
  const [events, raw, plugin] = [fields.get('events'), fields.get('raw'), fields.get('plugin')];
  if (plugin) {
    reader.issue(plugin, about, 'sli.plugin is code that does not run here: write its queries as sli.events or sli.raw');
    return null;
  }
  if (events && raw) reader.issue(raw, about, 'only one of sli.events and sli.raw is allowed');
  if (raw && !events) {
    const entries = reader.map(raw, 'v1.SLIRaw', [keys.ratio]);
    const query = reader.query(entries.get(keys.ratio), raw, about, keys.ratio, isPromql);
    return query === null ? null : { kind: 'raw', errorRatioQuery: query, leastWindowMs: 0 };
  }
  if (!events || raw) {
    if (!raw) reader.issue(node, about, 'one of sli.events and sli.raw is required');
    return null;
  }
  const entries = reader.map(events, 'v1.SLIEvents', [keys.error, keys.total]);
  const errorQuery = reader.query(entries.get(keys.error), events, about, keys.error, isPromql);
  const totalQuery = reader.query(entries.get(keys.total), events, about, keys.total, isPromql);
  if (errorQuery === null || totalQuery === null) return null;
  if (errorQuery !== totalQuery) return { kind: 'events', errorQuery, totalQuery };
  reader.issue(events, about, `${keys.error} and ${keys.total} are the same`);
  return null;
}
function readAlerting(
  reader: SloReader,
  slo: Fields,
  parent: YamlNode,
  about: string,
  keys: Keys,
): { readonly page: AlertText | null; readonly ticket: AlertText | null } | null {
  const node = slo.get('alerting');
  const fields = reader.map(node, 'v1.Alerting', ['name', 'labels', 'annotations', keys.page, keys.ticket]);
  const name = reader.text(fields.get('name'));
  const [labels, annotations] = [reader.labels(fields.get('labels'), about), reader.texts(fields.get('annotations'))];
  const one = (key: string): AlertText | null => {
    const own = reader.map(fields.get(key), 'v1.Alert', ['disable', 'labels', 'annotations']);
    if (reader.boolean(own.get('disable'))) return null;
    return {
      name,
      labels: new Map([...labels, ...reader.labels(own.get('labels'), about)]),
      annotations: new Map([...annotations, ...reader.texts(own.get('annotations'))]),
    };
  };
  const [page, ticket] = [one(keys.page), one(keys.ticket)];
  if (name !== '' || (!page && !ticket)) return { page, ticket };
  reader.issue(node ?? parent, about, 'alerting.name is required (or both alerts disabled)');
  return null;
}
