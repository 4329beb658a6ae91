import { shownText } from './go-format.ts';
import { beneath, isList, isMap, isObject, isTrue, type TemplateFunction, type TemplateValue, typeName } from './go-value.ts';
import {
  type Command,
  type Operand,
  type Pipe,
  printCommand,
  printOperand,
  type Template,
  TemplateError,
  type TemplateNode,
} from './template-ast.ts';
import { BUILTINS, CallError } from './template-builtins.ts';

/** Steps and length of one text: a template over a large answer must end. */
const MAX_STEPS = 200_000;
const MAX_LENGTH = 1_000_000;
const MAX_CALLS = 100;

class Break {
  readonly kind: 'break' | 'continue';
  constructor(kind: 'break' | 'continue') {
    this.kind = kind;
  }
}
/** A name and where its value stands; blocks see those of the blocks around them. */
type Variable = [name: string, value: TemplateValue];

/** How text and values are written: html/template escapes values by where they stand. */
export interface TemplateOutput {
  literal(text: string): string;
  value(value: TemplateValue): string;
}
export interface RunOptions {
  readonly functions: ReadonlyMap<string, TemplateFunction>;
  /** Templates of other files, by name; those of its own go first. */
  readonly library?: ReadonlyMap<string, Template>;
  readonly output?: TemplateOutput;
}
const PLAIN: TemplateOutput = { literal: (text) => text, value: shownText };
/** Arguments of a method, not evaluated yet. */
interface Given {
  readonly args: readonly Operand[];
  readonly final: readonly TemplateValue[];
  readonly dot: TemplateValue;
  readonly command: Command;
}

class Run {
  private template: Template;
  private readonly functions: ReadonlyMap<string, TemplateFunction>;
  private readonly library: ReadonlyMap<string, Template>;
  private readonly output: TemplateOutput;
  private readonly variables: Variable[] = [];
  private out = '';
  private steps = 0;
  private calls = 0;
  private executing: string;

  constructor(template: Template, { functions, library = new Map(), output = PLAIN }: RunOptions) {
    this.template = template;
    this.functions = functions;
    this.library = library;
    this.output = output;
    this.executing = template.name;
  }
  text(data: TemplateValue): string {
    this.variables.push(['$', data]);
    try {
      this.walkAll(this.template.nodes, data);
    } catch (error) {
      if (!(error instanceof Break)) throw error;
    }
    return this.out;
  }
  private fail(place: Operand | Command | Extract<TemplateNode, { kind: 'template' }> | null, says: string): never {
    const { name, text } = this.template;
    if (!place) throw new TemplateError(`template: ${name}: executing ${JSON.stringify(this.executing)}: ${says}`);
    const before = text.slice(0, place.at).split('\n');
    const shown = !('kind' in place) ? printCommand(place) : place.kind === 'template' ? printCall(place) : printOperand(place);
    const where = `${name}:${before.length}:${(before.at(-1) as string).length}`;
    throw new TemplateError(`template: ${where}: executing ${JSON.stringify(this.executing)} at <${shown}>: ${says}`);
  }
  private walkAll(nodes: readonly TemplateNode[], dot: TemplateValue): void {
    for (const node of nodes) {
      if (++this.steps > MAX_STEPS) this.fail(null, `more than ${MAX_STEPS} steps`);
      this.walk(node, dot);
      if (this.out.length > MAX_LENGTH) this.fail(null, `the text is longer than ${MAX_LENGTH} characters`);
    }
  }
  private walk(node: TemplateNode, dot: TemplateValue): void {
    switch (node.kind) {
      case 'text':
        this.out += this.output.literal(node.text);
        return;
      case 'action': {
        const value = this.pipe(node.pipe, dot);
        if (node.pipe.variables.length === 0) this.out += this.output.value(value);
        return;
      }
      case 'break':
      case 'continue':
        throw new Break(node.kind);
      case 'template':
        this.invoke(node, node.pipe ? this.pipe(node.pipe, dot) : null);
        return;
      case 'range':
        this.range(node, dot);
        return;
      default: {
        const known = this.variables.length;
        const value = this.pipe(node.pipe, dot);
        if (isTrue(value)) this.walkAll(node.body, node.kind === 'with' ? value : dot);
        else if (node.otherwise) this.walkAll(node.otherwise, dot);
        this.variables.length = known;
      }
    }
  }
  private range(node: Extract<TemplateNode, { kind: 'if' | 'with' | 'range' }>, dot: TemplateValue): void {
    const known = this.variables.length;
    const value = this.pipe({ ...node.pipe, variables: [] }, dot);
    const items = itemsOf(value);
    if (!items) this.fail(node.pipe, `range can't iterate over ${shownText(value)}`);
    const { variables } = node.pipe;
    for (const [key, item] of items) {
      const mark = this.variables.length;
      if (variables.length === 1) this.variables.push([variables[0] as string, item]);
      if (variables.length === 2) this.variables.push([variables[0] as string, key], [variables[1] as string, item]);
      try {
        this.walkAll(node.body, item);
      } catch (error) {
        if (!(error instanceof Break)) throw error;
        if (error.kind === 'break') break;
      } finally {
        this.variables.length = mark;
      }
    }
    if (items.length === 0 && node.otherwise) this.walkAll(node.otherwise, dot);
    this.variables.length = known;
  }
  private invoke(node: Extract<TemplateNode, { kind: 'template' }>, data: TemplateValue): void {
    const other = this.template.defined.has(node.name) ? undefined : this.library.get(node.name);
    const nodes = this.template.defined.get(node.name) ?? other?.nodes;
    if (!nodes) this.fail(node, `template ${JSON.stringify(node.name)} not defined`);
    if (++this.calls > MAX_CALLS) this.fail(null, `exceeded maximum template depth (${MAX_CALLS})`);
    const outer = this.variables.splice(0);
    const [before, caller] = [this.executing, this.template];
    this.executing = node.name;
    this.template = other ?? caller;
    this.variables.push(['$', data]);
    this.walkAll(nodes, data);
    this.variables.splice(0, this.variables.length, ...outer);
    this.template = caller;
    this.executing = before;
    this.calls--;
  }

  private pipe({ commands, variables, isAssign }: Pipe, dot: TemplateValue): TemplateValue {
    let value: TemplateValue;
    commands.forEach((command, i) => {
      value = this.command(command, dot, i === 0 ? [] : [value]);
    });
    for (const name of variables) {
      const known = isAssign ? this.variables.findLast(([each]) => each === name) : undefined;
      if (known) known[1] = value;
      else this.variables.push([name, value]);
    }
    return value;
  }
  /** @param final what came through the pipe, as the last argument */
  private command(command: Command, dot: TemplateValue, final: readonly TemplateValue[]): TemplateValue {
    const first = command.args[0] as Operand;
    if (first.kind === 'identifier') return this.call(first, command.args.slice(1), dot, final, command);
    if (command.args.length > 1 || final.length > 0) {
      if (!('path' in first) || first.path.length === 0) this.fail(first, `can't give argument to non-function ${printOperand(first)}`);
      return this.operand(first, dot, { args: command.args.slice(1), final, dot, command });
    }
    if (first.kind === 'nil') this.fail(command, 'nil is not a command');
    return this.operand(first, dot);
  }
  /** @param given to the method it ends with */
  private operand(operand: Operand, dot: TemplateValue, given?: Given): TemplateValue {
    switch (operand.kind) {
      case 'dot':
        return dot;
      case 'nil':
        return null;
      case 'bool':
      case 'number':
      case 'string':
        return operand.value;
      case 'field':
        return this.fields(dot, operand.path, operand, given);
      case 'variable': {
        const found = this.variables.findLast(([name]) => name === operand.name);
        if (!found) this.fail(operand, `undefined variable: ${operand.name}`);
        return this.fields(found[1], operand.path, operand, given);
      }
      case 'chain':
        return this.fields(this.operand(operand.of, dot), operand.path, operand, given);
      case 'identifier':
        return this.call(operand, [], dot, [], { args: [operand], at: operand.at });
      case 'pipe':
        return this.pipe(operand, dot);
    }
  }
  private fields(from: TemplateValue, path: readonly string[], place: Operand, given?: Given): TemplateValue {
    return path.reduce((value, name, i) => this.field(value, name, place, i === path.length - 1 ? given : undefined), from);
  }
  private field(of: TemplateValue, name: string, place: Operand, given?: Given): TemplateValue {
    const method = isObject(of) ? of.methods.get(name) : undefined;
    if (method) {
      const { args = [], final = [], dot, command = { args: [place], at: place.at } } = given ?? {};
      return this.apply(name, method, { args, final, dot, command }, place);
    }
    if (given) this.fail(place, `${name} is not a method but has arguments`);
    const value = beneath(of);
    if (value === null || value === undefined) this.fail(place, `nil data; no entry for key ${JSON.stringify(name)}`);
    if (isMap(value)) return value.get(name) ?? '';
    if (typeof value === 'object' && !isList(value)) {
      if (value.kind === 'args') return value.values.get(name);
      if (value.kind === 'struct' && value.fields.has(name)) return value.fields.get(name);
      if (value.kind === 'sample' && name === 'Labels') return value.labels;
      if (value.kind === 'sample' && name === 'Value') return value.value;
    }
    return this.fail(place, `can't evaluate field ${name} in type ${typeName(of)}`);
  }

  private call(
    place: Extract<Operand, { kind: 'identifier' }>,
    args: readonly Operand[],
    dot: TemplateValue,
    final: readonly TemplateValue[],
    command: Command,
  ): TemplateValue {
    const { name } = place;
    const called = this.functions.get(name) ?? BUILTINS.get(name);
    if (!called) this.fail(place, `${JSON.stringify(name)} is not a defined function`);
    if (name === 'and' || name === 'or') {
      this.checkCount(name, called, args.length + final.length, place);
      return this.shortCircuit(name, args, dot, final);
    }
    return this.apply(name, called, { args, final, dot, command }, place);
  }
  private checkCount(name: string, { takes, rest }: TemplateFunction, count: number, place: Operand): void {
    if (rest === undefined ? count === takes.length : count >= takes.length) return;
    const wanted = rest === undefined ? String(takes.length) : `at least ${takes.length}`;
    this.fail(place, `wrong number of args for ${name}: want ${wanted} got ${count}`);
  }
  /** A function or method, with its arguments evaluated and checked. */
  private apply(name: string, called: TemplateFunction, { args, final, dot, command }: Given, place: Operand): TemplateValue {
    const { takes, rest } = called;
    this.checkCount(name, called, args.length + final.length, place);
    const values = args.map((arg, i) => {
      const value = this.operand(arg, dot);
      this.check(takes[i] ?? rest ?? 'any', value, arg);
      return value;
    });
    if (final.length > 0) {
      this.check(takes[args.length] ?? rest ?? 'any', final[0], null, place);
      values.push(final[0]);
    }
    try {
      return called.call(values);
    } catch (error) {
      if (error instanceof CallError) this.fail(command, `error calling ${name}: ${error.message}`);
      throw error;
    }
  }
  private shortCircuit(name: 'and' | 'or', args: readonly Operand[], dot: TemplateValue, final: readonly TemplateValue[]): TemplateValue {
    let value: TemplateValue;
    for (const arg of args) {
      value = this.operand(arg, dot);
      if (isTrue(value) === (name === 'or')) return value;
    }
    return final.length > 0 ? final[0] : value;
  }
  private check(type: string, value: TemplateValue, arg: Operand | null, place?: Operand): void {
    if (type === 'any') return;
    const own = typeName(value);
    if (own === type) return;
    // A list of nothing is no less a list.
    if (arg && ['number', 'string', 'bool', 'nil'].includes(arg.kind)) {
      // An int stands for a float64 where one is wanted.
      if (type === 'float64' && typeof value === 'bigint') return;
      if (arg.kind === 'nil') this.fail(arg, `cannot assign nil to ${type}`);
      const isBasic = type === 'string' || type === 'float64';
      this.fail(
        arg,
        isBasic ? `expected ${type}; found ${printOperand(arg)}` : `can't handle ${printOperand(arg)} for arg of type ${type}`,
      );
    }
    if (value === null || value === undefined) this.fail(arg ?? (place as Operand), `invalid value; expected ${type}`);
    this.fail(arg ?? (place as Operand), `wrong type for value; expected ${type}; got ${own}`);
  }
}
/** What range goes over, with keys; null: nothing can. */
function itemsOf(of: TemplateValue): readonly (readonly [TemplateValue, TemplateValue])[] | null {
  const value = beneath(of);
  if (value === null || value === undefined) return [];
  if (isList(value)) return value.map((item, i) => [BigInt(i), item] as const);
  const entries = isMap(value) ? value : typeof value === 'object' && 'kind' in value && value.kind === 'args' ? value.values : null;
  if (!entries) return null;
  return [...(entries as ReadonlyMap<string, TemplateValue>)].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

const printCall = ({ name, pipe }: Extract<TemplateNode, { kind: 'template' }>): string =>
  `{{template ${JSON.stringify(name)}${pipe ? ` ${printOperand(pipe)}` : ''}}}`;

/** The text a template gives. @throws TemplateError "template: NAME:LINE:COLUMN: executing ..." */
export const runTemplate = (template: Template, data: TemplateValue, options: RunOptions): string => new Run(template, options).text(data);
