/** Tokens of PromQL (Prometheus 3: promql/parser/lex.go names them; the texts of errors are made of them). */
export type Punctuation = '(' | ')' | '{' | '}' | '[' | ']' | ',' | ':' | '=';
export const OPERATORS = [
  '+',
  '-',
  '*',
  '/',
  '%',
  '^',
  'atan2',
  '==',
  '!=',
  '<=',
  '<',
  '>=',
  '>',
  '=~',
  '!~',
  '</',
  '>/',
  '@',
  'and',
  'or',
  'unless',
] as const;
export type Operator = (typeof OPERATORS)[number];
export const AGGREGATORS = [
  ...[
    'sum',
    'avg',
    'count',
    'min',
    'max',
    'group',
    'stddev',
    'stdvar',
    'topk',
    'bottomk',
    'count_values',
    'quantile',
    'limitk',
    'limit_ratio',
  ],
] as const;
export const KEYWORDS = [
  ...['offset', 'by', 'without', 'on', 'ignoring', 'group_left', 'group_right', 'bool', 'fill', 'fill_left', 'fill_right'],
  ...['start', 'end', 'step', 'range', 'anchored', 'smoothed', 'min_of', 'max_of'],
] as const;
export type TokenType =
  | 'eof'
  /** The text is what is wrong; the last token. */
  | 'error'
  | 'identifier'
  | 'metric identifier'
  | 'string'
  | 'number'
  | 'duration'
  | 'keyword'
  | 'aggregator'
  | 'operator'
  | Punctuation;

/** Half-open, in UTF-16 units of the expression. */
export interface Range {
  readonly start: number;
  readonly end: number;
}
export interface Token extends Range {
  readonly type: TokenType;
  /** As written. */
  readonly text: string;
  /** Of keywords, aggregators and operators: in lower case. */
  readonly word: string;
}

export class PromqlError extends Error {
  readonly range: Range;
  constructor(message: string, range: Range) {
    super(message);
    this.name = 'PromqlError';
    this.range = range;
  }
}

/** How an error calls a token: `identifier "b"`, `<op:*>`, `<by>`, `end of input`, `","`. */
export function describeToken({ type, text }: Token): string {
  switch (type) {
    case 'eof':
      return 'end of input';
    case 'keyword':
      return `<${text}>`;
    case 'aggregator':
      return `<aggr:${text}>`;
    case 'operator':
      return `<op:${text}>`;
    case 'identifier':
    case 'metric identifier':
      return `${type} ${JSON.stringify(text)}`;
    case 'string':
    case 'number':
    case 'duration':
      return `${type} ${text.length > 10 ? `${JSON.stringify(text.slice(0, 10))}...` : JSON.stringify(text)}`;
    default:
      return JSON.stringify(text);
  }
}
