/** Where the demo shop says which hosts to scrape: written by `demo/`, looked for by the collector, which may start first. */
export const DEMO_FOLDER = 'demo';
export const DEMO_PROMETHEUS_FILE = 'prometheus.yml';
/** file_sd target groups; an empty list while the shop does not run. */
export const DEMO_TARGETS_FILE = 'shop-hosts.json';
/** Objectives of the shop, evaluated while it runs. */
export const DEMO_SLO_FILE = 'slo.yml';
