import { runCli } from './run-cli.ts';

// Set, not exit: what is still on its way to a pipe must get there.
process.exitCode = await runCli(process.argv.slice(2));
// Sockets kept alive and native threads would hold a finished command for seconds.
if (process.stdout.writableLength === 0) process.exit();
process.stdout.once('drain', () => process.exit());
