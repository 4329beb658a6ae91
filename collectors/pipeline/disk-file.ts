import fs from 'node:fs';

/**
 * How to open a file whose every write comes back durable, as if fdatasync had followed: one turn of the thread pool
 * instead of two. Linux only (open(2), O_DSYNC): macOS needs F_FULLFSYNC, which Node sends with fdatasync. 0: not here.
 */
export const DURABLE_WRITES = process.platform === 'linux' ? fs.constants.O_RDWR | fs.constants.O_DSYNC : 0;

/** Promises over the plain calls: FileHandle costs several objects more per call, and these run per group commit. */
export function openFile(path: string, flags: string | number): Promise<number> {
  return new Promise((resolve, reject) => fs.open(path, flags, 0o600, (error, fd) => (error ? reject(error) : resolve(fd))));
}
export function closeFile(fd: number): Promise<void> {
  return new Promise((resolve) => fs.close(fd, () => resolve()));
}
/** @returns bytes read: fewer than `length` only at the end of the file */
export function readAt(fd: number, target: Buffer, position: number, length = target.length): Promise<number> {
  return new Promise((resolve, reject) => {
    const step = (done: number): void => {
      fs.read(fd, target, done, length - done, position + done, (error, count) => {
        if (error) reject(error);
        else if (count === 0 || done + count === length) resolve(done + count);
        else step(done + count);
      });
    };
    if (length === 0) resolve(0);
    else step(0);
  });
}
export function syncData(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fs.fdatasync(fd, (error) => (error ? reject(error) : resolve())));
}
/** Makes new names and renames of a folder durable. Windows has no such call and needs none. */
export async function syncFolder(dir: string): Promise<void> {
  if (process.platform === 'win32') return;
  const fd = await openFile(dir, 'r');
  try {
    await new Promise<void>((resolve, reject) => fs.fsync(fd, (error) => (error ? reject(error) : resolve())));
  } finally {
    await closeFile(fd);
  }
}
const writeOnce = (fd: number, buffers: readonly Uint8Array[], position: number): Promise<number> =>
  new Promise((resolve, reject) =>
    fs.writev(fd, buffers as Uint8Array[], position, (error, count) => (error ? reject(error) : resolve(count))),
  );
/** Writes everything, however often the kernel takes only a part. */
export async function writeAt(fd: number, buffers: readonly Uint8Array[], position: number): Promise<void> {
  let rest = buffers;
  let at = position;
  while (rest.length > 0) {
    let count = await writeOnce(fd, rest, at);
    at += count;
    let whole = 0;
    while (whole < rest.length && count >= (rest[whole] as Uint8Array).length) {
      count -= (rest[whole] as Uint8Array).length;
      whole++;
    }
    if (whole === rest.length) return;
    rest = rest.slice(whole);
    if (count > 0) rest = [(rest[0] as Uint8Array).subarray(count), ...rest.slice(1)];
  }
}
