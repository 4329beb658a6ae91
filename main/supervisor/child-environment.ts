import type { Settings } from '#contracts/settings.ts';
import type { SpawnName } from './process-host.ts';

/**
 * What a child may know of our environment: what Node, the C library and Electron read in it. No FAULTLINE_... among them: settings
 * are read here and sent. Proxies and credentials of other tools have no business in a process that reads foreign data.
 */
const NAMES = new Set([
  ...['PATH', 'HOME', 'TMPDIR', 'LANG', 'LANGUAGE', 'TZ'],
  // Without it a native library that was found for us is not found for them.
  ...['LD_LIBRARY_PATH', 'DYLD_LIBRARY_PATH'],
  // What was put before all libraries for us is meant for them too: an allocator, the clock of tests/faults.
  ...['LD_PRELOAD', 'DYLD_INSERT_LIBRARIES'],
  // Where the forwarder finds who to trust, with --use-openssl-ca in NODE_OPTIONS.
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'OPENSSL_CONF'],
  // Windows: folders, and what its loader and sockets need.
  ...['TEMP', 'TMP', 'USERPROFILE', 'APPDATA', 'LOCALAPPDATA', 'SYSTEMROOT', 'SYSTEMDRIVE', 'WINDIR', 'COMSPEC', 'PATHEXT'],
]);
const PREFIXES = /^(?:LC_|NODE_|UV_|MALLOC_|FAKETIME_|ELECTRON_|CHROME_)/;
/** npm's, in continuous integration. */
const NEVER = new Set(['NODE_AUTH_TOKEN']);

/** What a child needs beyond that. */
const OWN: Readonly<Record<SpawnName | 'demo', Record<string, string>>> = {
  collector: {},
  // Two malloc arenas (glibc) instead of eight a core: what one thread frees serves the next. A fixed threshold for mmap:
  // DuckDB's blocks of 256 KiB go back to the system when they are freed; glibc's own grows until they no longer do.
  engine: { UV_THREADPOOL_SIZE: '16', MALLOC_ARENA_MAX: '2', MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_TRIM_THRESHOLD_: '33554432' },
  llm: {},
  importer: {},
  forwarder: {},
  demo: { ELECTRON_RUN_AS_NODE: '1' },
};
export function childEnvironment(name: SpawnName | 'demo', environment: NodeJS.ProcessEnv): Record<string, string> {
  const passed: Record<string, string> = {};
  for (const [key, value] of Object.entries(environment)) {
    // Windows keeps "Path".
    const upper = key.toUpperCase();
    if (value !== undefined && !NEVER.has(upper) && (NAMES.has(upper) || PREFIXES.test(upper))) passed[key] = value;
  }
  return { ...passed, ...OWN[name] };
}

/**
 * Settings as a child gets them. The collector, which talks to everybody, knows neither the token nor what opens a platform; the
 * engine needs the headers of a destination to test it, the forwarder to send.
 */
export function settingsOf(name: SpawnName, settings: Settings): Settings {
  if (name === 'engine') return settings;
  const { listeners, ...others } = settings;
  // With the shared key of Fluent Forward.
  const own = name === 'collector' && listeners ? { listeners } : {};
  return { ...others, ...own, token: '', ...(name === 'forwarder' ? {} : { forward: [] }) };
}
