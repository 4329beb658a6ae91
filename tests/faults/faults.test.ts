import { expect, it } from 'vitest';
import { runRound, summaryOf } from './round.ts';
import { clients } from './rounds/clients.ts';
import { kill } from './rounds/kill.ts';
import { stop } from './rounds/stop.ts';

/** A seeded slice of `npm run faults`. An even seed forwards. */
it.each([
  { scenario: kill, seed: 2 },
  { scenario: stop, seed: 1 },
  { scenario: clients, seed: 1 },
])(
  '$scenario.name, seed $seed',
  async ({ scenario, seed }) => {
    const report = await runRound(scenario, seed, true);
    expect(report.faults, `${summaryOf(report)}\n${report.log}`).toEqual([]);
    expect(report.verdict?.acknowledged).toBeGreaterThan(20);
  },
  180_000,
);
