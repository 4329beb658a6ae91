import { FaultlineError } from '#contracts/errors.ts';
import type {
  FigureReading,
  Postmortem,
  PostmortemDocument,
  PostmortemFile,
  PostmortemSummary,
  Revision,
  Verification,
} from '#contracts/postmortem.ts';
import { readDocument } from '#contracts/postmortem-tree.ts';
import type { Store } from '#contracts/store.ts';
import { draftPostmortem } from '#models/postmortem/draft-postmortem.ts';
import type { IncidentBook } from '../incident-book.ts';
import { gatherDraft } from './gather-draft.ts';
import type { Resources } from './gather-resources.ts';
import { readStatements } from './read-statements.ts';
import { verifyPostmortem } from './verify-postmortem.ts';

export interface PostmortemsParts {
  readonly store: Pick<Store, 'postmortems' | 'facts'>;
  /** Statements of figures are written by people too: stopped when they take too much memory. */
  readonly userQuery: Store['userQuery'];
  readonly book: Pick<IncidentBook, 'get'>;
  readonly version: string;
  readonly nowMs: () => number;
  /** Resolves once all that was acknowledged before this engine began is readable: until then counts come out too small. */
  readonly caughtUp: () => Promise<unknown>;
}

/** Postmortems: drafted from an incident, edited as revisions, verified against the store, handed over as a file. */
export class Postmortems {
  private readonly parts: PostmortemsParts;
  constructor(parts: PostmortemsParts) {
    this.parts = parts;
  }
  list(): Promise<readonly PostmortemSummary[]> {
    return this.parts.store.postmortems.list();
  }
  revisions(incidentId: string): Promise<readonly Revision[]> {
    return this.parts.store.postmortems.revisions(incidentId);
  }
  async get(incidentId: string, revision?: number): Promise<Postmortem> {
    const found = await this.parts.store.postmortems.get(incidentId, revision);
    if (found) return found;
    const which = revision === undefined ? '' : `revision ${revision} of the `;
    throw new FaultlineError('not_found', `There is no ${which}postmortem of incident "${incidentId}".`);
  }
  /** @throws FaultlineError not_found without the incident, conflict when there is a postmortem already */
  async draft(incidentId: string, locale: 'en' | 'zh', resources: Resources, signal?: AbortSignal): Promise<Postmortem> {
    const { store, userQuery, book, nowMs, caughtUp } = this.parts;
    await caughtUp();
    const incident = book.get(incidentId);
    if (await store.postmortems.get(incidentId))
      throw new FaultlineError('conflict', `There is a postmortem of incident "${incidentId}" already.`);
    const facts = await gatherDraft({ userQuery }, incident, locale, { nowMs: nowMs(), authors: '', resources, signal });
    const document = readDocument(draftPostmortem(facts));
    return { ...(await store.postmortems.save(document, 0, '')), document };
  }
  /** @param json an untrusted document */
  save(incidentId: string, json: unknown, baseRevision: number, editor: string): Promise<Revision> {
    return this.parts.store.postmortems.save(this.documentOf(incidentId, json), baseRevision, editor);
  }
  /** Verifies the document given, else the newest revision. */
  async verify(incidentId: string, json: unknown, signal?: AbortSignal): Promise<Verification> {
    const document = json === undefined ? (await this.get(incidentId)).document : this.documentOf(incidentId, json);
    return this.check(document, signal);
  }
  /** One number for a new figure. @throws FaultlineError sql_refused, query_failed, query_timeout */
  async read(sql: string, column: string | undefined, signal?: AbortSignal): Promise<FigureReading> {
    const { userQuery, nowMs, caughtUp } = this.parts;
    await caughtUp();
    const reading = (await readStatements({ userQuery }, [sql], { signal })).get(sql)!;
    if (reading.error) {
      const code = ({ refused: 'sql_refused', timeout: 'query_timeout' } as const)[reading.error.reason as string] ?? 'query_failed';
      throw new FaultlineError(code, reading.error.says);
    }
    const chosen = column || (reading.columns.includes('value') ? 'value' : (reading.columns[0] ?? ''));
    if (!reading.columns.includes(chosen))
      throw new FaultlineError('bad_request', `The statement gives no column "${chosen}", but ${reading.columns.join(', ')}.`);
    return { columns: [...reading.columns], column: chosen, value: reading.row[chosen] ?? null, readAtMs: nowMs() };
  }
  /** Incident, newest revision and its verification, made now: what every exported file is written from. */
  async file(incidentId: string, signal?: AbortSignal): Promise<PostmortemFile> {
    const { revision, document } = await this.get(incidentId);
    const verification = await this.check(document, signal);
    const { book, version, nowMs } = this.parts;
    return {
      format: 'faultline.postmortem',
      version: 1,
      generator: `faultline ${version}`,
      exportedAtMs: nowMs(),
      incident: { ...book.get(incidentId) },
      revision,
      document,
      verification,
    };
  }
  private async check(document: PostmortemDocument, signal: AbortSignal | undefined): Promise<Verification> {
    const { store, userQuery, nowMs, caughtUp } = this.parts;
    await caughtUp();
    return verifyPostmortem({ userQuery }, await store.facts(), document, { nowMs, ...(signal ? { signal } : {}) });
  }
  private documentOf(incidentId: string, json: unknown): PostmortemDocument {
    const document = readDocument(json);
    if (document.incidentId !== incidentId)
      throw new FaultlineError('bad_request', `The document is of incident "${document.incidentId}", not "${incidentId}".`);
    return document;
  }
}
