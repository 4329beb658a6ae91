import type { Random } from '../random.ts';

/** Brands that run their shop on the platform, largest first. */
export const TENANTS = [
  { id: 'northpeak-outdoor', share: 0.31 },
  { id: 'velvet-and-oak', share: 0.2 },
  { id: 'brightfork-kitchen', share: 0.15 },
  { id: 'pixelbarn', share: 0.12 },
  { id: 'littlestream-toys', share: 0.09 },
  { id: 'kestrel-cycles', share: 0.06 },
  { id: 'papermoon-books', share: 0.04 },
  { id: 'saltmarsh-surf', share: 0.03 },
] as const;
export const REGIONS = [
  { id: 'eu-west', share: 0.46 },
  { id: 'eu-north', share: 0.24 },
  { id: 'us-east', share: 0.22 },
  { id: 'ap-southeast', share: 0.08 },
] as const;
export const USER_AGENTS = [
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/141.0 Safari/537.36',
  'Mozilla/5.0 (Linux; Android 16; Pixel 10) AppleWebKit/537.36 Chrome/141.0 Mobile Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
] as const;

const DAY_MS = 86_400_000;
/** Share of the day's mean rate at a time of day: a trough at 04:00 UTC, a peak at 19:00. */
export function diurnal(unixMs: number): number {
  const phase = ((unixMs % DAY_MS) / DAY_MS) * 2 * Math.PI;
  return 1 + 0.16 * Math.sin(phase - 2.5) + 0.05 * Math.sin(2 * phase - 1);
}
/** Slow random drift of the rate: an autoregressive walk around 1, one step a second. */
export function createDrift(random: Random): () => number {
  let level = 0;
  return () => {
    level = level * 0.992 + random.normal() * 0.007;
    return Math.exp(Math.max(-0.2, Math.min(0.2, level)));
  };
}
