import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEMO_PROMETHEUS_FILE, DEMO_SLO_FILE, DEMO_TARGETS_FILE } from '#contracts/demo-files.ts';
import { OBJECTIVES } from './shop/objectives.ts';

/** Writes a prometheus.yml that finds the shop's hosts through file_sd. Returns its path; makes the folder. */
async function writePrometheusConfig(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const file = path.join(folder, DEMO_PROMETHEUS_FILE);
  const text = `global:
  scrape_interval: 10s
  scrape_timeout: 5s
scrape_configs:
  - job_name: node
    file_sd_configs:
      - files: [${JSON.stringify(path.join(folder, DEMO_TARGETS_FILE))}]
        refresh_interval: 5s
    relabel_configs:
      - source_labels: [node]
        target_label: instance
`;
  await writeFile(file, text);
  return file;
}
async function writeTargets(folder: string, ports: ReadonlyMap<string, number>): Promise<void> {
  const groups = [...ports].map(([node, port]) => ({ targets: [`127.0.0.1:${port}`], labels: { node } }));
  const file = path.join(folder, DEMO_TARGETS_FILE);
  // A reader must never see half a file.
  await writeFile(`${file}.tmp`, JSON.stringify(groups, null, 2));
  await rename(`${file}.tmp`, file);
}
const listen = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

export interface MetricsEndpoints {
  /** host.name to the loopback port that serves its /metrics. */
  readonly ports: ReadonlyMap<string, number>;
  readonly prometheusConfigFile: string;
  /** Puts the hosts on the list a collector scrapes by. */
  announce(): Promise<void>;
  /** Closes the ports and removes the folder when it was made here. */
  stop(): Promise<void>;
}
/** Serves /metrics of each host on a loopback port of its own. @param folder for prometheus.yml and the target list; a temporary one when absent */
export async function serveMetrics(
  hosts: readonly string[],
  exposition: (host: string) => string,
  folder?: string,
): Promise<MetricsEndpoints> {
  const place = folder ?? (await mkdtemp(path.join(tmpdir(), 'faultline-shop-')));
  const prometheusConfigFile = await writePrometheusConfig(place);
  await writeFile(path.join(place, DEMO_SLO_FILE), OBJECTIVES);
  const servers: Server[] = [];
  const ports = new Map<string, number>();
  for (const host of hosts) {
    const server = createServer((request, response) => {
      const found = request.url?.split('?')[0] === '/metrics';
      response.writeHead(found ? 200 : 404, { 'content-type': found ? 'text/plain; version=0.0.4; charset=utf-8' : 'text/plain' });
      response.end(found ? exposition(host) : 'metrics are at /metrics\n');
    });
    servers.push(server);
    ports.set(host, await listen(server));
  }
  // What a run that was killed left on the list is gone.
  await writeTargets(place, new Map());
  return {
    ports,
    prometheusConfigFile,
    announce: () => writeTargets(place, ports),
    async stop() {
      for (const server of servers) server.closeAllConnections();
      await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
      if (folder === undefined) await rm(place, { recursive: true, force: true });
      else await writeTargets(place, new Map()).catch(() => {});
    },
  };
}
