import { expect, it } from 'vitest';
import { LeftOutBook } from './left-out.ts';

const news = (position: number, samples: number) => ({ type: 'left-out' as const, position, samples, histograms: 0, exemplars: 0 });

it('holds for sources with a limit of series, and for all when the dictionary is full', () => {
  const full = new Set<string>();
  const book = new LeftOutBook(full);
  book.setLimits({ 'remote-*': { maxSeries: 5 }, 'otlp-http service=a': { maxSeries: 1 }, rules: { maxBytesPerDay: 5 } });
  expect(['remote-write', 'otlp-http', 'rules'].map((source) => book.holds(source))).toEqual([true, true, false]);
  full.add('*');
  expect(book.holds('rules')).toBe(true);
});
it('waits for what is said of a record, also before it is asked for, and not for ever', async () => {
  const book = new LeftOutBook(new Set(), 5);
  book.hear(news(7, 1));
  expect(await book.of(7)).toMatchObject({ samples: 1 });
  const waiting = book.of(9);
  book.hear(news(8, 2));
  book.hear(news(9, 3));
  expect(await waiting).toMatchObject({ samples: 3 });
  expect(await book.of(10)).toBeNull();
  for (let i = 100; i < 2_000; i++) book.hear(news(i, i));
  expect(await book.of(7)).toBeNull();
});
