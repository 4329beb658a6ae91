import { describe, expect, it } from 'vitest';
import { makeDemoModel } from '../demo-model/make-demo-model.ts';
import { checkGguf } from './check-gguf.ts';
import { type ReadAt, readGguf } from './read-gguf.ts';
import { type GgufEntry, type GgufTensor, writeGguf } from './write-gguf.ts';

const over = (bytes: Uint8Array): ReadAt => {
  return (offset, length) => bytes.subarray(offset, offset + length);
};
const judge = (bytes: Uint8Array) => checkGguf(readGguf(over(bytes), bytes.length), bytes.length);

const text = (key: string, value: string): GgufEntry => ({ key, type: 'string', value });
const count = (key: string, value: number): GgufEntry => ({ key, type: 'uint32', value });
const real = (key: string, value: number): GgufEntry => ({ key, type: 'float32', value });
const SOUND: readonly GgufEntry[] = [
  text('general.architecture', 'llama'),
  count('llama.context_length', 64),
  count('llama.embedding_length', 8),
  count('llama.block_count', 1),
  count('llama.feed_forward_length', 16),
  count('llama.attention.head_count', 2),
  count('llama.attention.head_count_kv', 1),
  real('llama.attention.layer_norm_rms_epsilon', 1e-5),
  text('tokenizer.ggml.model', 'llama'),
  { key: 'tokenizer.ggml.tokens', type: 'strings', value: ['a', 'b', 'c', 'd'] },
  count('tokenizer.ggml.eos_token_id', 3),
];
const EMBEDDING: GgufTensor = { name: 'token_embd.weight', dims: [8, 4], values: new Float32Array(32) };
/** A sound file with one entry replaced, added or (null) left out. */
function altered(key: string, entry: GgufEntry | null, tensors: readonly GgufTensor[] = [EMBEDDING]): Uint8Array {
  return writeGguf([...SOUND.filter((each) => each.key !== key), ...(entry ? [entry] : [])], tensors);
}

describe('readGguf and checkGguf', () => {
  it('read what the writer wrote', () => {
    expect(judge(writeGguf(SOUND, [EMBEDDING]))).toEqual({
      name: '',
      architecture: 'llama',
      demo: false,
      contextLength: 64,
      // one key-value head, 4 wide, keys and values, two bytes each
      attentionBytesPerToken: 16,
      vocabulary: 4,
    });
  });
  it('know the demo model by its own mark', () => {
    expect(judge(makeDemoModel())).toMatchObject({ architecture: 'llama', demo: true, contextLength: 4_096, vocabulary: 484 });
  });

  const demo = makeDemoModel();
  it.each<[string, Uint8Array, string]>([
    ['an empty file', new Uint8Array(0), 'it is empty'],
    ['a stub', new Uint8Array(10), 'only 10 bytes'],
    ['a text', new TextEncoder().encode('<html><body>404 not found, try again later</body></html>'), 'not a GGUF file'],
    ['a cut header', demo.subarray(0, 900), 'ends at byte 900, in the middle of its header'],
    ['cut data', demo.subarray(0, demo.length - 100_000), 'it is cut off'],
    ['another byte order', Uint8Array.from([...demo.subarray(0, 4), 0, 0, 0, 3, ...demo.subarray(8, 100)]), 'big-endian'],
    ['an old version', Uint8Array.from([...demo.subarray(0, 4), 1, 0, 0, 0, ...demo.subarray(8, 100)]), 'version is 1'],
    ['countless tensors', Uint8Array.from([...demo.subarray(0, 8), 0, 0, 0, 0, 1, 0, 0, 0, ...demo.subarray(16, 100)]), 'tensors'],
    ['no architecture', altered('general.architecture', null), 'does not name its architecture'],
    [
      'an architecture that is a path',
      altered('general.architecture', text('general.architecture', '../x')),
      'does not name its architecture',
    ],
    ['an embedding model', altered('general.architecture', text('general.architecture', 'bert')), 'cannot write text'],
    ['no attention heads', altered('llama.attention.head_count', count('llama.attention.head_count', 0)), 'head_count" is 0'],
    ['no key-value heads', altered('llama.attention.head_count_kv', count('llama.attention.head_count_kv', 0)), 'head_count_kv" is 0'],
    ['heads that do not share', altered('llama.attention.head_count', count('llama.attention.head_count', 3)), '3 attention heads'],
    [
      'an epsilon that is no number',
      altered('llama.attention.layer_norm_rms_epsilon', real('llama.attention.layer_norm_rms_epsilon', Number.NaN)),
      'NaN',
    ],
    ['an epsilon of 0', altered('llama.attention.layer_norm_rms_epsilon', real('llama.attention.layer_norm_rms_epsilon', 0)), 'above 0'],
    ['an endless number', altered('x', real('llama.rope.freq_base', Number.POSITIVE_INFINITY)), 'Infinity'],
    ['no context', altered('llama.context_length', count('llama.context_length', 0)), 'context_length" is 0'],
    ['no layers', altered('llama.block_count', null), '"llama.block_count" is missing'],
    ['a rope wider than a head', altered('x', count('llama.rope.dimension_count', 128)), 'only 4 wide'],
    ['no width of its layers', altered('llama.feed_forward_length', null), '"llama.feed_forward_length" is missing'],
    ['a key that is no name', altered('x', text('\0\0', 'y')), 'the key of metadata entry'],
    ['a tensor without a name', altered('x', null, [{ ...EMBEDDING, name: '' }]), 'the name of tensor 0'],
    [
      'a token twice',
      altered('tokenizer.ggml.tokens', { key: 'tokenizer.ggml.tokens', type: 'strings', value: ['a', 'b', 'a', 'd'] }),
      'token 2 is there twice',
    ],
    ['no tokens', altered('tokenizer.ggml.tokens', null), 'has no tokens'],
    ['an end token beyond the tokens', altered('tokenizer.ggml.eos_token_id', count('tokenizer.ggml.eos_token_id', 4)), 'only 4 tokens'],
    ['no merges', altered('tokenizer.ggml.model', text('tokenizer.ggml.model', 'gpt2')), 'no merges'],
    ['a part of a model', altered('x', count('split.count', 3)), 'one part of a split model'],
    ['a strange alignment', altered('x', count('general.alignment', 7)), '"general.alignment" is 7'],
    ['only a vocabulary', altered('x', null, []), 'no tensors'],
    ['no embeddings', altered('x', null, [{ ...EMBEDDING, name: 'other' }]), 'no token embeddings'],
    ['embeddings of another shape', altered('x', null, [{ ...EMBEDDING, dims: [4, 8] }]), 'are 4 x 8, the header says 8 x 4'],
    ['a tensor twice', altered('x', null, [EMBEDDING, EMBEDDING]), 'is there twice'],
    ['an entry twice', writeGguf([...SOUND, text('general.architecture', 'llama')], [EMBEDDING]), 'is there twice'],
  ])('refuse %s by a sentence', (_what, bytes, says) => {
    expect(() => judge(bytes)).toThrow(says);
  });
});
describe('makeDemoModel', () => {
  it('is the same bytes for the same seed, others for another', () => {
    expect(Buffer.compare(makeDemoModel(7), makeDemoModel(7))).toBe(0);
    expect(Buffer.compare(makeDemoModel(7), makeDemoModel(8))).not.toBe(0);
    expect(makeDemoModel().length).toBeLessThan(800_000);
  });
});
