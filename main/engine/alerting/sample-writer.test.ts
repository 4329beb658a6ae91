import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { labelsOf } from '#query/promql/labels.ts';
import { PendingSamples } from './pending-samples.ts';
import { SampleWriter } from './sample-writer.ts';

const samples = [1, 2].map((value) => ({
  labels: labelsOf(Object.entries({ __name__: 'm', job: 'a' })),
  atMs: value,
  value,
  isStale: false,
}));
function writerTo(port: number) {
  const pending = new PendingSamples();
  const said: string[] = [];
  const nothing = async () => undefined;
  const parts = { pending, drained: nothing, refreshed: nothing, nowMs: () => 0, log: (line: string) => said.push(line) };
  const writer = new SampleWriter({ ...parts, ingestUrl: () => `http://127.0.0.1:${port}` });
  pending.add(samples);
  writer.write([samples]);
  return { writer, pending, said };
}
it('samples leave the pending ones once they are journalled and visible', async () => {
  const types: unknown[] = [];
  const server = createServer((request, response) => {
    types.push(request.headers['content-type'], request.headers['faultline-import']);
    request.resume().on('end', () => response.writeHead(204).end());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { writer, pending } = writerTo((server.address() as AddressInfo).port);
  expect(pending.size).toBe(2);
  await writer.stop();
  server.close();
  expect(types).toEqual(['application/x-protobuf;proto=io.prometheus.write.v2.Request', 'rules']);
  expect([writer.written, writer.lost, pending.size]).toEqual([2, 0, 0]);
});
it('a stop waits for no collector that is gone; what is lost is counted and told', async () => {
  const { writer, pending, said } = writerTo(1);
  await writer.stop();
  expect([writer.written, writer.lost, pending.size]).toEqual([0, 2, 0]);
  expect(said).toEqual(['2 samples of rules are lost: the engine stops']);
});
