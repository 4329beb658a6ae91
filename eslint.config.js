import svelte from 'eslint-plugin-svelte';
import ts from 'typescript-eslint';

// Only what Biome does not know: Svelte's own rules ({@html}, keyed each, ...).
export default [
  ...svelte.configs.recommended,
  { files: ['**/*.svelte', '**/*.svelte.ts'], languageOptions: { parserOptions: { parser: ts.parser } } },
  { ignores: ['renderer/paraglide', 'out', '**/*.ts', '**/*.js', '!**/*.svelte.ts'] },
];
