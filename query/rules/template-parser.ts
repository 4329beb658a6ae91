import { goQuote } from './go-format.ts';
import { goNumberLiteral, unquoteGo } from './go-literal.ts';
import { type Command, type Operand, type Pipe, type Template, TemplateError, type TemplateNode } from './template-ast.ts';
import { lexTemplate, type TemplateToken, type TemplateTokenType } from './template-lexer.ts';

const MAX_DEPTH = 100;

/** How an error calls a token. */
function describe({ type, text }: TemplateToken): string {
  if (type === 'eof') return 'EOF';
  if (type === 'error') return text;
  if (type === 'keyword') return `<${text}>`;
  const shown = type === 'left' ? '{{' : type === 'right' ? '}}' : text;
  return [...shown].length > 10 ? `${goQuote([...shown].slice(0, 10).join(''))}...` : goQuote(shown);
}
type Stop = 'end' | 'else';
interface List {
  readonly nodes: readonly TemplateNode[];
  readonly stop: Stop | null;
}

/**
 * Go's text/template, parsed as Go does: names of functions and variables are checked here, errors have its words.
 * @throws TemplateError "template: NAME:LINE: ..."
 */
class TemplateParser {
  private readonly name: string;
  private readonly tokens: readonly TemplateToken[];
  private readonly functions: ReadonlySet<string>;
  private readonly defined = new Map<string, readonly TemplateNode[]>();
  private index = 0;
  private variables: string[] = ['$'];
  private rangeDepth = 0;
  private depth = 0;
  private actionLine = 0;

  constructor(name: string, text: string, functions: ReadonlySet<string>) {
    this.name = name;
    this.tokens = lexTemplate(text);
    this.functions = functions;
  }
  parse(text: string): Template {
    const { nodes } = this.list('top');
    return { name: this.name, text, nodes, defined: this.defined };
  }

  private get next(): TemplateToken {
    return this.tokens[Math.min(this.index, this.tokens.length - 1)] as TemplateToken;
  }
  private take(): TemplateToken {
    const token = this.next;
    this.index++;
    return token;
  }
  private skipSpace(): TemplateToken {
    while (this.next.type === 'space') this.index++;
    return this.next;
  }
  private takeWord(): TemplateToken {
    this.skipSpace();
    return this.take();
  }
  private fail(says: string): never {
    throw new TemplateError(`template: ${this.name}:${(this.tokens[Math.max(0, this.index - 1)] ?? this.next).line}: ${says}`);
  }
  private unexpected(token: TemplateToken, context: string): never {
    if (token.type !== 'error') this.fail(`unexpected ${describe(token)} in ${context}`);
    const started = this.actionLine > 0 && this.actionLine !== token.line ? ` in action started at ${this.name}:${this.actionLine}` : '';
    this.fail(token.text + (token.text.endsWith(' action') ? started.replace(' in action', '') : started));
  }
  private expect(type: TemplateTokenType, context: string): TemplateToken {
    const token = this.takeWord();
    return token.type === type ? token : this.unexpected(token, context);
  }

  private list(of: 'top' | 'body'): List {
    if (++this.depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} deep`);
    const nodes: TemplateNode[] = [];
    for (;;) {
      const token = this.take();
      if (token.type === 'text') nodes.push({ kind: 'text', text: token.text, at: token.at });
      else if (token.type === 'left') {
        this.actionLine = token.line;
        const stop = this.action(nodes, of);
        this.actionLine = 0;
        if (!stop) continue;
        this.depth--;
        return { nodes, stop };
      } else if (token.type === 'eof') {
        if (of === 'body') this.fail('unexpected EOF');
        this.depth--;
        return { nodes, stop: null };
      } else this.unexpected(token, 'input');
    }
  }
  private action(nodes: TemplateNode[], of: 'top' | 'body'): Stop | null {
    const token = this.skipSpace();
    if (token.type !== 'keyword') {
      nodes.push({ kind: 'action', at: token.at, pipe: this.pipe('command', 'right') });
      return null;
    }
    this.take();
    switch (token.text) {
      case 'end':
        this.expect('right', 'end');
        return of === 'top' ? this.fail('unexpected {{end}}') : 'end';
      case 'else': {
        if (of === 'top') this.fail('unexpected {{else}}');
        const after = this.skipSpace();
        // Chained: the "if" or "with" begins a list of its own.
        if (after.type === 'keyword' && (after.text === 'if' || after.text === 'with')) return 'else';
        this.expect('right', 'else');
        return 'else';
      }
      case 'if':
      case 'with':
      case 'range':
        nodes.push(this.control(token.text, token.at));
        return null;
      case 'break':
      case 'continue':
        if (this.rangeDepth === 0) this.fail(`{{${token.text}}} outside {{range}}`);
        this.expect('right', `{{${token.text}}}`);
        nodes.push({ kind: token.text, at: token.at });
        return null;
      case 'template':
        nodes.push(this.template());
        return null;
      default:
        this.define(token.text as 'define' | 'block', nodes, of);
        return null;
    }
  }
  private control(kind: 'if' | 'with' | 'range', at: number): TemplateNode {
    const known = this.variables.length;
    const pipe = this.pipe(kind, 'right');
    if (kind === 'range') this.rangeDepth++;
    const body = this.list('body');
    if (kind === 'range') this.rangeDepth--;
    let otherwise: readonly TemplateNode[] | null = null;
    if (body.stop === 'else') {
      const chained = this.next.type === 'keyword' ? this.next : null;
      if (chained) {
        if (chained.text !== kind) this.fail(`unexpected <${chained.text}> in {{else}}`);
        this.take();
        // Its {{end}} ends all of them.
        otherwise = [this.control(kind, chained.at)];
      } else {
        const rest = this.list('body');
        if (rest.stop !== 'end') this.fail('expected end; found {{else}}');
        otherwise = rest.nodes;
      }
    }
    this.variables.length = known;
    return { kind, at, pipe, body: body.nodes, otherwise };
  }
  private template(): TemplateNode {
    const { at } = this.skipSpace();
    const name = this.templateName('template clause');
    if (this.skipSpace().type === 'right') {
      this.take();
      return { kind: 'template', at, name, pipe: null };
    }
    return { kind: 'template', at, name, pipe: this.pipe('template clause', 'right') };
  }
  private templateName(context: string): string {
    const token = this.takeWord();
    return token.type === 'string' ? unquoteGo(token.text) : this.unexpected(token, context);
  }
  private define(kind: 'define' | 'block', nodes: TemplateNode[], of: 'top' | 'body'): void {
    if (kind === 'define' && of === 'body') this.unexpected(this.tokens[this.index - 1] as TemplateToken, 'command');
    const at = this.next.at;
    const name = this.templateName(`${kind} clause`);
    if (kind === 'block') nodes.push({ kind: 'template', at, name, pipe: this.pipe('block clause', 'right') });
    else this.expect('right', 'define clause');
    const outer = this.variables;
    this.variables = ['$'];
    const body = this.list('body');
    if (body.stop !== 'end') this.fail(`unexpected {{else}} in ${kind} clause`);
    this.variables = outer;
    this.defined.set(name, body.nodes);
  }

  private pipe(context: string, end: 'right' | ')'): Pipe {
    if (++this.depth > MAX_DEPTH) this.fail(`nested more than ${MAX_DEPTH} deep`);
    const { at } = this.skipSpace();
    const { variables, isAssign } = this.variablesOf(context);
    const commands: Command[] = [];
    for (;;) {
      const token = this.skipSpace();
      if (token.type === end) {
        this.take();
        this.checkPipe(commands, context);
        this.depth--;
        return { kind: 'pipe', at, variables, isAssign, commands };
      }
      if (!STARTS.has(token.type)) {
        this.take();
        this.unexpected(token, context);
      }
      commands.push(this.command());
    }
  }
  private variablesOf(context: string): { variables: string[]; isAssign: boolean } {
    const variables: string[] = [];
    let isAssign = false;
    for (;;) {
      if (this.next.type !== 'variable') break;
      const from = this.index;
      const { text } = this.take();
      const after = this.skipSpace();
      if (after.type === 'declare' || after.type === 'assign') {
        isAssign = after.type === 'assign';
        this.take();
        this.skipSpace();
        variables.push(text);
        if (!isAssign) this.variables.push(text);
        break;
      }
      if (after.type !== 'other' || after.text !== ',') {
        this.index = from;
        break;
      }
      this.take();
      if (context !== 'range' || variables.length > 0) this.fail(`too many declarations in ${context}`);
      this.skipSpace();
      variables.push(text);
      this.variables.push(text);
    }
    return { variables, isAssign };
  }
  private checkPipe(commands: readonly Command[], context: string): void {
    if (commands.length === 0) this.fail(`missing value for ${context}`);
    commands.slice(1).forEach(({ args }, i) => {
      const first = args[0] as Operand;
      if (['bool', 'dot', 'nil', 'number', 'string'].includes(first.kind)) this.fail(`non executable command in pipeline stage ${i + 2}`);
    });
  }
  private command(): Command {
    const { at } = this.skipSpace();
    const args: Operand[] = [];
    for (;;) {
      this.skipSpace();
      const operand = this.operand();
      if (operand) args.push(operand);
      const token = this.take();
      if (token.type === 'space') continue;
      if (token.type === 'right' || token.type === ')') this.index--;
      else if (token.type !== 'pipe') this.unexpected(token, 'operand');
      break;
    }
    if (args.length === 0) this.fail('empty command');
    return { args, at };
  }
  private operand(): Operand | null {
    const term = this.term();
    if (!term || this.next.type !== 'field') return term;
    // Go places the whole where the first field behind it stands.
    const { at } = this.next;
    const path: string[] = [];
    while (this.next.type === 'field') path.push(this.take().text.slice(1));
    if (term.kind === 'field' || term.kind === 'variable') return { ...term, at, path: [...term.path, ...path] };
    if (term.kind === 'identifier' || term.kind === 'pipe') return { kind: 'chain', at, of: term, path };
    const text =
      term.kind === 'dot' ? '.' : term.kind === 'nil' ? 'nil' : term.kind === 'bool' ? String(term.value) : (term as { text: string }).text;
    return this.fail(`unexpected . after term ${goQuote(text)}`);
  }
  private term(): Operand | null {
    const token = this.next;
    const { at, text } = token;
    switch (token.type) {
      case 'identifier':
        this.take();
        if (!this.functions.has(text)) this.fail(`function ${goQuote(text)} not defined`);
        return { kind: 'identifier', name: text, at };
      case 'dot':
      case 'nil':
        this.take();
        return { kind: token.type, at };
      case 'variable':
        this.take();
        if (!this.variables.includes(text)) this.fail(`undefined variable ${goQuote(text)}`);
        return { kind: 'variable', name: text, path: [], at };
      case 'field':
        this.take();
        return { kind: 'field', path: [text.slice(1)], at };
      case 'bool':
        this.take();
        return { kind: 'bool', value: text === 'true', at };
      case 'string':
        this.take();
        return { kind: 'string', value: unquoteGo(text), text, at };
      case 'number':
      case 'char': {
        this.take();
        const value = goNumberLiteral(text);
        return value === null ? this.fail(`illegal number syntax: ${goQuote(text)}`) : { kind: 'number', value, text, at };
      }
      case '(':
        this.take();
        return this.pipe('parenthesized pipeline', ')');
      default:
        return null;
    }
  }
}
const STARTS: ReadonlySet<TemplateTokenType> = new Set<TemplateTokenType>([
  ...(['bool', 'char', 'dot', 'field', 'identifier', 'number', 'nil', 'string', 'variable', '('] as const),
]);

export const parseTemplate = (name: string, text: string, functions: ReadonlySet<string>): Template =>
  new TemplateParser(name, text, functions).parse(text);
