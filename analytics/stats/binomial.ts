const LANCZOS = [76.18009172947146, -86.50532032941678, 24.01409824083091, -1.231739572450155, 0.001208650973866179, -0.000005395239384953];

/** Natural logarithm of the gamma function for x > 0 (Lanczos, about 1e-10 relative). */
export function logGamma(x: number): number {
  const shifted = x + 5.5;
  const tail = shifted - (x + 0.5) * Math.log(shifted);
  let series = 1.000000000190015;
  for (let i = 0; i < LANCZOS.length; i++) series += LANCZOS[i]! / (x + 1 + i);
  return -tail + Math.log((2.5066282746310007 * series) / x);
}

/** Lentz's continued fraction of the incomplete beta function. */
function betaFraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  let c = 1;
  let d = 1 - ((a + b) * x) / (a + 1);
  d = 1 / (Math.abs(d) < tiny ? tiny : d);
  let result = d;
  for (let m = 1; m <= 300; m++) {
    for (const step of [
      (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)),
      (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)),
    ]) {
      d = 1 + step * d;
      d = 1 / (Math.abs(d) < tiny ? tiny : d);
      c = 1 + step / c;
      if (Math.abs(c) < tiny) c = tiny;
      result *= d * c;
    }
    if (Math.abs(d * c - 1) < 1e-12) break;
  }
  return result;
}

/** Regularised incomplete beta function I_x(a, b), a and b > 0, x in [0, 1]. */
export function regularizedBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(a, b, x)) / a : 1 - (front * betaFraction(b, a, 1 - x)) / b;
}

/** P(X >= successes) for X binomial(trials, probability). Counts may be fractional (decayed sums). */
export function binomialUpperTail(successes: number, trials: number, probability: number): number {
  if (successes <= 0) return 1;
  if (successes > trials) return 0;
  return regularizedBeta(Math.min(Math.max(probability, 0), 1), successes, trials - successes + 1);
}

/** Upper confidence bound (about 95 %, Agresti-Coull shape) of a ratio seen as successes of trials. */
export function ratioUpperBound(successes: number, trials: number): number {
  const ratio = (successes + 1) / (trials + 2);
  return Math.min(1, ratio + 1.645 * Math.sqrt((ratio * (1 - ratio)) / (trials + 2)));
}
