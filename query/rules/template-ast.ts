/** Go's templates as a tree. `at`: UTF-16 units from the beginning of the text. */
export interface Place {
  readonly at: number;
}
export type Operand =
  | (Place & { readonly kind: 'dot' | 'nil' })
  | (Place & { readonly kind: 'bool'; readonly value: boolean })
  /** An int, or a float64 that was written with a point. */
  | (Place & { readonly kind: 'number'; readonly value: bigint | number; readonly text: string })
  | (Place & { readonly kind: 'string'; readonly value: string; readonly text: string })
  | (Place & { readonly kind: 'field'; readonly path: readonly string[] })
  | (Place & { readonly kind: 'variable'; readonly name: string; readonly path: readonly string[] })
  | (Place & { readonly kind: 'identifier'; readonly name: string })
  | (Place & { readonly kind: 'chain'; readonly of: Operand; readonly path: readonly string[] })
  | Pipe;
export interface Command extends Place {
  readonly args: readonly Operand[];
}
export interface Pipe extends Place {
  readonly kind: 'pipe';
  readonly variables: readonly string[];
  /** = and not := */
  readonly isAssign: boolean;
  readonly commands: readonly Command[];
}
export type TemplateNode =
  | (Place & { readonly kind: 'text'; readonly text: string })
  | (Place & { readonly kind: 'action'; readonly pipe: Pipe })
  | (Place & {
      readonly kind: 'if' | 'with' | 'range';
      readonly pipe: Pipe;
      readonly body: readonly TemplateNode[];
      readonly otherwise: readonly TemplateNode[] | null;
    })
  | (Place & { readonly kind: 'template'; readonly name: string; readonly pipe: Pipe | null })
  | (Place & { readonly kind: 'break' | 'continue' });
export interface Template {
  readonly name: string;
  readonly text: string;
  readonly nodes: readonly TemplateNode[];
  /** {{define}}, by name. */
  readonly defined: ReadonlyMap<string, readonly TemplateNode[]>;
}

/** As Go writes a part of a template in its errors. */
export function printOperand(operand: Operand): string {
  switch (operand.kind) {
    case 'dot':
      return '.';
    case 'nil':
      return 'nil';
    case 'bool':
      return String(operand.value);
    case 'number':
    case 'string':
      return operand.text;
    case 'field':
      return operand.path.map((each) => `.${each}`).join('');
    case 'variable':
      return [operand.name, ...operand.path].join('.');
    case 'identifier':
      return operand.name;
    case 'chain':
      return `${operand.of.kind === 'pipe' ? `(${printOperand(operand.of)})` : printOperand(operand.of)}${operand.path.map((each) => `.${each}`).join('')}`;
    case 'pipe': {
      const variables = operand.variables.length > 0 ? `${operand.variables.join(', ')} ${operand.isAssign ? '=' : ':='} ` : '';
      return variables + operand.commands.map(printCommand).join(' | ');
    }
  }
}
export const printCommand = ({ args }: Command): string =>
  args.map((arg) => (arg.kind === 'pipe' ? `(${printOperand(arg)})` : printOperand(arg))).join(' ');

/** What is wrong with a template, in text/template's words. */
export class TemplateError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'TemplateError';
  }
}
