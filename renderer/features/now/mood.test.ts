import { expect, it } from 'vitest';
import { moodOf } from './mood.ts';

it.each([
  [{ open: 1, services: 0, troubled: 0 }, 'wrong'],
  [{ open: 0, services: 0, troubled: 0 }, 'silent'],
  [{ open: 0, services: 15, troubled: 3 }, 'failing'],
  [{ open: 0, services: 15, troubled: 0 }, 'calm'],
] as const)('%j is %s', (now, mood) => expect(moodOf(now)).toBe(mood));
