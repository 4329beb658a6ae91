import { spawn } from 'node:child_process';

/** Runs Node with arguments; resolves with status, everything it said and how long it took. Never rejects. */
export function runStep(node, args, { cwd, environment = process.env, echo = false }) {
  const startedMs = Date.now();
  return new Promise((done) => {
    const child = spawn(node, args, { cwd, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
    let said = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        said += text;
        if (echo) process.stderr.write(text);
      });
    }
    const end = (status) => done({ status, said, seconds: (Date.now() - startedMs) / 1000 });
    child.on('error', (error) => {
      said += error.message;
      end(1);
    });
    child.on('close', (code) => end(code ?? 1));
  });
}
