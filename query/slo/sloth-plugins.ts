import type { YamlNode } from '#query/rules/yaml-node.ts';
import { ALL_RULES, type RuleChoice } from './objective.ts';
import { entryOf, type SloReader, textOf } from './slo-reader.ts';

/** A plugin of Sloth's chain, as a file names it. */
export interface PluginCall {
  readonly id: string;
  readonly at: YamlNode;
}
type Mutable = { -readonly [K in keyof RuleChoice]: RuleChoice[K] };
const isTrue = (node: YamlNode | undefined): boolean => textOf(node) === 'true';
const slowPeriod = (choice: Mutable, at: YamlNode): void => {
  choice.optimized = !isTrue(entryOf(entryOf(at, 'config'), 'disableOptimized'));
};
/** What each does to the rules; the others of Sloth and of anybody are code that does not run here. */
const PLUGINS: Readonly<Record<string, (choice: Mutable, at: YamlNode) => void>> = {
  'sloth.dev/core/noop/v1': () => {},
  'sloth.dev/core/debug/v1': () => {},
  'sloth.dev/core/validate/v1': (choice) => {
    choice.isPromql = true;
  },
  'sloth.dev/contrib/validate_victoria_metrics/v1': (choice) => {
    choice.isPromql = false;
  },
  'sloth.dev/core/sli_rules/v1': (choice, at) => {
    choice.sli = true;
    slowPeriod(choice, at);
  },
  'sloth.dev/core/metadata_rules/v1': (choice) => {
    choice.metadata = true;
  },
  'sloth.dev/core/alert_rules/v1': (choice) => {
    choice.alerts = true;
  },
  'sloth.dev/contrib/denominator_corrected_rules/v1': (choice, at) => {
    choice.sli = true;
    choice.denominatorCorrected = true;
    slowPeriod(choice, at);
  },
};
const NONE: RuleChoice = { ...ALL_RULES, sli: false, metadata: false, alerts: false, isPromql: true };

export interface PluginChain {
  /** Sloth's own come not before these. */
  readonly overrides: boolean;
  readonly calls: readonly PluginCall[];
}
/** `slo_plugins`, `plugins` or `sloPlugins` of a file. */
export function readChain(reader: SloReader, node: YamlNode | undefined): PluginChain {
  if (!node) return { overrides: false, calls: [] };
  const fields = reader.map(node, 'v1.SLOPlugins', ['overridePrevious', 'override_previous', 'chain']);
  const calls = reader.list(fields.get('chain'), 'v1.SLOPlugin').map((at) => ({ id: textOf(entryOf(at, 'id')), at }));
  return { overrides: reader.boolean(fields.get('overridePrevious') ?? fields.get('override_previous')), calls };
}
/** What is left of the rules when all have run. @returns null: one is not known here, which is told */
export function runPlugins(reader: SloReader, chain: PluginChain, about: string): RuleChoice | null {
  const choice: Mutable = { ...(chain.overrides ? NONE : ALL_RULES) };
  let isKnown = true;
  for (const { id, at } of chain.calls) {
    const run = Object.hasOwn(PLUGINS, id) ? PLUGINS[id] : undefined;
    if (run) run(choice, at);
    else {
      isKnown = false;
      const says = `plugin ${JSON.stringify(id.slice(0, 100))} is code that does not run here (known: ${Object.keys(PLUGINS).join(', ')})`;
      reader.issue(at, about, says);
    }
  }
  return isKnown ? choice : null;
}
