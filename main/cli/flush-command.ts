import { type InstanceFlags, withConsole } from './with-console.ts';

/** `faultline flush`: prints {"position":...} once everything acknowledged before is queryable. */
export async function flush(flags: InstanceFlags & { readonly durable?: boolean }): Promise<number> {
  const answer = await withConsole({ flags }, async (console) => {
    const response = await console.call(`/console/admin/flush${flags.durable ? '?durable=1' : ''}`, { method: 'POST' });
    return response.json();
  });
  process.stdout.write(`${JSON.stringify(answer)}\n`);
  return 0;
}
