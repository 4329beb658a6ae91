import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { ERRORS } from '#contracts/errors.ts';
import { UNKNOWN_WHYS } from '#contracts/import-files.ts';
import { CAUSE_KINDS, SIGNAL_KINDS } from '#contracts/judgement.ts';
import { REASONS } from '#contracts/reasons.ts';

const here = import.meta.dirname;
type Variants = readonly { readonly match: Readonly<Record<string, string>> }[];
/** Of a message with a form for one thing and one for several, the form for several: it has every gap. */
const textOf = (message: string | Variants): string =>
  typeof message === 'string' ? message : (Object.values(message[0]!.match).at(-1) ?? '');
function read(locale: string): Record<string, string> {
  const messages = JSON.parse(readFileSync(path.join(here, `${locale}.json`), 'utf8')) as Record<string, string | Variants>;
  return Object.fromEntries(Object.entries(messages).map(([key, message]) => [key, textOf(message)]));
}
const [en, zh] = [read('en'), read('zh')];
const placeholders = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]!).sort();

it('both languages have the same messages', () => expect(Object.keys(zh).sort()).toEqual(Object.keys(en).sort()));
// The Chinese sentences on evidence may use more of the row's parameters than ours in English.
it('both have the same gaps', () => {
  const differ = Object.keys(en)
    .filter((key) => !/^(evidence|anomaly|timeline)_/.test(key))
    .filter((key) => placeholders(zh[key] ?? '').join() !== placeholders(en[key] ?? '').join());
  expect(differ).toEqual([]);
});
it('no Chinese sentence mixes in half-width punctuation', () => {
  const mixed = Object.entries(zh).filter(([, text]) => /[\u4e00-\u9fff][,;:!?]/.test(text));
  expect(mixed).toEqual([]);
});
it('every closed list has its words', () => {
  const wanted = [
    ...Object.keys(REASONS).map((code) => `reason_${code}`),
    ...Object.keys(ERRORS).map((code) => `error_${code}`),
    ...UNKNOWN_WHYS.filter((why) => why !== '').map((why) => `import_why_${why}`),
    ...CAUSE_KINDS.map((kind) => `cause_${kind}`),
    ...SIGNAL_KINDS.flatMap((kind) => [`signal_${kind}`, `anomaly_${kind}`]),
  ];
  expect(wanted.filter((key) => !zh[key])).toEqual([]);
});
it('every error says in both languages what it is and what to do', () => {
  // Who went away needs no advice in the catalogue, and gets some from us.
  const unadvised = ['cancelled', 'model_cancelled'];
  const mute = Object.entries(ERRORS).filter(([code, { says, todo }]) => {
    const ours = (zh[`error_${code}`] ?? '').split('|');
    return (
      says === '' || (todo === '' && !unadvised.includes(code)) || ours.length !== 2 || !ours.every((text) => /[\u4e00-\u9fff]/.test(text))
    );
  });
  expect(mute.map(([code]) => code)).toEqual([]);
});
it('no component says anything in its own words', () => {
  const folder = path.join(here, '..');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.svelte') && !file.includes('paraglide'),
  );
  const wild = files.flatMap((file) => {
    const markup = readFileSync(path.join(folder, file), 'utf8').replace(
      /<script[\s\S]*?<\/script>|<style[\s\S]*?<\/style>|<!--[\s\S]*?-->|\{[^{}]*\}/g,
      ' ',
    );
    // Text between tags with two words in a row is a sentence that nobody can translate.
    return [...markup.matchAll(/>([^<>{}=]*[A-Za-z]{3,} [A-Za-z]{3,}[^<>{}=]*)</g)].map((match) => `${file}: ${match[1]!.trim()}`);
  });
  expect(wild).toEqual([]);
});
