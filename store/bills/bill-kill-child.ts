import { openStore } from '../open-store.ts';

/** Helper of bill-kill.test.ts: imports one bill, telling its parent when it begins, and stays until it is killed. */
const [dataDir, path, sha256] = process.argv.slice(2);
if (process.send && dataDir && path && sha256 && import.meta.filename === process.argv[1]) {
  const store = await openStore({ dataDir, retentionSeconds: 0, maxSizeBytes: 1e12, limits: { maxSeries: 1000 }, nowMs: () => Date.now() });
  process.send('begins');
  await store.importBill({ path, name: 'bill.csv', sha256 });
  setInterval(() => undefined, 1000);
}
