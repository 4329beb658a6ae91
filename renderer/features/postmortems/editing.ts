import { baseKeymap, chainCommands, exitCode, setBlockType, toggleMark, wrapIn } from 'prosemirror-commands';
import { gapCursor } from 'prosemirror-gapcursor';
import { history, redo, undo } from 'prosemirror-history';
import { InputRule, inputRules, textblockTypeInputRule, wrappingInputRule } from 'prosemirror-inputrules';
import { keymap } from 'prosemirror-keymap';
import { Fragment, type Mark, type Node, Slice } from 'prosemirror-model';
import { liftListItem, sinkListItem, splitListItem, wrapInList } from 'prosemirror-schema-list';
import { type Command, EditorState, NodeSelection, Plugin, PluginKey, type Transaction } from 'prosemirror-state';
import { addRowAfter, deleteRow, goToNextCell, isInTable, tableEditing } from 'prosemirror-tables';
import { Decoration, DecorationSet } from 'prosemirror-view';
import { type Check, type Figure, isSafeHref, type PostmortemDocument, type Verification } from '#contracts/postmortem.ts';
import { figureOf, schema } from './schema.ts';

const { nodes, marks } = schema;
/** What the toolbar and the keys do. */
export const commands = {
  undo,
  redo,
  strong: toggleMark(marks.strong),
  em: toggleMark(marks.em),
  code: toggleMark(marks.code),
  heading: toggleBlock('heading', { level: 2 }),
  subheading: toggleBlock('heading', { level: 3 }),
  bullets: chainCommands(liftListItem(nodes.list_item), wrapInList(nodes.bullet_list)),
  numbers: chainCommands(liftListItem(nodes.list_item), wrapInList(nodes.ordered_list)),
  quote: wrapIn(nodes.blockquote),
  rowAfter: addRowAfter,
  deleteRow,
} as const satisfies Record<string, Command>;
export type CommandName = keyof typeof commands;

function toggleBlock(name: 'heading', attrs: Record<string, unknown>): Command {
  return (state, dispatch, view) => {
    const { parent } = state.selection.$from;
    const isOn = parent.type === nodes[name] && parent.attrs['level'] === attrs['level'];
    return isOn ? setBlockType(nodes.paragraph)(state, dispatch, view) : setBlockType(nodes[name], attrs)(state, dispatch, view);
  };
}
const breakLine: Command = chainCommands(exitCode, (state, dispatch) => {
  dispatch?.(state.tr.replaceSelectionWith(nodes.hard_break.create()).scrollIntoView());
  return true;
});
/** Links the selection; an empty or unsafe address takes the link off. */
export function setLink(href: string): Command {
  return (state, dispatch) => {
    const { from, to, empty } = state.selection;
    if (empty) return false;
    const tr = state.tr.removeMark(from, to, marks.link);
    dispatch?.(isSafeHref(href) ? tr.addMark(from, to, marks.link.create({ href })) : tr);
    return true;
  };
}

export const checksOf = (report: Verification | null): ReadonlyMap<string, Check> =>
  new Map((report?.checks ?? []).map((check) => [check.id, check]));

const verdicts = new PluginKey<DecorationSet>('verdicts');
function decorate(doc: Node, checks: ReadonlyMap<string, Check>): DecorationSet {
  const found: Decoration[] = [];
  doc.descendants((node, at) => {
    const check = node.type === nodes.figure || node.type === nodes.chart ? checks.get(String(node.attrs['id'])) : undefined;
    if (check) found.push(Decoration.node(at, at + node.nodeSize, { class: `v-${check.verdict}` }));
  });
  return DecorationSet.create(doc, found);
}
/** Marks every figure with the verdict of its last verification. */
const verdictPlugin = (): Plugin<DecorationSet> =>
  new Plugin<DecorationSet>({
    key: verdicts,
    state: {
      init: () => DecorationSet.empty,
      apply(tr, old) {
        const checks = tr.getMeta(verdicts) as ReadonlyMap<string, Check> | undefined;
        return checks ? decorate(tr.doc, checks) : old.map(tr.mapping, tr.doc);
      },
    },
    props: { decorations: (state) => verdicts.getState(state) },
  });
export const showVerdicts = (state: EditorState, checks: ReadonlyMap<string, Check>): Transaction => state.tr.setMeta(verdicts, checks);

export const newFigureId = (): string =>
  `u${[...crypto.getRandomValues(new Uint8Array(6))].map((b) => b.toString(16).padStart(2, '0')).join('')}`;
export function figuresIn(doc: Node): Map<string, Figure> {
  const found = new Map<string, Figure>();
  doc.descendants((node) => {
    if (node.type === nodes.figure) found.set(figureOf(node).id, figureOf(node));
  });
  return found;
}
/** A figure pasted from another document may have an id that means something else here: it gets one of its own. */
function renameClashes(slice: Slice, known: ReadonlyMap<string, Figure>): Slice {
  const map = (node: Node): Node => {
    if (node.type === nodes.figure) {
      const mine = known.get(figureOf(node).id);
      const same =
        !mine || (mine.sql === figureOf(node).sql && mine.column === figureOf(node).column && mine.value === figureOf(node).value);
      return same ? node : nodes.figure.create({ ...node.attrs, id: newFigureId() }, null, node.marks as Mark[]);
    }
    return node.isLeaf ? node : node.copy(mapAll(node.content));
  };
  const mapAll = (fragment: Fragment): Fragment => Fragment.fromArray(fragment.content.map(map));
  return new Slice(mapAll(slice.content), slice.openStart, slice.openEnd);
}

/** Every occurrence of a figure gets new attributes: one step of undo. */
export function changeFigures(state: EditorState, changes: ReadonlyMap<string, Partial<Figure>>): Transaction {
  const { tr } = state;
  state.doc.descendants((node, at) => {
    const change = node.type === nodes.figure ? changes.get(figureOf(node).id) : undefined;
    if (change) tr.setNodeMarkup(at, null, { ...node.attrs, ...change }, node.marks);
  });
  return tr;
}
export function insertFigure(state: EditorState, figure: Figure): Transaction {
  return state.tr.replaceSelectionWith(nodes.figure.create(figure as unknown as Record<string, unknown>), true).scrollIntoView();
}
/** Selects a figure or chart by its id; null when it is not there. */
export function selectBound(state: EditorState, id: string): Transaction | null {
  let found: number | null = null;
  state.doc.descendants((node, at) => {
    if (found === null && (node.type === nodes.figure || node.type === nodes.chart) && node.attrs['id'] === id) found = at;
  });
  return found === null ? null : state.tr.setSelection(NodeSelection.create(state.doc, found)).scrollIntoView();
}

export interface EditingHooks {
  /** "==" was typed, or its key pressed. */
  readonly onInsertNumber: () => void;
  readonly onSave: () => void;
  /** Enter on a figure. */
  readonly onOpenFigure: (figure: Figure) => void;
}
const openFigure =
  (hooks: EditingHooks): Command =>
  ({ selection }) => {
    if (!(selection instanceof NodeSelection) || selection.node.type !== nodes.figure) return false;
    hooks.onOpenFigure(figureOf(selection.node));
    return true;
  };
function plugins(hooks: EditingHooks): Plugin[] {
  const rules = [
    textblockTypeInputRule(/^(#{1,4})\s$/, nodes.heading, (match) => ({ level: match[1]!.length })),
    wrappingInputRule(/^\s*[-*]\s$/, nodes.bullet_list),
    wrappingInputRule(/^(\d{1,4})[.)]\s$/, nodes.ordered_list, (match) => ({ order: Number(match[1]) })),
    wrappingInputRule(/^>\s$/, nodes.blockquote),
    textblockTypeInputRule(/^```$/, nodes.code_block),
    new InputRule(/==$/, (state, _match, start, end) => {
      hooks.onInsertNumber();
      return state.tr.delete(start, end);
    }),
  ];
  const does =
    (work: () => void): Command =>
    () => {
      work();
      return true;
    };
  return [
    inputRules({ rules }),
    keymap({
      'Mod-z': undo,
      'Mod-y': redo,
      'Shift-Mod-z': redo,
      'Mod-b': commands.strong,
      'Mod-i': commands.em,
      'Mod-`': commands.code,
      'Mod-e': does(hooks.onInsertNumber),
      'Mod-s': does(hooks.onSave),
      'Shift-Enter': breakLine,
      Enter: chainCommands(openFigure(hooks), splitListItem(nodes.list_item)),
      Tab: chainCommands(goToNextCell(1), sinkListItem(nodes.list_item)),
      'Shift-Tab': chainCommands(goToNextCell(-1), liftListItem(nodes.list_item)),
    }),
    keymap(baseKeymap),
    history(),
    gapCursor(),
    tableEditing(),
    verdictPlugin(),
    new Plugin({ props: { transformPasted: (slice, view) => renameClashes(slice, figuresIn(view.state.doc)) } }),
  ];
}
export const stateOf = (content: PostmortemDocument['content'], hooks: EditingHooks): EditorState =>
  EditorState.create({ doc: schema.nodeFromJSON({ type: 'doc', content }), plugins: plugins(hooks) });
/** Puts other content in the place of all: undo brings the own one back. */
export function replaceContent(state: EditorState, content: PostmortemDocument['content']): Transaction {
  const doc = schema.nodeFromJSON({ type: 'doc', content });
  return state.tr.replaceWith(0, state.doc.content.size, doc.content);
}
export const contentOf = (state: EditorState): PostmortemDocument['content'] =>
  (state.doc.toJSON() as { content: PostmortemDocument['content'] }).content;
export const inTable = (state: EditorState): boolean => isInTable(state);
