import { type GgufEntry, type GgufTensor, writeGguf } from '../gguf/write-gguf.ts';
import { byteCharacters, learnMerges } from './byte-pairs.ts';
import { TRAINING_WORDS } from './training-words.ts';

/** Metadata key that says it: true in a file of ours with random weights. Read into ModelFile.demo. */
export const DEMO_KEY = 'general.faultline_demo';
export const DEMO_SEED = 1;

const WIDTH = 64;
const HEADS = 4;
const LAYERS = 2;
const FEED_FORWARD = 256;
const CONTEXT = 4_096;
const MERGES = 480;
const NORMAL = 1;
const CONTROL = 3;
const SPECIAL = ['<|user|>', '<|assistant|>', '<|system|>', '<|end|>'];
const TEMPLATE =
  "{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}";

/** mulberry32 over [-1, 1): exact in doubles, the same on every machine. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}
interface Vocabulary {
  readonly tokens: readonly string[];
  readonly types: readonly number[];
  readonly merges: readonly string[];
}
function vocabulary(): Vocabulary {
  const merges = learnMerges(TRAINING_WORDS, MERGES);
  const plain = [...byteCharacters(), ...merges.map((merge) => merge.replace(' ', ''))];
  return {
    tokens: [...plain, ...SPECIAL],
    types: [...plain.map(() => NORMAL), ...SPECIAL.map(() => CONTROL)],
    merges,
  };
}
function entriesOf(seed: number, { tokens, types, merges }: Vocabulary): GgufEntry[] {
  const end = tokens.indexOf('<|end|>');
  return [
    { key: 'general.architecture', type: 'string', value: 'llama' },
    { key: 'general.name', type: 'string', value: `Faultline demo model, seed ${seed}` },
    { key: 'general.description', type: 'string', value: 'Random weights made by a script: proves the path, knows nothing.' },
    { key: DEMO_KEY, type: 'bool', value: true },
    { key: 'general.file_type', type: 'uint32', value: 0 },
    { key: 'llama.context_length', type: 'uint32', value: CONTEXT },
    { key: 'llama.embedding_length', type: 'uint32', value: WIDTH },
    { key: 'llama.block_count', type: 'uint32', value: LAYERS },
    { key: 'llama.feed_forward_length', type: 'uint32', value: FEED_FORWARD },
    { key: 'llama.attention.head_count', type: 'uint32', value: HEADS },
    { key: 'llama.attention.head_count_kv', type: 'uint32', value: HEADS },
    { key: 'llama.attention.layer_norm_rms_epsilon', type: 'float32', value: 1e-5 },
    { key: 'llama.rope.dimension_count', type: 'uint32', value: WIDTH / HEADS },
    { key: 'llama.vocab_size', type: 'uint32', value: tokens.length },
    { key: 'tokenizer.ggml.model', type: 'string', value: 'gpt2' },
    { key: 'tokenizer.ggml.pre', type: 'string', value: 'gpt-2' },
    { key: 'tokenizer.ggml.tokens', type: 'strings', value: tokens },
    { key: 'tokenizer.ggml.token_type', type: 'int32s', value: types },
    { key: 'tokenizer.ggml.merges', type: 'strings', value: merges },
    { key: 'tokenizer.ggml.bos_token_id', type: 'uint32', value: end },
    { key: 'tokenizer.ggml.eos_token_id', type: 'uint32', value: end },
    { key: 'tokenizer.ggml.add_bos_token', type: 'bool', value: false },
    { key: 'tokenizer.chat_template', type: 'string', value: TEMPLATE },
  ];
}
function tensorsOf(seed: number, words: number): GgufTensor[] {
  const random = randomOf(seed);
  const matrix = (name: string, columns: number, rows: number): GgufTensor => {
    const scale = Math.sqrt(3 / columns);
    return { name, dims: [columns, rows], values: Float32Array.from({ length: columns * rows }, () => random() * scale) };
  };
  const ones = (name: string): GgufTensor => ({ name, dims: [WIDTH], values: new Float32Array(WIDTH).fill(1) });
  const layer = (i: number): GgufTensor[] => [
    ones(`blk.${i}.attn_norm.weight`),
    ...['attn_q', 'attn_k', 'attn_v', 'attn_output'].map((part) => matrix(`blk.${i}.${part}.weight`, WIDTH, WIDTH)),
    ones(`blk.${i}.ffn_norm.weight`),
    matrix(`blk.${i}.ffn_gate.weight`, WIDTH, FEED_FORWARD),
    matrix(`blk.${i}.ffn_up.weight`, WIDTH, FEED_FORWARD),
    matrix(`blk.${i}.ffn_down.weight`, FEED_FORWARD, WIDTH),
  ];
  const layers = Array.from({ length: LAYERS }, (_, i) => layer(i)).flat();
  return [matrix('token_embd.weight', WIDTH, words), ...layers, ones('output_norm.weight')];
}

/**
 * The demo model: llama architecture, random weights from a seed, about 0.7 MB. It proves the whole path from card to
 * checked paragraph and knows nothing; it says so in its metadata. Same seed, same bytes, on every machine.
 */
export function makeDemoModel(seed = DEMO_SEED): Uint8Array {
  const words = vocabulary();
  return writeGguf(entriesOf(seed, words), tensorsOf(seed, words.tokens.length));
}
