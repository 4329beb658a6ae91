import { parseGoDuration } from '#query/rules/model-duration.ts';
import { isNull, YamlDecoder } from '#query/rules/yaml-decoder.ts';
import type { YamlNode } from '#query/rules/yaml-node.ts';
import { Secret } from './config.ts';

type At = Pick<YamlNode, 'line' | 'column'>;
/** What a value must not be, in Alertmanager's words: reading ends at the first. */
export class ConfigFailure extends Error {
  override name = 'ConfigFailure';
  readonly at: At;
  constructor(at: At, message: string) {
    super(message);
    this.at = at;
  }
}
export function fail(at: At, message: string): never {
  throw new ConfigFailure(at, message);
}
type Readers = Readonly<Record<string, (node: YamlNode) => unknown>>;
/** What was given of a struct: a key that is missing or null is not in it. */
export type Got<R extends Readers> = { readonly [K in keyof R]?: ReturnType<R[K]> };

/** Reads structs as Go's yaml package does: entries in their order, unknown ones and wrong types are collected, a wrong value ends it. */
export class ConfigDecoder extends YamlDecoder {
  /** Readers to name in a struct. */
  readonly as = {
    text: (node: YamlNode): string => this.text(node),
    texts: (node: YamlNode): ReadonlyMap<string, string> => this.texts(node),
    strings: (node: YamlNode): string[] => this.list(node, 'string').map((each) => this.text(each)),
    boolean: (node: YamlNode): boolean => this.boolean(node),
    count: (node: YamlNode): number => this.integer(node, 'uint64'),
    secret: (node: YamlNode): Secret | undefined => (this.text(node) === '' ? undefined : new Secret(this.text(node))),
    /** As `resolve_timeout` and the waits of routes are written: 1d12h. */
    duration: (node: YamlNode): number => {
      const text = this.text(node);
      const ms = node.kind === 'scalar' ? parseGoDuration(text) : 0;
      return typeof ms === 'number' ? ms : fail(node, ms);
    },
    /** As Go writes them: 1.5s. */
    goDuration: (node: YamlNode): number => {
      const ms = goDurationMs(this.text(node));
      if (ms === null) this.fault(node, `cannot unmarshal !!str \`${this.text(node)}\` into time.Duration`);
      return ms ?? 0;
    },
    url: (node: YamlNode): string => httpUrl(node, this.text(node)),
    /** <secret> is what Alertmanager's API shows instead of one. */
    secretUrl: (node: YamlNode): Secret => {
      const text = this.text(node);
      return new Secret(text === '<secret>' ? text : httpUrl(node, text));
    },
    /** For what is known and not used. */
    anything: (): true => true,
  } as const;

  /**
   * @param readers for each key that is known
   * @param check what the struct must be as a whole; not asked when something in it has a wrong type
   */
  struct<R extends Readers>(node: YamlNode, readers: R, check: (got: Got<R>) => void = () => {}, type = 'config.plain'): Got<R> {
    const before = this.faults.length;
    const got: Record<string, unknown> = {};
    for (const [key, value] of this.map(node, type, Object.keys(readers)))
      if (!isNull(value)) got[key] = (readers[key] as Readers[string])(value);
    if (this.faults.length === before) check(got as Got<R>);
    return got as Got<R>;
  }
}
function httpUrl(node: YamlNode, text: string): string {
  const found = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?/.exec(text);
  const scheme = found?.[1]?.toLowerCase() ?? '';
  if (scheme !== 'http' && scheme !== 'https') fail(node, `unsupported scheme ${JSON.stringify(scheme)} for URL`);
  if (!found?.[2]) fail(node, 'missing host for URL');
  return text;
}
const GO_UNITS_MS: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
function goDurationMs(text: string): number | null {
  if (/^[+-]?0$/.test(text)) return 0;
  const found = /^([+-]?)((?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/.exec(text);
  if (!found) return null;
  const parts = (found[2] as string).matchAll(/([\d.]+)([a-zµμ]+)/g);
  const ms = [...parts].reduce((sum, [, count, unit]) => sum + Number(count) * (GO_UNITS_MS[unit as string] as number), 0);
  return found[1] === '-' ? -ms : ms;
}
