import type { Postmortem, PostmortemDocument, Revision, Verification } from '#contracts/postmortem.ts';
import { type ApiError, api, apiErrorOf } from '../../lib/api.ts';
import { checksOf } from './editing.ts';

/** Typing goes on for so long before it is saved. */
const SAVE_AFTER_MS = 1_200;
const RETRY_MS = 5_000;
export type SaveState = 'saved' | 'dirty' | 'saving' | 'failed' | 'conflict';

/** Which window this is: tells a revision of somebody else from one of our own whose answer was lost. */
function windowId(): string {
  const known = window.sessionStorage.getItem('faultline.editor');
  const id = known ?? [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, '0')).join('');
  if (known === null) window.sessionStorage.setItem('faultline.editor', id);
  return id;
}

/** One postmortem being edited: what is saved, what is not yet, and what the last verification said. */
export class PostmortemSession {
  readonly incidentId: string;
  state = $state<SaveState>('saved');
  revision = $state(0);
  savedMs = $state(0);
  error = $state.raw<ApiError | null>(null);
  /** What somebody else saved since; set while state is 'conflict'. */
  theirs = $state.raw<Revision | null>(null);
  verification = $state.raw<Verification | null>(null);
  verifying = $state(false);
  /** By id of figure or chart. */
  readonly checks = $derived(checksOf(this.verification));
  private readonly read: () => PostmortemDocument;
  private readonly path: string;
  private readonly editor = windowId();
  private timer = 0;
  private running: Promise<void> | null = null;

  /** @param read the document as it stands in the editor */
  constructor(loaded: Postmortem, read: () => PostmortemDocument) {
    this.incidentId = loaded.incidentId;
    this.revision = loaded.revision;
    this.savedMs = loaded.savedMs;
    this.read = read;
    this.path = `/console/postmortems/${encodeURIComponent(loaded.incidentId)}`;
  }
  /** The document was changed. */
  touch(): void {
    if (this.state === 'conflict') return;
    this.state = 'dirty';
    this.saveIn(SAVE_AFTER_MS);
  }
  /** Saves what is not saved; resolves when there is nothing left to do by itself. */
  async flush(): Promise<void> {
    window.clearTimeout(this.timer);
    await this.running;
    if (this.state !== 'dirty' && this.state !== 'failed') return;
    this.running = this.save();
    await this.running;
    this.running = null;
  }
  /** Mine becomes the revision after theirs; theirs stays among the revisions. */
  async keepMine(): Promise<void> {
    if (!this.theirs) return;
    this.revision = this.theirs.revision;
    this.theirs = null;
    this.state = 'dirty';
    await this.flush();
  }
  /** The newest revision, to be put in the editor. */
  async takeTheirs(): Promise<Postmortem> {
    const latest = await api.json<Postmortem>(this.path);
    this.adopt(latest);
    return latest;
  }
  adopt({ revision, savedMs }: Revision): void {
    this.revision = revision;
    this.savedMs = savedMs;
    this.theirs = null;
    this.error = null;
    this.state = 'saved';
  }
  /** What another window saved while this one was out of sight; null when nothing, or when there is something to save here. */
  async newer(): Promise<Postmortem | null> {
    if (this.state !== 'saved') return null;
    const latest = await api.json<Postmortem>(this.path).catch(() => null);
    return latest !== null && this.state === 'saved' && latest.revision > this.revision ? latest : null;
  }
  async verify(): Promise<void> {
    this.verifying = true;
    await api.post<Verification>(`${this.path}/verify`, { document: this.read() }).then(
      (answer) => {
        this.verification = answer;
        this.error = null;
      },
      (error: ApiError) => {
        this.error = error;
      },
    );
    this.verifying = false;
  }
  close(): void {
    void this.flush();
    window.clearTimeout(this.timer);
  }

  private saveIn(ms: number): void {
    window.clearTimeout(this.timer);
    this.timer = window.setTimeout(() => void this.flush(), ms);
  }
  private async save(): Promise<void> {
    this.state = 'saving';
    const body = { baseRevision: this.revision, editor: this.editor, document: this.read() };
    try {
      const saved = await api.post<Revision>(`${this.path}/revisions`, body);
      this.revision = saved.revision;
      this.savedMs = saved.savedMs;
      this.error = null;
      // Typed while it was on its way: touch() has set the state and the timer again.
      if (this.now() === 'saving') this.state = 'saved';
    } catch (error) {
      await this.fail(apiErrorOf(error));
    }
  }
  /** For the compiler: `state` may have changed while something was awaited. */
  private now(): SaveState {
    return this.state;
  }
  private async fail(error: ApiError): Promise<void> {
    this.error = error;
    this.state = 'failed';
    if (error.code !== 'conflict') {
      this.saveIn(RETRY_MS);
      return;
    }
    window.clearTimeout(this.timer);
    const answer = await api.json<{ revisions: Revision[] }>(`${this.path}/revisions`).catch(() => null);
    const theirs = answer?.revisions[0] ?? null;
    if (theirs === null) return;
    // Saved from here, and the answer was lost on its way: nobody else has written.
    if (theirs.editor === this.editor && theirs.revision === this.revision + 1) {
      this.revision = theirs.revision;
      this.savedMs = theirs.savedMs;
      this.error = null;
      this.state = 'dirty';
      this.saveIn(0);
      return;
    }
    this.theirs = theirs;
    this.state = 'conflict';
    this.error = null;
  }
}
