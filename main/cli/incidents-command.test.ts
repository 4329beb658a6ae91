import { expect, it } from 'vitest';
import type { Incident } from '#contracts/judgement.ts';
import { describe } from './incidents-command.ts';

const incident = { id: 'inc-1-web', status: 'open', severity: 'major', onsetMs: 0, title: 'web: errors 1 % → 20 %', rca: null };

it('one line: id, state, onset, what, and the first cause once there is one', () => {
  expect(describe(incident as unknown as Incident)).toBe(
    'inc-1-web\topen\tmajor\t1970-01-01T00:00:00.000Z\tweb: errors 1 % → 20 %\tno cause yet\n',
  );
  const rca = { verdict: 'likely', candidates: [{ service: 'db', kind: 'slow_dependency' }] };
  expect(describe({ ...incident, rca } as unknown as Incident)).toContain('\tlikely: slow_dependency in db\n');
});
