/** Who may import whom (guide: "Our tree"). Folders that are not listed (tests, bench, tools) may see everything. */
export const MAY_IMPORT = {
  contracts: [],
  protos: [],
  query: ['contracts'],
  analytics: ['contracts'],
  store: ['contracts'],
  collectors: ['contracts', 'protos'],
  exporters: ['contracts', 'protos'],
  models: ['contracts'],
  demo: ['contracts', 'protos'],
  renderer: ['contracts'],
  main: ['contracts', 'protos', 'query', 'analytics', 'store', 'collectors', 'exporters', 'models', 'demo'],
};
/** Packages that only these folders may import. Tests may use any package. */
export const ONE_DOOR = {
  '@duckdb/node-api': ['store'],
  '@duckdb/node-bindings': ['store'],
  '@grpc/grpc-js': ['collectors', 'exporters', 'demo'],
  'node-llama-cpp': ['models'],
  electron: ['main/shell', 'main/preload'],
  svelte: ['renderer'],
  uplot: ['renderer'],
  '@codemirror/view': ['renderer/ui/promql'],
  // Binds offset, @ and [] wrongly: for colours and completion only.
  '@prometheus-io/lezer-promql': ['renderer/ui/promql'],
  '@prometheus-io/codemirror-promql': ['renderer/ui/promql'],
  'prom-client': ['main'],
  hono: ['main'],
  commander: ['main/cli'],
  yaml: ['main/cli', 'main/rules', 'collectors'],
  nodemailer: ['main/engine'],
  'apache-arrow': ['store', 'exporters', 'renderer', 'main/cli', 'main/api'],
  zod: ['contracts', 'collectors', 'models', 'main'],
};
/**
 * What an entry must not load before its first line runs, measured for the collector: zod 30 ms of CPU and 13 MB, node:http as an ES
 * module 45 ms and 15 MB.
 */
export const STARTS_FAST = {
  'main/collector/main.ts': [
    ...['zod', 'yaml', '@grpc/grpc-js', '@bufbuild/protobuf'],
    ...['node:dns', 'node:http', 'node:http2', 'node:https', 'node:tls'],
  ],
};
/** No clock and no chance: both are arguments there. */
export const PURE = ['contracts', 'query', 'analytics'];
export const MAX_LINES = 500;
/** Files over MAX_LINES, each with its reason. Generated code is not looked at. */
export const LONG_FILES = {};
/** Statements outside of store/, each with its reason. */
export const SQL_ELSEWHERE = {
  'demo/shop/operations.ts': 'what the simulated shop reports as db.query.text; never run',
};
/** Folders and files that are not ours to judge. */
export const IGNORED = ['node_modules', 'out', '.git', '.svelte-check', 'protos/gen', 'renderer/paraglide'];
