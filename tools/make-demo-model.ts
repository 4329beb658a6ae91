// make-demo-model.ts FILE [SEED]: writes the tiny GGUF of tests and the demo (random weights from a seed; models/demo-model).
import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { DEMO_SEED, makeDemoModel } from '#models/demo-model/make-demo-model.ts';

const [file, seed = String(DEMO_SEED)] = process.argv.slice(2);
if (file === undefined || !/^\d{1,9}$/.test(seed)) {
  console.error('make-demo-model.ts FILE [SEED]   SEED is a whole number');
  process.exit(2);
}
const bytes = makeDemoModel(Number(seed));
writeFileSync(file, bytes);
console.log(`${file}: ${bytes.length} bytes, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}`);
