import type { CarbonAssumption } from '#contracts/carbon.ts';
import type { CarbonLedger } from './emissions.ts';
import type { AssumptionCode, NodeFactors } from './node-factors.ts';

const MAX_NAMED = 20;
const NODE_ASSUMPTIONS: Readonly<Record<AssumptionCode, { readonly says: string; readonly todo: string }>> = {
  region_unknown: {
    says: 'The region is unknown: the grid is the median of the listed regions, the range holds all of them.',
    todo: 'Send cloud.region with the resource, or set the region here.',
  },
  region_not_listed: {
    says: 'No table lists the region: the grid is the median of the listed regions, the range holds all of them.',
    todo: 'Set its grid factor here.',
  },
  grid_varies: {
    says: 'The tables name different yearly averages for this grid; the range holds them.',
    todo: 'Set its grid factor here where you know it.',
  },
  pue_average: {
    says: "The provider's average PUE is taken; the range holds its listed regions.",
    todo: 'Set the PUE here where you know it.',
  },
  pue_unknown: {
    says: 'The provider is unknown: PUE of an own machine room (1.58); the range holds all listed.',
    todo: 'Send cloud.provider with the resource, or set the PUE here.',
  },
  instance_unknown: {
    says: 'The instance type is unknown: watts are a default; the range holds all listed processors.',
    todo: 'Send host.type with the resource.',
  },
  processor_varies: { says: 'The watts of this processor differ between the listed clouds or processors; the range holds them.', todo: '' },
  embodied_unknown: {
    says: 'What making this host took is not published: median of the known hosts; the range holds all of them.',
    todo: '',
  },
  utilization_unknown: {
    says: 'Nobody measured how busy the node is: half is assumed; the range goes from what its services used to all.',
    todo: 'Send system.cpu.time or system.cpu.utilization, or scrape node_exporter.',
  },
};
const entry = (code: CarbonAssumption['code'], says: string, todo: string, about: readonly string[]): CarbonAssumption => ({
  code,
  says,
  todo,
  about: about.slice(0, MAX_NAMED),
  count: about.length,
});

/** Everything a reader must know beside the figures, what a person can do about first. */
export function sayAssumptions(ledger: CarbonLedger, factors: readonly NodeFactors[]): CarbonAssumption[] {
  const said = (Object.keys(NODE_ASSUMPTIONS) as AssumptionCode[]).flatMap((code) => {
    const nodes =
      code === 'utilization_unknown'
        ? ledger.utilizationUnknown
        : factors.filter((each) => each.assumptions.includes(code)).map((each) => each.node);
    const { says, todo } = NODE_ASSUMPTIONS[code];
    return nodes.length > 0 ? [entry(code, says, todo, nodes)] : [];
  });
  if (ledger.withoutNode.length > 0)
    said.push(
      entry(
        'services_without_node',
        'These services run on nodes whose size nobody tells: they are not counted.',
        'Send host metrics of those nodes, with the same host.name.',
        ledger.withoutNode,
      ),
    );
  if (factors.length === 0) return said;
  return [
    ...said.sort((a, b) => Number(b.todo !== '') - Number(a.todo !== '')),
    entry(
      'yearly_average',
      'Grid factors are yearly averages of the place (location-based, no offsets); an hour may differ. The range does not hold this.',
      '',
      [],
    ),
    entry('not_measured', 'Storage, network and accelerators are not measured per service and not counted.', '', []),
  ];
}
