import { expect, it } from 'vitest';
import { maskSecrets } from './mask-secrets.ts';

it.each([
  ['    password: "hunter2" # mine', '    password: <secret>'],
  ['  - credentials: abc', '  - credentials: <secret>'],
  ['auth:\n  password: |\n    hunter2\n\n    hunter3\n  username: eve', 'auth:\n  password: <secret>\n  username: eve'],
  ["auth:\n  'password':\n    hunter2\nnext: 1", "auth:\n  'password': <secret>\nnext: 1"],
  ["basic_auth: { username: eve, password: 'a, b', x: 1 }", 'basic_auth: { username: eve, password: <secret>, x: 1 }'],
  ['- url: http://eve:hunter2@host:9090/x', '- url: http://eve:<secret>@host:9090/x'],
  ['password_file: /etc/pw\njob_name: tokens', 'password_file: /etc/pw\njob_name: tokens'],
])('%s', (yaml, shown) => {
  expect(maskSecrets(yaml)).toBe(shown);
});
