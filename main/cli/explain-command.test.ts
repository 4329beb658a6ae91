import { expect, it } from 'vitest';
import type { ExplainState, Explanation } from '#contracts/explanation.ts';
import { describe as say } from './explain-command.ts';

const answered = {
  outcome: 'answered',
  message: '',
  cached: false,
  model: { name: 'tiny', sha256: 'a', demo: true },
  choice: { rank: 2, service: 'cart', kind: 'memory_leak', confidence: 'low', evidence: ['E2'], agrees: false },
  sentences: [{ text: 'checkout is slow.', evidence: ['E1', 'E2'] }],
  dropped: [{ text: 'aliens.', reasons: [{ reason: 'unknown_word', part: 'aliens' }] }],
  promptTokens: 700,
  answerTokens: 90,
} as unknown as Explanation;
const state = (last: Explanation | null): ExplainState => ({ narrative: 'It was checkout [E1].', last }) as unknown as ExplainState;

it('tells the narrative, the choice, what holds and what was dropped', () => {
  expect(say(state(answered))).toBe(`It was checkout [E1].

tiny (demo model: proves the path only), 700 tokens read, 90 written:
  chooses cart (memory_leak), confidence low; the ranking says otherwise and stands
  holds    checkout is slow. [E1, E2]
  dropped  aliens. (unknown_word: aliens)
`);
});
it('tells why there is no answer; the narrative is there all the same', () => {
  expect(say(state({ ...answered, outcome: 'crashed', message: 'It died.', model: null }))).toBe('It was checkout [E1].\n\nIt died.\n');
  expect(say(state(null))).toBe('It was checkout [E1].\n\nThe model was not asked.\n');
});
