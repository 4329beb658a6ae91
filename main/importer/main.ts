import { hashFile } from '#collectors/files/open-file.ts';
import type { ImportCall, ImportNews } from '#contracts/import-process.ts';
import type { ToChild } from '#contracts/processes.ts';
import { previewFile } from '#main/import/open-records.ts';
import { ImportControl, runImport } from '#main/import/run-import.ts';
import { parentPort } from '#main/supervisor/parent-port.ts';

/** Entry of the importer: reads files that a page sent, where a hostile one harms nothing. Holds no state. */
const port = parentPort();
const running = new Map<string, ImportControl>();
const say = (news: ImportNews): void => port.send({ type: 'import-news', news });

async function answer(call: Exclude<ImportCall, { call: 'control' }>): Promise<ImportNews> {
  const { id, path } = call;
  if (call.call === 'preview') return { news: 'preview', id, preview: await previewFile(path, call.format, call.mapping) };
  const control = new ImportControl();
  running.set(id, control);
  try {
    if (call.call === 'hash') return { news: 'hashed', id, sha256: await hashFile(path, { control }) };
    const result = await runImport({ ...call, control, onMeter: (meter) => say({ news: 'progress', id, meter }) });
    return { news: 'done', id, result };
  } finally {
    running.delete(id);
  }
}
function hear(call: ImportCall): void {
  if (call.call === 'control') {
    running.get(call.id)?.[call.action]();
    return;
  }
  answer(call).then(say, (error: unknown) =>
    say({ news: 'error', id: call.id, call: call.call, message: error instanceof Error ? error.message : String(error) }),
  );
}
port.onMessage((message: ToChild) => {
  if (message.type === 'import-call') hear(message.call);
  else if (message.type === 'stop') process.exit(0);
});
port.onClose(() => process.exit(0));
