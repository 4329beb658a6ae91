import {
  acceptCompletion,
  autocompletion,
  type CompletionContext,
  type CompletionResult,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionStatus,
  selectedCompletion,
  startCompletion,
} from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, insertNewlineAndIndent } from '@codemirror/commands';
import { bracketMatching } from '@codemirror/language';
import { type Diagnostic, linter, nextDiagnostic, setDiagnostics } from '@codemirror/lint';
import { EditorState, Prec } from '@codemirror/state';
import { drawSelection, EditorView, highlightSpecialChars, type KeyBinding, keymap, placeholder } from '@codemirror/view';
import { LanguageType, newCompleteStrategy, promQLLanguage } from '@prometheus-io/codemirror-promql';
import { CompletionClient } from './completion-client.ts';
import { inChinese } from './docs-in-chinese.ts';
import { editorLook } from './editor-look.ts';
import { offersHere } from './offers-here.ts';
import type { Problem } from './problem-place.ts';

export interface EditorOptions {
  readonly parent: ShadowRoot;
  readonly text: string;
  /** For screen readers. */
  readonly label: string;
  readonly hint: string;
  readonly isChinese: boolean;
  readonly unitWords: (unit: string) => string;
  /** Words of CodeMirror itself. */
  readonly phrases: Readonly<Record<string, string>>;
  readonly onchange: (text: string) => void;
  readonly onrun: (text: string) => void;
  readonly onformat: () => void;
  readonly onleave: () => void;
  /** Earlier (1) or later (-1) in what was run; null: there is none. */
  readonly onpast: (by: 1 | -1) => string | null;
}
export interface Editor {
  setText(text: string): void;
  /** Underlines these, and nothing else. `says`: what is shown of each. */
  show(problems: readonly Problem[], says: (problem: Problem) => string): void;
  focus(at?: number): void;
  destroy(): void;
}
/** The word left of the cursor is already what would be completed: Enter then means "run". */
function isWhole(view: EditorView): boolean {
  const wanted = selectedCompletion(view.state)?.label;
  const { from } = view.state.selection.main;
  return wanted !== undefined && view.state.sliceDoc(Math.max(0, from - wanted.length), from) === wanted;
}
function keysOf(options: EditorOptions): KeyBinding[] {
  const run = (view: EditorView): boolean => {
    closeCompletion(view);
    options.onrun(view.state.doc.toString());
    return true;
  };
  const past = (by: 1 | -1) => (view: EditorView) => {
    const text = options.onpast(by);
    if (text !== null) replace(view, text);
    return true;
  };
  return [
    {
      key: 'Enter',
      run: (view) => (completionStatus(view.state) === 'active' && !isWhole(view) && acceptCompletion(view)) || run(view),
    },
    { key: 'Mod-Enter', run },
    { key: 'Shift-Enter', run: insertNewlineAndIndent },
    { key: 'Ctrl-Space', run: startCompletion },
    { key: 'Tab', run: (view) => completionStatus(view.state) === 'active' && acceptCompletion(view) },
    {
      key: 'Shift-Alt-f',
      run: () => {
        options.onformat();
        return true;
      },
    },
    { key: 'Alt-ArrowUp', run: past(1) },
    { key: 'Alt-ArrowDown', run: past(-1) },
    { key: 'F8', run: nextDiagnostic },
    {
      key: 'Escape',
      run: (view) => {
        if (closeCompletion(view)) return true;
        options.onleave();
        return true;
      },
    },
  ];
}
function replace(view: EditorView, text: string): void {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text }, selection: { anchor: text.length } });
}
/** CodeMirror with PromQL, in a shadow tree: it brings its styles along, and our content policy takes none from elsewhere in the document. */
export function createEditor(options: EditorOptions): Editor {
  const promql = promQLLanguage(LanguageType.PromQL);
  const names = newCompleteStrategy({ remote: new CompletionClient(options.unitWords), maxMetricsMetadata: 20_000 });
  const autocomplete = async (context: CompletionContext): Promise<CompletionResult | null> => {
    const found = await names.promQL(context);
    if (found && !context.explicit && found.from === context.pos && !offersHere(context.state.sliceDoc(0, context.pos))) return null;
    return found && options.isChinese ? { ...found, options: found.options.map(inChinese) } : found;
  };
  const view = new EditorView({
    parent: options.parent,
    root: options.parent,
    state: EditorState.create({
      doc: options.text,
      extensions: [
        Prec.highest(keymap.of(keysOf(options))),
        keymap.of([...closeBracketsKeymap, ...historyKeymap, ...defaultKeymap]),
        EditorState.phrases.of(options.phrases),
        EditorView.contentAttributes.of({ 'aria-label': options.label, spellcheck: 'false', autocorrect: 'off', autocapitalize: 'off' }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) options.onchange(update.state.doc.toString());
        }),
        EditorView.lineWrapping,
        [history(), drawSelection(), highlightSpecialChars(), bracketMatching(), closeBrackets()],
        [placeholder(options.hint), linter(null), editorLook],
        autocompletion({ icons: false, maxRenderedOptions: 200, interactionDelay: 0 }),
        [promql, promql.data.of({ autocomplete })],
      ],
    }),
  });
  return {
    setText(text) {
      if (text !== view.state.doc.toString()) replace(view, text);
    },
    show(problems, says) {
      const size = view.state.doc.length;
      const shown: Diagnostic[] = problems
        .filter(({ to }) => to > 0)
        .map((problem) => ({
          from: Math.min(problem.from, size),
          to: Math.min(problem.to, size),
          severity: problem.severity,
          message: says(problem),
        }));
      view.dispatch(setDiagnostics(view.state, shown));
    },
    focus(at) {
      view.focus();
      if (at !== undefined) view.dispatch({ selection: { anchor: Math.min(at, view.state.doc.length) }, scrollIntoView: true });
    },
    destroy() {
      view.destroy();
    },
  };
}
