// Draws resources/icons/*.png: a disc with a fault line through it, one colour per state of the tray. No image tool needed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';

const root = resolve(import.meta.dirname, '..');
const COLOURS = { calm: [70, 160, 120], incident: [214, 69, 65], away: [130, 138, 150], app: [78, 140, 255] };
const chunk = (type, data) => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const out = Buffer.alloc(body.length + 8);
  out.writeUInt32BE(data.length, 0);
  body.copy(out, 4);
  out.writeUInt32BE(crc32(body), body.length + 4);
  return out;
};
/** Coverage of a pixel by the figure, 4 x 4 samples. */
function coverage(x, y, size) {
  let inside = 0;
  for (let i = 0; i < 16; i++) {
    const px = (x + (i % 4) / 4 + 0.125) / size - 0.5;
    const py = (y + Math.floor(i / 4) / 4 + 0.125) / size - 0.5;
    const crack = Math.abs(px + 0.35 * py + (py < -0.08 ? 0.07 : py > 0.1 ? -0.07 : 0)) < 0.045;
    if (px * px + py * py < 0.2 && !crack) inside++;
  }
  return inside / 16;
}
function png([r, g, b], size) {
  const raw = Buffer.alloc(size * (size * 4 + 1));
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) raw.set([r, g, b, Math.round(coverage(x, y, size) * 255)], y * (size * 4 + 1) + 1 + x * 4);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  header.set([8, 6, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from([137, 80, 78, 71, 13, 10, 26, 10]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(raw, { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}
const folder = join(root, 'resources/icons');
mkdirSync(folder, { recursive: true });
for (const [name, colour] of Object.entries(COLOURS)) writeFileSync(join(folder, `${name}.png`), png(colour, name === 'app' ? 256 : 32));
