import { EvaluationError } from './value.ts';

/** What one evaluation may take: places of rows in memory, and time. */
export class Budget {
  private left: number;
  private readonly onCheck: () => void;

  /** @param onCheck asked ever so often; throws when the time is over */
  constructor(maxPlaces: number, onCheck: () => void) {
    this.left = maxPlaces;
    this.onCheck = onCheck;
  }
  /** @throws EvaluationError in Prometheus' words */
  take(places: number): void {
    this.left -= places;
    if (!(this.left >= 0)) throw new EvaluationError('query processing would load too many samples into memory in query execution');
    this.onCheck();
  }
  check(): void {
    this.onCheck();
  }
}
export const NO_LIMITS = new Budget(Number.POSITIVE_INFINITY, () => undefined);
