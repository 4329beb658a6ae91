import { describe, expect, it } from 'vitest';
import { FaultlineError } from '#contracts/errors.ts';
import type { Settings } from '#contracts/settings.ts';
import { explainStart } from './explain-start.ts';

const at = (port: number) => ({ host: '127.0.0.1', port });
const settings = (api: number, ingest: number): Settings => ({ api: at(api), ingest: at(ingest), otlpGrpc: at(0) }) as Settings;

describe('explainStart', () => {
  it.each([
    ['Port 4318 of 127.0.0.1 (--ingest) is in use by another process.', settings(0, 4318), /^Port 4318 on 127\.0\.0\.1 \(--ingest\)/],
    ['Port 4400 on 127.0.0.1 is in use, so the console cannot listen there.', settings(4400, 0), /^Port 4400 on 127\.0\.0\.1 \(--api\)/],
  ])('names the port that is taken, not the one that is 0: %s', async (message, given, expected) => {
    const explained = await explainStart(new FaultlineError('port_taken', message), given, null);
    expect(explained.message).toMatch(expected);
    expect(explained.message).not.toContain('Port 0 ');
  });
});
