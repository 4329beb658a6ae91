import { FaultlineError } from '#contracts/errors.ts';
import {
  POSTMORTEM_LIMITS,
  type Postmortem,
  type PostmortemDocument,
  type PostmortemSummary,
  type Revision,
} from '#contracts/postmortem.ts';
import type { PostmortemStore } from '#contracts/store.ts';
import { type Connection, textLiteral } from './database.ts';
import { Serial } from './serial.ts';

const HEAD = 'incident_id, revision, saved_ms, editor, bytes';
type Row = Record<string, unknown>;
const revisionOf = (row: Row): Revision => ({
  incidentId: row['incident_id'] as string,
  revision: Number(row['revision']),
  savedMs: Number(row['saved_ms']),
  editor: row['editor'] as string,
  bytes: Number(row['bytes']),
});

/** Revisions of postmortems in the catalog, on a connection it shares with the calls of the model. A row is written once and never changed. */
export class PostmortemShelf implements PostmortemStore {
  private readonly connection: Connection;
  private readonly table: string;
  private readonly nowMs: () => number;
  private readonly mayWrite: () => void;
  private readonly queue = new Serial();

  /** @param mayWrite throws when the store is closing or read-only */
  constructor(connection: Connection, catalog: string, nowMs: () => number, mayWrite: () => void) {
    this.connection = connection;
    this.table = `${catalog}.main.postmortem_revisions`;
    this.nowMs = nowMs;
    this.mayWrite = mayWrite;
  }
  async list(): Promise<readonly PostmortemSummary[]> {
    const rows = await this.read(
      `SELECT ${HEAD}, json_extract_string(json, '$.title') AS title, json_extract_string(json, '$.status') AS status, json_extract_string(json, '$.authors') AS authors
       FROM ${this.table} QUALIFY row_number() OVER (PARTITION BY incident_id ORDER BY revision DESC) = 1 ORDER BY saved_ms DESC LIMIT 2000`,
    );
    return rows.map((row) => ({
      ...revisionOf(row),
      title: row['title'] as string,
      status: row['status'] as PostmortemSummary['status'],
      authors: row['authors'] as string,
    }));
  }
  async get(incidentId: string, revision?: number): Promise<Postmortem | null> {
    const chosen = revision === undefined ? '' : ` AND revision = ${Math.trunc(revision)}`;
    const [row] = await this.read(
      `SELECT ${HEAD}, json FROM ${this.table} WHERE incident_id = ${textLiteral(incidentId)}${chosen} ORDER BY revision DESC LIMIT 1`,
    );
    return row ? { ...revisionOf(row), document: JSON.parse(row['json'] as string) as PostmortemDocument } : null;
  }
  async revisions(incidentId: string): Promise<readonly Revision[]> {
    const rows = await this.read(`SELECT ${HEAD} FROM ${this.table} WHERE incident_id = ${textLiteral(incidentId)} ORDER BY revision DESC`);
    return rows.map(revisionOf);
  }
  /** The lock is optimistic: reading the newest revision and adding the next is one piece of work of one queue. */
  async save(document: PostmortemDocument, baseRevision: number, editor: string): Promise<Revision> {
    this.mayWrite();
    const json = JSON.stringify(document);
    const bytes = Buffer.byteLength(json);
    if (bytes > POSTMORTEM_LIMITS.documentBytes)
      throw new FaultlineError('bad_request', `The document has ${bytes} bytes; the limit is ${POSTMORTEM_LIMITS.documentBytes}.`);
    const incident = textLiteral(document.incidentId);
    return this.queue.run(async () => {
      const [last] = await this.connection.rows(
        `SELECT ${HEAD} FROM ${this.table} WHERE incident_id = ${incident} ORDER BY revision DESC LIMIT 1`,
      );
      const newest = last ? revisionOf(last) : null;
      if ((newest?.revision ?? 0) !== baseRevision)
        throw new FaultlineError(
          'conflict',
          newest === null
            ? `There is no revision ${baseRevision} of the postmortem of ${document.incidentId}.`
            : `Revision ${newest.revision} was saved at ${new Date(newest.savedMs).toISOString()}, after revision ${baseRevision} that this is based on.`,
        );
      const saved: Revision = { incidentId: document.incidentId, revision: baseRevision + 1, savedMs: this.nowMs(), editor, bytes };
      await this.connection.runWith(`INSERT INTO ${this.table} VALUES ($1, $2, $3, $4, $5, $6)`, [
        saved.incidentId,
        saved.revision,
        saved.savedMs,
        editor,
        bytes,
        json,
      ]);
      // Autosave writes many: the first draft and the newest stay.
      const tooOld = saved.revision - POSTMORTEM_LIMITS.revisions;
      if (tooOld > 1)
        await this.connection.run(`DELETE FROM ${this.table} WHERE incident_id = ${incident} AND revision > 1 AND revision <= ${tooOld}`);
      return saved;
    });
  }
  private read(sql: string): Promise<Row[]> {
    return this.queue.run(() => this.connection.rows(sql));
  }
}
