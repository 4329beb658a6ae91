import { statSync } from 'node:fs';
import { dirname } from 'node:path';
import { loadConfig } from '#main/alerting/load-config.ts';
import { type AlertmanagerConfig, type ConfigProblem, DEFAULT_CONFIG, type Integration } from '#query/alerting/config.ts';
import { BUILT_IN, type NotificationTemplates } from '#query/alerting/templates/templates.ts';

export interface ConfigSettings {
  /** Absolute; null: the default, one route to the desktop. */
  readonly file: string | null;
  /** What the console's own configuration adds to receivers, by their name. */
  readonly receivers: ReadonlyMap<string, readonly Integration[]>;
}
const LOOK_MS = 5_000;

/** The alertmanager.yml in force: read again when it changes; one with a fault changes nothing, and is told of. */
export class ConfigFile {
  current: AlertmanagerConfig;
  templates: NotificationTemplates = BUILT_IN;
  problems: readonly ConfigProblem[] = [];
  /** As it may be shown; '' without a file. */
  text = '';
  loadedMs: number | null = null;
  private readonly settings: ConfigSettings;
  private version = '';
  private templateFiles: readonly string[] = [];
  private lookedMs: number | null = null;

  constructor(settings: ConfigSettings) {
    this.settings = settings;
    this.current = this.withOwn(DEFAULT_CONFIG);
  }
  get isAsked(): boolean {
    return this.settings.file !== null;
  }
  get file(): string | null {
    return this.settings.file;
  }
  /** What relative paths in it are relative to. */
  get folder(): string {
    return this.settings.file === null ? '/' : dirname(this.settings.file);
  }
  /** @returns lines for the log, and whether another configuration is in force */
  look(nowMs: number): { readonly isChanged: boolean; readonly lines: readonly string[] } {
    const { file } = this.settings;
    if (file === null || (this.lookedMs !== null && nowMs - this.lookedMs < LOOK_MS)) return { isChanged: false, lines: [] };
    this.lookedMs = nowMs;
    if (this.version === this.versionOf(file)) return { isChanged: false, lines: [] };
    const { templateFiles, templateProblem, templates, ...read } = loadConfig(file);
    this.templateFiles = templateFiles;
    this.version = this.versionOf(file);
    const isRead = read.config !== null && templateProblem === '';
    this.problems = read.config === null || isRead ? read.problems : [{ line: 0, column: 0, message: templateProblem, isShape: false }];
    const what = this.loadedMs === null ? 'the default holds: one route to the desktop' : 'the one before it holds';
    if (read.config === null || !isRead)
      return { isChanged: false, lines: this.problems.map((each) => `${file}:${each.line}: ${each.message}; ${what}`) };
    this.templates = templates;
    this.current = this.withOwn(read.config);
    this.text = read.text;
    this.loadedMs = nowMs;
    return { isChanged: true, lines: [`notifications: ${file}: ${this.current.receivers.length} receivers`] };
  }
  /** Of the file and its templates; a template file that is new is seen with the next change. */
  private versionOf(file: string): string {
    return [file, ...this.templateFiles].map(versionOf).join(' ');
  }
  private withOwn(config: AlertmanagerConfig): AlertmanagerConfig {
    const desktop: Integration = { kind: 'desktop', index: 0, sendResolved: true, line: 0 };
    return {
      ...config,
      receivers: config.receivers.map((receiver) => {
        const { name, integrations } = receiver;
        const own = this.settings.receivers.get(name) ?? (name === 'desktop' && integrations.length === 0 ? [desktop] : []);
        return own.length === 0 ? receiver : { name, integrations: [...integrations, ...renumbered(own, integrations)] };
      }),
    };
  }
}
/** Places are counted by kind, after those of the file. */
function renumbered(own: readonly Integration[], before: readonly Integration[]): Integration[] {
  const counts = new Map<string, number>();
  for (const { kind } of before) counts.set(kind, (counts.get(kind) ?? 0) + 1);
  return own.map((each) => {
    const index = counts.get(each.kind) ?? 0;
    counts.set(each.kind, index + 1);
    return { ...each, index };
  });
}
function versionOf(file: string): string {
  const stat = statSync(file, { throwIfNoEntry: false });
  return `${stat?.mtimeMs ?? ''} ${stat?.size ?? ''} ${stat?.ino ?? ''}`;
}
