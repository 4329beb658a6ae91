import { type DOMOutputSpec, type Node, Schema } from 'prosemirror-model';
import { tableNodes } from 'prosemirror-tables';
import { figureText } from '#contracts/figure-text.ts';
import { type Chart, type Figure, isSafeHref } from '#contracts/postmortem.ts';
import { drawChart } from './draw-chart.ts';

/** Attributes of a figure travel in one HTML attribute when it is copied; what does not read as one is not taken. */
function readAttrs(element: HTMLElement, name: string): Record<string, unknown> | false {
  try {
    const attrs = JSON.parse(element.dataset[name] ?? '') as Record<string, unknown>;
    return typeof attrs['id'] === 'string' && typeof attrs['sql'] === 'string' ? attrs : false;
  } catch {
    return false;
  }
}
const required = (...names: readonly string[]): Record<string, object> => Object.fromEntries(names.map((name) => [name, {}]));
const tables = tableNodes({ tableGroup: 'block', cellContent: 'paragraph+', cellAttributes: {} });
const headings = [1, 2, 3, 4];

/** The tree of contracts/postmortem.ts as ProseMirror knows it: node for node, attribute for attribute. */
export const schema = new Schema({
  nodes: {
    doc: { content: 'block+' },
    paragraph: {
      group: 'block',
      content: 'inline*',
      attrs: { prompt: { default: '', validate: 'string' } },
      parseDOM: [{ tag: 'p', getAttrs: (element) => ({ prompt: element.dataset['prompt'] ?? '' }) }],
      toDOM: (node): DOMOutputSpec => ['p', node.attrs['prompt'] === '' ? {} : { 'data-prompt': node.attrs['prompt'] }, 0],
    },
    heading: {
      group: 'block',
      content: 'inline*',
      defining: true,
      attrs: { level: { default: 2, validate: 'number' } },
      parseDOM: headings.map((level) => ({ tag: `h${level}`, attrs: { level } })),
      toDOM: (node): DOMOutputSpec => [`h${node.attrs['level']}`, 0],
    },
    blockquote: { group: 'block', content: 'block+', defining: true, parseDOM: [{ tag: 'blockquote' }], toDOM: () => ['blockquote', 0] },
    bullet_list: { group: 'block', content: 'list_item+', parseDOM: [{ tag: 'ul' }], toDOM: () => ['ul', 0] },
    ordered_list: {
      group: 'block',
      content: 'list_item+',
      attrs: { order: { default: 1, validate: 'number' } },
      parseDOM: [{ tag: 'ol', getAttrs: (element) => ({ order: Math.min(10_000, Math.max(0, (element as HTMLOListElement).start)) }) }],
      toDOM: (node): DOMOutputSpec => ['ol', { start: node.attrs['order'] }, 0],
    },
    list_item: { content: 'paragraph block*', defining: true, parseDOM: [{ tag: 'li' }], toDOM: () => ['li', 0] },
    code_block: {
      group: 'block',
      content: 'text*',
      marks: '',
      code: true,
      defining: true,
      parseDOM: [{ tag: 'pre', preserveWhitespace: 'full' }],
      toDOM: () => ['pre', ['code', 0]],
    },
    horizontal_rule: { group: 'block', parseDOM: [{ tag: 'hr' }], toDOM: () => ['hr'] },
    ...tables,
    chart: {
      group: 'block',
      atom: true,
      draggable: true,
      attrs: required('id', 'title', 'sql', 'unit', 'startMs', 'endMs', 'readAtMs', 'markers', 'series'),
      parseDOM: [{ tag: 'figure[data-chart]', getAttrs: (element) => readAttrs(element, 'chart') }],
      toDOM: (node) => drawChart(node.attrs as unknown as Chart),
    },
    text: { group: 'inline' },
    hard_break: { group: 'inline', inline: true, selectable: false, parseDOM: [{ tag: 'br' }], toDOM: () => ['br'] },
    figure: {
      group: 'inline',
      inline: true,
      atom: true,
      attrs: required('id', 'label', 'sql', 'column', 'value', 'unit', 'relativeTolerance', 'absoluteTolerance', 'readAtMs', 'evidence'),
      parseDOM: [{ tag: `data[data-figure]`, getAttrs: (element) => readAttrs(element, 'figure') }],
      toDOM: (node): DOMOutputSpec => {
        const figure = node.attrs as unknown as Figure;
        const says = figureText(figure.value, figure.unit);
        return ['data', { class: 'chip', 'data-figure': JSON.stringify(figure), title: figure.label }, says];
      },
    },
  },
  marks: {
    link: {
      attrs: { href: { validate: 'string' } },
      inclusive: false,
      parseDOM: [
        {
          tag: 'a[href]',
          // Pasted links go through the same door as typed ones.
          getAttrs: (element) => {
            const href = element.getAttribute('href') ?? '';
            return isSafeHref(href) ? { href } : false;
          },
        },
      ],
      toDOM: (mark): DOMOutputSpec => {
        const href = String(mark.attrs['href']);
        return ['a', { href: isSafeHref(href) ? href : '#', rel: 'noopener noreferrer', title: href }, 0];
      },
    },
    em: { parseDOM: [{ tag: 'i' }, { tag: 'em' }], toDOM: () => ['em', 0] },
    strong: { parseDOM: [{ tag: 'b' }, { tag: 'strong' }], toDOM: () => ['strong', 0] },
    code: { parseDOM: [{ tag: 'code' }], toDOM: () => ['code', 0] },
  },
});
export const figureOf = (node: Node): Figure => node.attrs as unknown as Figure;
