import type { Template } from '#query/rules/template-ast.ts';
import { parseTemplate } from '#query/rules/template-parser.ts';
import { runTemplate } from '#query/rules/template-run.ts';
import type { Message } from '../message.ts';
import { DEFAULT_TEMPLATES } from './default-templates.ts';
import { HtmlOutput } from './html-output.ts';
import { htmlFunctions, NOTIFICATION_FUNCTIONS, notificationFunctions } from './notification-functions.ts';
import { templateData } from './template-data.ts';

/** Templates of one text that are kept parsed: those of a configuration. */
const MAX_KNOWN = 1_000;
type Library = ReadonlyMap<string, Template>;

const parse = (name: string, text: string): Template => parseTemplate(name, text, NOTIFICATION_FUNCTIONS);
/** What a text defines, each with the text it stands in. */
const definedIn = (template: Template): [string, Template][] =>
  [...template.defined].map(([name, nodes]) => [name, { ...template, nodes, defined: new Map() }]);
const defaults: Library = new Map(definedIn(parse('default', DEFAULT_TEMPLATES)));

export interface TemplateFile {
  readonly name: string;
  readonly text: string;
}
/** Notification templates as Alertmanager has them: those it comes with, and those of files, which go first. */
export class NotificationTemplates {
  private readonly library: Library;
  private readonly known = new Map<string, Template>();

  /** @throws TemplateError one of the files is none: "template: NAME:LINE: ..." */
  constructor(files: readonly TemplateFile[] = []) {
    this.library = new Map([...defaults, ...files.flatMap(({ name, text }) => definedIn(parse(name, text)))]);
  }
  /** @throws TemplateError */
  check(text: string): void {
    this.parsed(text);
  }
  /** The text a template gives for a message. @throws TemplateError */
  text(template: string, message: Message, nowMs: number): string {
    return template.includes('{{') ? this.run(template, message, nowMs) : template;
  }
  /** The same as HTML: values are escaped by where they stand. @throws TemplateError */
  html(template: string, message: Message, nowMs: number): string {
    return template.includes('{{') ? this.run(template, message, nowMs, new HtmlOutput()) : template;
  }
  private run(text: string, message: Message, nowMs: number, output?: HtmlOutput): string {
    return runTemplate(this.parsed(text), templateData(message), {
      ...{ functions: output ? htmlFunctions(nowMs) : notificationFunctions(nowMs), library: this.library },
      ...(output ? { output } : {}),
    });
  }
  private parsed(text: string): Template {
    const known = this.known.get(text);
    if (known) return known;
    const made = parse('', text);
    if (this.known.size < MAX_KNOWN) this.known.set(text, made);
    return made;
  }
}
export const BUILT_IN = new NotificationTemplates();
