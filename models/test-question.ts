/** What a test run asks: one closed question with one right answer, by the same path as a real one. */
const LINES = [
  'Three services are watched. S1 calls S2, S2 calls S3.',
  'E1: at 10:00 the latency of S3 rose from 12 ms to 480 ms.',
  'E2: at 10:01 the latency of S2 rose from 20 ms to 490 ms.',
  'E3: at 10:02 the error rate of S1 rose from 0 to 12 percent.',
  'Which service caused it? Answer with its name and the number of the evidence that shows it.',
];
export const TEST_QUESTION = {
  prompt: LINES.join('\n'),
  grammar: 'root ::= "Cause: S" [1-3] ". Evidence: E" [1-3] "."',
  maxTokens: 48,
} as const;
export const RIGHT_ANSWER = 'Cause: S3. Evidence: E1.';
