import { entriesOf, type Labels } from '#query/promql/labels.ts';
import type { TemplateSample, TemplateValue } from './go-value.ts';
import type { RuleSample } from './sample.ts';
import { type Template, TemplateError } from './template-ast.ts';
import { CallError } from './template-builtins.ts';
import { templateFunctions } from './template-functions.ts';
import { runTemplate } from './template-run.ts';

/** What the templates of an evaluation see beside the sample. */
export interface ExpandContext {
  readonly externalLabels: ReadonlyMap<string, string>;
  readonly externalUrl: string;
  /** Time of the evaluation. */
  readonly atMs: number;
  /** Answers a query of a template. @throws Error: what the template says of it */
  query(text: string): Promise<readonly RuleSample[]>;
}
/** Queries of the templates of one rule and evaluation. */
const MAX_QUERIES = 100;

/** A template asks for what is not there yet. */
class NeedsAnswer {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}
const mapOf = (labels: Labels): ReadonlyMap<string, string> => new Map(entriesOf(labels));

/**
 * Expands the templates of one evaluation. They run without waiting: one that asks a query stops there, and runs again once it is answered.
 * Equal queries are asked once.
 */
export class Expander {
  failures = 0;
  private readonly context: ExpandContext;
  private readonly answers = new Map<string, readonly TemplateSample[] | Error>();
  private readonly functions: ReturnType<typeof templateFunctions>;

  constructor(context: ExpandContext) {
    this.context = context;
    this.functions = templateFunctions({ query: (text) => this.answer(text), nowMs: context.atMs, externalUrl: context.externalUrl });
  }
  private answer(text: string): readonly TemplateSample[] {
    const answer = this.answers.get(text);
    if (answer instanceof Error) throw new CallError(answer.message);
    if (answer) return answer;
    if (this.answers.size >= MAX_QUERIES) throw new CallError(`more than ${MAX_QUERIES} queries`);
    throw new NeedsAnswer(text);
  }
  private async ask(text: string): Promise<void> {
    const answer = await this.context.query(text).then(
      (samples) => samples.map(({ labels, value }): TemplateSample => ({ kind: 'sample', labels: mapOf(labels), value })),
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    this.answers.set(text, answer);
  }
  /** The texts for a sample, each as its template makes it; a failure becomes the text, as in Prometheus. */
  async expand(
    texts: ReadonlyMap<string, string>,
    templates: ReadonlyMap<string, Template>,
    sample: RuleSample,
  ): Promise<ReadonlyMap<string, string>> {
    const expanded = new Map<string, string>();
    let data: TemplateValue;
    for (const [name, text] of texts) {
      const template = templates.get(text);
      if (template) data ??= this.data(sample);
      expanded.set(name, template ? await this.expandOne(template, data) : text);
    }
    return expanded;
  }
  private data({ labels, value }: RuleSample): TemplateValue {
    const { externalLabels, externalUrl } = this.context;
    const fields = new Map<string, TemplateValue>([
      ['Labels', mapOf(labels)],
      ['ExternalLabels', externalLabels],
      ['ExternalURL', externalUrl],
      ['Value', value],
    ]);
    return { kind: 'struct', fields };
  }
  private async expandOne(template: Template, data: TemplateValue): Promise<string> {
    for (;;) {
      try {
        return runTemplate(template, data, { functions: this.functions });
      } catch (error) {
        if (error instanceof NeedsAnswer) {
          await this.ask(error.text);
          continue;
        }
        if (!(error instanceof TemplateError)) throw error;
        this.failures++;
        return `<error expanding template: error executing template ${template.name}: ${error.message}>`;
      }
    }
  }
}
