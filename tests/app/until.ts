export const sleep = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));
/**
 * What `probe` finds, once it is something; an error counts as nothing yet.
 * @throws when it does not happen in time: who waits for ever proves nothing
 */
export async function until<T>(
  what: string,
  probe: () => Promise<T | false | null | undefined> | T | false | null | undefined,
  seconds = 40,
): Promise<T> {
  const endMs = Date.now() + seconds * 1000;
  for (;;) {
    const found = await Promise.resolve()
      .then(probe)
      .catch(() => null);
    if (found) return found;
    if (Date.now() > endMs) throw new Error(`${what} did not happen within ${seconds} s`);
    await sleep(50);
  }
}
