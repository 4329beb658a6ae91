import { FaultlineError } from '#contracts/errors.ts';
import type { QueryResult } from '#contracts/store.ts';
import { CarriedResult } from '#store/read/carried-result.ts';
import type { Queries } from '#store/read/columns-of.ts';
import type { FromThread, ToThread } from './messages.ts';

type Answer = Extract<ToThread, { type: 'rows' | 'rows-failed' }>;
interface Waiting {
  readonly done: (result: QueryResult) => void;
  readonly fail: (error: Error) => void;
  readonly job: number;
}
/** The store as a thread without one sees it: statements go to the engine, columns come back, their memory moved and not copied. */
export class RemoteQueries {
  private readonly waiting = new Map<number, Waiting>();
  private readonly send: (message: FromThread) => void;
  private calls = 0;

  constructor(send: (message: FromThread) => void) {
    this.send = send;
  }
  /** For one job: it ends with its signal, which the engine knows. 0: for all. */
  of(job: number): Queries {
    return {
      query: (sql, params = [], { timeoutMs, maxRows } = {}) => {
        if (params.length > 0) throw new FaultlineError('internal', 'BUG: parameters of a statement are not carried');
        const call = ++this.calls;
        return new Promise<QueryResult>((done, fail) => {
          this.waiting.set(call, { done, fail, job });
          this.send({
            ...{ type: 'query', call, job, sql },
            ...(timeoutMs === undefined ? {} : { timeoutMs }),
            ...(maxRows === undefined ? {} : { maxRows }),
          });
        });
      },
    };
  }
  /** @returns the job that goes on */
  hear(message: Answer): number {
    const waiting = this.waiting.get(message.call);
    this.waiting.delete(message.call);
    if (message.type === 'rows') waiting?.done(new CarriedResult(message.parts));
    else waiting?.fail(new FaultlineError(message.code, message.message));
    return waiting?.job ?? 0;
  }
}
