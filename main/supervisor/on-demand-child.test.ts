import { describe, expect, it } from 'vitest';
import type { ModelNews } from '#contracts/llm-process.ts';
import type { FromChild, ToChild } from '#contracts/processes.ts';
import { OnDemandChild } from './on-demand-child.ts';

/** A child steered by hand. */
function rig() {
  const children: { sent: ToChild[]; killed: boolean; say: (message: FromChild) => void; end: (reason: string) => void }[] = [];
  const news: ModelNews[] = [];
  const ends: [string, number][] = [];
  const child = new OnDemandChild({
    host: {
      spawn(name) {
        expect(name).toBe('llm');
        const each = { sent: [] as ToChild[], killed: false, say: (_: FromChild) => {}, end: (_: string) => {} };
        children.push(each);
        return {
          pid: children.length,
          send: (message) => void each.sent.push(message),
          onMessage: (listener) => {
            each.say = listener;
          },
          onExit: (listener) => {
            each.end = listener;
          },
          kill: () => {
            each.killed = true;
            each.end('signal SIGKILL');
          },
        };
      },
    },
    onNews: (each) => news.push(each),
    onEnded: (reason, lastCall) => ends.push([reason, lastCall]),
    onStarted: () => undefined,
  });
  return { child, children, news, ends };
}
const inspect = (id: number) => ({ call: 'inspect', id, path: '/x' }) as const;
const vitals = { type: 'llm-news', news: { news: 'vitals', rssBytes: 1 } } as const;

describe('OnDemandChild', () => {
  it('starts with the first call, and only once', () => {
    const { child, children, news } = rig();
    expect(child.pid).toBeUndefined();
    child.call(inspect(1));
    child.call(inspect(2));
    expect(children).toHaveLength(1);
    expect(children[0]?.sent).toEqual([1, 2].map((id) => ({ type: 'llm-call', call: inspect(id) })));
    children[0]?.say(vitals);
    expect(news).toEqual([vitals.news]);
  });
  it('a cancel starts nothing', () => {
    const { child, children } = rig();
    child.call({ call: 'cancel', id: 1 });
    expect(children).toEqual([]);
  });
  it('says that it ended, and after which call; the next call starts another', () => {
    const { child, children, ends } = rig();
    child.call(inspect(7));
    children[0]?.end('signal SIGSEGV');
    expect(ends).toEqual([['signal SIGSEGV', 7]]);
    child.call(inspect(8));
    expect(children).toHaveLength(2);
  });
  it('a killed one is silent, also what it still says', () => {
    const { child, children, ends, news } = rig();
    child.call(inspect(1));
    child.kill();
    child.kill();
    children[0]?.say(vitals);
    expect({ killed: children[0]?.killed, ends, news, pid: child.pid }).toEqual({ killed: true, ends: [], news: [], pid: undefined });
  });
});
