import type { Random } from '../random.ts';
import type { Language } from './topology.ts';

/** A way for a service's own code to fail. */
export interface ErrorShape {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}
const javaStack = (type: string, message: string, service: string, at: readonly string[]): string =>
  [
    `${type}: ${message}`,
    ...at.map((frame) => `\tat com.harborlane.${service.replace('-', '')}.${frame}`),
    '\tat java.base/java.lang.Thread.run(Thread.java:1583)',
  ].join('\n');
const nodeStack = (type: string, message: string, at: readonly string[]): string =>
  [
    `${type}: ${message}`,
    ...at.map((frame) => `    at ${frame}`),
    '    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)',
  ].join('\n');
const goStack = (message: string, service: string, at: readonly string[]): string =>
  [message, ...at.map((frame) => `\tharborlane.example/${service}/${frame}`)].join('\n');
const pythonStack = (type: string, message: string, at: readonly string[]): string =>
  ['Traceback (most recent call last):', ...at.map((frame) => `  File "/app/${frame}`), `${type}: ${message}`].join('\n');

function shape(language: Language, service: string, name: string, message: string, places: readonly string[]): ErrorShape {
  if (language === 'java') {
    const at = places.map((place, i) => `${place}(${place.split('.')[0]}.java:${88 + i * 41})`);
    return { type: name, message, stack: javaStack(name, message, service, at) };
  }
  if (language === 'nodejs')
    return {
      type: name,
      message,
      stack: nodeStack(
        name,
        message,
        places.map((p, i) => `${p} (/app/dist/${service}.js:${212 + i * 77}:19)`),
      ),
    };
  if (language === 'python')
    return {
      type: name,
      message,
      stack: pythonStack(
        name,
        message,
        places.map((p, i) => `${service.replace('-', '_')}.py", line ${61 + i * 30}, in ${p}`),
      ),
    };
  return {
    type: name,
    message,
    stack: goStack(
      message,
      service,
      places.map((p, i) => `${p}.go:${74 + i * 29}`),
    ),
  };
}
const NAMES: Readonly<
  Record<
    Language,
    {
      readonly base: readonly (readonly [string, string])[];
      readonly release: readonly (readonly [string, string])[];
      readonly tenant: readonly (readonly [string, string])[];
      readonly places: readonly string[];
    }
  >
> = {
  java: {
    base: [
      ['org.springframework.dao.OptimisticLockingFailureException', 'row was updated by another transaction'],
      ['java.net.SocketException', 'Connection reset by peer'],
      ['com.fasterxml.jackson.databind.JsonMappingException', 'unexpected end of input'],
    ],
    release: [
      ['java.lang.NullPointerException', 'Cannot invoke "java.math.BigDecimal.scale()" because "amount" is null'],
      ['java.lang.IllegalStateException', 'no converter registered for type Money'],
      ['java.lang.NoSuchMethodError', "'java.util.Optional com.harborlane.common.Region.fallback()'"],
    ],
    tenant: [
      ['com.harborlane.common.ConfigurationException', 'no active profile for the requested currency'],
      ['java.lang.IllegalArgumentException', 'certificate of the merchant account has expired'],
    ],
    places: ['RequestHandler.handle', 'DomainService.apply', 'Endpoint.invoke'],
  },
  go: {
    base: [
      ['*net.OpError', 'read tcp: connection reset by peer'],
      ['*json.SyntaxError', 'unexpected end of JSON input'],
    ],
    release: [
      ['runtime.boundsError', 'index out of range [3] with length 3'],
      ['*errors.errorString', 'unsupported rule version 4'],
    ],
    tenant: [
      ['*rules.NotFoundError', 'rule set not found for account'],
      ['*errors.errorString', 'currency table has no entry'],
    ],
    places: ['server/handler', 'internal/evaluate', 'internal/rules'],
  },
  nodejs: {
    base: [
      ['FetchError', 'socket hang up'],
      ['SyntaxError', 'Unexpected end of JSON input'],
    ],
    release: [
      ['TypeError', "Cannot read properties of undefined (reading 'currency')"],
      ['RangeError', 'Invalid time value'],
    ],
    tenant: [
      ['ConfigurationError', 'carrier contract is not configured'],
      ['ValidationError', 'template "order" has no translation'],
    ],
    places: ['renderPage', 'resolveContext', 'handleRequest'],
  },
  python: {
    base: [
      ['redis.exceptions.ConnectionError', 'Connection closed by server.'],
      ['json.decoder.JSONDecodeError', 'Expecting value: line 1 column 1 (char 0)'],
    ],
    release: [
      ['KeyError', "'embedding_v3'"],
      ['ValueError', 'operands could not be broadcast together with shapes (1,96) (128,)'],
    ],
    tenant: [
      ['LookupError', 'model artefact missing for segment'],
      ['ValueError', 'empty candidate list'],
    ],
    places: ['score', 'rank_candidates', 'get_recommendations'],
  },
};
export type ErrorClass = 'base' | 'release' | 'tenant';
/** One way in which this service fails: everyday ('base'), after a release, or for one customer's data. */
export function pickError(random: Random, language: Language, service: string, cls: ErrorClass): ErrorShape {
  const names = NAMES[language];
  const [name, message] = random.pick(names[cls]);
  return shape(language, service, name, message, names.places);
}
/** What a runtime throws when an allocation fails; runtimes missing here do not throw. */
export const MEMORY_ERRORS: Partial<Readonly<Record<Language, ErrorShape>>> = {
  java: {
    type: 'java.lang.OutOfMemoryError',
    message: 'GC overhead limit exceeded',
    stack: 'java.lang.OutOfMemoryError: GC overhead limit exceeded\n\tat java.base/java.util.Arrays.copyOf(Arrays.java:3537)',
  },
  python: { type: 'MemoryError', message: 'cannot allocate', stack: 'MemoryError: cannot allocate' },
};
