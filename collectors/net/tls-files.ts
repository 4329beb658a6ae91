import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { FaultlineError } from '#contracts/errors.ts';
import { flagOf } from '#contracts/listeners.ts';
import type { Listeners } from '#contracts/settings.ts';

/** PEM. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}
/** Certificate and key of a listener, tried out. @param setting that asked for TLS @throws FaultlineError config_invalid */
export function readTls(setting: string, tls: Listeners['tls']): TlsFiles {
  if (!tls) throw new FaultlineError('config_invalid', `${flagOf(setting)} needs --tls-cert and --tls-key, PEM files`);
  const read = (flag: string, file: string): Buffer => {
    try {
      return readFileSync(file);
    } catch (cause) {
      throw new FaultlineError('config_invalid', `${flag}: cannot read ${file}: ${(cause as Error).message}`, { cause });
    }
  };
  const files = { cert: read('--tls-cert', tls.certFile), key: read('--tls-key', tls.keyFile) };
  try {
    createSecureContext(files);
    return files;
  } catch (cause) {
    const { message } = cause as Error;
    throw new FaultlineError('config_invalid', `--tls-cert, --tls-key: ${tls.certFile} and ${tls.keyFile} do not work: ${message}`, {
      cause,
    });
  }
}
