import { ALIGNMENT, TENSOR_BLOCK, VALUE } from './gguf-format.ts';
import { GgufError, type GgufHeader, type GgufTensorInfo } from './read-gguf.ts';

/** What the console needs to know of a model file before it runs it. */
export interface GgufFacts {
  /** general.name, '' when the file has none. */
  readonly name: string;
  readonly architecture: string;
  /** general.faultline_demo: random weights of our own. */
  readonly demo: boolean;
  /** Tokens the model was made for. */
  readonly contextLength: number;
  /** Bytes of attention memory for one token, keys and values in 16 bits. */
  readonly attentionBytesPerToken: number;
  readonly vocabulary: number;
}
/** Architectures that turn text into vectors or see pictures: they cannot write an answer. */
const NOT_WRITERS = /^(?:bert|nomic-bert|jina-bert|modern-bert|neo-bert|eurobert|gemma-embedding|clip|t5encoder|wavtokenizer)/;

const refuse = (says: string): never => {
  throw new GgufError(says);
};

class Values {
  private readonly header: GgufHeader;
  readonly architecture: string;
  constructor(header: GgufHeader) {
    this.header = header;
    const architecture = header.values.get('general.architecture');
    if (typeof architecture !== 'string' || !/^[a-z0-9][a-z0-9_.-]{0,62}$/.test(architecture))
      refuse('it does not name its architecture ("general.architecture")');
    this.architecture = architecture as string;
  }
  has(key: string): boolean {
    return this.header.values.has(this.own(key)) || this.header.arrays.has(this.own(key));
  }
  get isHybrid(): boolean {
    return [...this.header.values.keys()].some((key) => key.startsWith(this.own('ssm.')) || key.startsWith(this.own('shortconv.')));
  }
  own(key: string): string {
    return `${this.architecture}.${key}`;
  }
  /** A whole number in [min, max]; with `otherwise` it may be absent. */
  whole(key: string, min: number, max: number, otherwise?: number): number {
    const raw = this.header.values.get(key);
    if (raw === undefined && otherwise !== undefined) return otherwise;
    if (raw === undefined) return refuse(`"${key}" is missing`);
    const value = typeof raw === 'number' || typeof raw === 'bigint' ? Number(raw) : Number.NaN;
    if (!Number.isInteger(value) || value < min || value > max) refuse(`"${key}" is ${String(raw)}; it must be between ${min} and ${max}`);
    return value;
  }
  /** One value for all layers, or one a layer; every one in [min, max]. */
  perLayer(key: string, layers: number, min: number, max: number, otherwise?: readonly number[]): readonly number[] {
    const list = this.header.arrays.get(key);
    if (!list) return otherwise && !this.header.values.has(key) ? otherwise : [this.whole(key, 1, max)];
    if (list.numbers.length !== layers) refuse(`"${key}" has ${list.count} values for ${layers} layers`);
    for (const value of list.numbers)
      if (!Number.isInteger(value) || value < min || value > max) refuse(`"${key}" holds ${value}; it must be between ${min} and ${max}`);
    return list.numbers;
  }
  /** A number in (0, max); absent is fine. */
  positive(key: string, max: number): void {
    const value = this.header.values.get(key);
    if (value === undefined) return;
    if (typeof value !== 'number' || !(value > 0 && value < max))
      refuse(`"${key}" is ${String(value)}; it must be above 0 and below ${max}`);
  }
}

/** Head counts and epsilons: zeros and NaN there end llama.cpp's process (facts/llm.md §1). */
function checkShape(values: Values): { layers: number; width: number; headWidths: number[]; kvHeads: readonly number[] } {
  const layers = values.whole(values.own('block_count'), 1, 2_048);
  const width = values.whole(values.own('embedding_length'), 1, 1 << 20);
  // Hybrids have layers without attention, said by a zero in a list; a plain 0 is never right.
  const least = values.isHybrid ? 0 : 1;
  const heads = values.perLayer(values.own('attention.head_count'), layers, least, 4_096);
  const kvHeads = values.perLayer(values.own('attention.head_count_kv'), layers, least, 4_096, heads);
  // Without it llama.cpp makes tensors of width 0, and ends its process; hybrids and experts have other widths.
  const otherWidths = values.isHybrid || values.has('expert_feed_forward_length');
  values.perLayer(values.own('feed_forward_length'), layers, least, 1 << 24, otherWidths ? [1] : undefined);
  for (const [i, kv] of kvHeads.entries()) {
    const own = heads[heads.length === 1 ? 0 : i] ?? 1;
    if (kv > 0 && own % kv !== 0) refuse(`${own} attention heads cannot share ${kv} key-value heads`);
  }
  const keyLength = values.whole(values.own('attention.key_length'), 1, 65_536, 0);
  const valueLength = values.whole(values.own('attention.value_length'), 1, 65_536, 0);
  const first = Math.max(...heads);
  if (first < 1) refuse(`"${values.own('attention.head_count')}" is 0 in every layer`);
  if (keyLength === 0 && width % first !== 0) refuse(`a width of ${width} cannot be split over ${first} attention heads`);
  const rope = values.whole(values.own('rope.dimension_count'), 1, 65_536, 0);
  const headWidth = keyLength || width / first;
  if (rope > headWidth) refuse(`"${values.own('rope.dimension_count')}" is ${rope}, an attention head is only ${headWidth} wide`);
  if (rope % 2 === 1) refuse(`"${values.own('rope.dimension_count')}" is ${rope}; it must be even`);
  values.positive(values.own('attention.layer_norm_rms_epsilon'), 1);
  values.positive(values.own('attention.layer_norm_epsilon'), 1);
  values.positive(values.own('rope.freq_base'), 1e12);
  values.positive(values.own('rope.scaling.factor'), 1e6);
  values.whole(values.own('expert_count'), 0, 65_536, 0);
  values.whole(values.own('expert_used_count'), 0, 65_536, 0);
  return { layers, width, headWidths: [headWidth, valueLength || width / first], kvHeads };
}
function checkNumbers(header: GgufHeader): void {
  for (const [key, value] of header.values)
    if (typeof value === 'number' && !Number.isFinite(value)) refuse(`"${key}" is ${value}, which is no number to work with`);
  for (const [key, { numbers }] of header.arrays)
    if (numbers.some((value) => !Number.isFinite(value))) refuse(`"${key}" holds a value that is no number`);
}
function checkTokens(header: GgufHeader, values: Values): number {
  const kind = header.values.get('tokenizer.ggml.model');
  if (typeof kind !== 'string' || kind === '' || kind === 'none' || kind === 'no_vocab')
    refuse('it has no tokenizer ("tokenizer.ggml.model")');
  const tokens = header.arrays.get('tokenizer.ggml.tokens');
  if (tokens === undefined || tokens.elementType !== VALUE.string || tokens.count === 0)
    return refuse('it has no tokens ("tokenizer.ggml.tokens")');
  for (const key of ['tokenizer.ggml.token_type', 'tokenizer.ggml.scores']) {
    const list = header.arrays.get(key);
    if (list && list.count !== tokens.count) refuse(`"${key}" has ${list.count} values for ${tokens.count} tokens`);
  }
  if (kind === 'gpt2' && !header.arrays.get('tokenizer.ggml.merges')?.count)
    refuse('its tokenizer has no merges ("tokenizer.ggml.merges")');
  for (const [key, value] of header.values)
    if (
      /^tokenizer\.ggml\.\w+_token_id$/.test(key) &&
      (typeof value !== 'number' || value < -1 || (value >= tokens.count && value !== 0xffffffff))
    )
      refuse(`"${key}" is ${String(value)}, there are only ${tokens.count} tokens`);
  values.whole(values.own('vocab_size'), 1, tokens.count * 2, tokens.count);
  return tokens.count;
}
/** Bytes of a tensor's data. */
function tensorBytes({ name, dims, type }: GgufTensorInfo): number {
  const block = TENSOR_BLOCK[type];
  if (!block) return refuse(`tensor "${name}" has the unknown type ${type}`);
  const [values, bytes] = block;
  const [row = 0] = dims;
  if (dims.some((dim) => dim < 1)) refuse(`tensor "${name}" has a dimension of 0`);
  if (row % values !== 0) refuse(`a row of tensor "${name}" has ${row} values, its type needs a multiple of ${values}`);
  const count = dims.reduce((product, dim) => product * dim, 1);
  return Number.isSafeInteger(count) ? (count / values) * bytes : refuse(`tensor "${name}" has ${dims.join(' x ')} values`);
}
function checkTensors(header: GgufHeader, fileBytes: number, width: number, vocabulary: number): void {
  const alignment = Number(header.values.get('general.alignment') ?? ALIGNMENT);
  if (!Number.isInteger(Math.log2(alignment)) || alignment < 8 || alignment > 65_536) refuse(`"general.alignment" is ${alignment}`);
  const dataStart = Math.ceil(header.headerBytes / alignment) * alignment;
  if (header.tensors.length === 0) refuse('it holds no tensors: only a header or a vocabulary');
  const names = new Set<string>();
  for (const tensor of header.tensors) {
    const { name, offset } = tensor;
    if (names.has(name)) refuse(`tensor "${name}" is there twice`);
    names.add(name);
    if (offset % alignment !== 0) refuse(`tensor "${name}" does not start at a multiple of ${alignment} bytes`);
    const end = dataStart + offset + tensorBytes(tensor);
    if (end > fileBytes) refuse(`it is cut off: tensor "${name}" ends at byte ${end}, the file has ${fileBytes}`);
  }
  checkOverlap(header.tensors);
  const embedding = header.tensors.find(({ name }) => name === 'token_embd.weight');
  if (embedding === undefined) refuse('it has no token embeddings ("token_embd.weight")');
  else if (embedding.dims[0] !== width || embedding.dims[1] !== vocabulary)
    refuse(`its token embeddings are ${embedding.dims.join(' x ')}, the header says ${width} x ${vocabulary}`);
}
function checkOverlap(tensors: readonly GgufTensorInfo[]): void {
  const sorted = [...tensors].sort((a, b) => a.offset - b.offset);
  for (let i = 1; i < sorted.length; i++) {
    const [before, after] = [sorted[i - 1] as GgufTensorInfo, sorted[i] as GgufTensorInfo];
    if (before.offset + tensorBytes(before) > after.offset) refuse(`tensors "${before.name}" and "${after.name}" overlap`);
  }
}

/** Judges a header: what would end llama.cpp's process, or could not answer a question, is refused by a sentence. @throws GgufError */
export function checkGguf(header: GgufHeader, fileBytes: number): GgufFacts {
  const values = new Values(header);
  if (NOT_WRITERS.test(values.architecture)) refuse(`a "${values.architecture}" model cannot write text`);
  if (Number(header.values.get('split.count') ?? 1) > 1) refuse('it is one part of a split model; join the parts into one file first');
  checkNumbers(header);
  const { layers, width, headWidths, kvHeads } = checkShape(values);
  const vocabulary = checkTokens(header, values);
  checkTensors(header, fileBytes, width, vocabulary);
  const name = header.values.get('general.name');
  const heads = kvHeads.length === 1 ? (kvHeads[0] as number) * layers : kvHeads.reduce((sum, each) => sum + each, 0);
  return {
    name: typeof name === 'string' ? name.slice(0, 200) : '',
    architecture: values.architecture,
    demo: header.values.get('general.faultline_demo') === true,
    contextLength: values.whole(values.own('context_length'), 16, 1 << 26),
    attentionBytesPerToken: heads * ((headWidths[0] as number) + (headWidths[1] as number)) * 2,
    vocabulary,
  };
}
