/** Two tones, rising where something fires, falling where it is over. Made here: there is no file to load. */
const TONES = { firing: [659, 880], resolved: [659, 523] } as const;
const [TONE_SECONDS, LOUDNESS] = [0.18, 0.2];
/** Several at once are heard as one. */
const QUIET_MS = 1_500;
let context: AudioContext | null = null;
let lastMs = Number.NEGATIVE_INFINITY;

/** @returns whether it can be heard: a browser keeps a page quiet until somebody has touched it */
export async function chime(kind: keyof typeof TONES): Promise<boolean> {
  if (performance.now() - lastMs < QUIET_MS) return true;
  lastMs = performance.now();
  context ??= new AudioContext();
  // It waits for a touch, perhaps for ever.
  await Promise.race([context.resume(), new Promise((done) => setTimeout(done, 200))]);
  if (context.state !== 'running') return false;
  for (const [i, frequency] of TONES[kind].entries()) play(context, frequency, context.currentTime + i * TONE_SECONDS);
  return true;
}
function play(audio: AudioContext, frequency: number, at: number): void {
  const [tone, loudness] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = frequency;
  // Begins and ends softly: a hard edge clicks.
  loudness.gain.setValueAtTime(0, at);
  loudness.gain.linearRampToValueAtTime(LOUDNESS, at + 0.02);
  loudness.gain.linearRampToValueAtTime(0, at + TONE_SECONDS);
  tone.connect(loudness).connect(audio.destination);
  tone.start(at);
  tone.stop(at + TONE_SECONDS);
}
