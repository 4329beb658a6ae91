import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** Colours of the theme's tokens only, so that dark and light follow by themselves. */
const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-faint)', fontStyle: 'italic' },
  { tag: tags.labelName, color: 'var(--syntax-label)' },
  { tag: tags.string, color: 'var(--syntax-text)' },
  { tag: tags.number, color: 'var(--syntax-number)' },
  { tag: tags.variableName, color: 'var(--ink)' },
  { tag: tags.function(tags.variableName), color: 'var(--syntax-function)' },
  { tag: [tags.operatorKeyword, tags.modifier, tags.logicOperator], color: 'var(--syntax-word)', fontWeight: '600' },
  { tag: [tags.operator, tags.arithmeticOperator], color: 'var(--ink-dim)' },
  { tag: [tags.paren, tags.squareBracket, tags.brace], color: 'var(--ink-dim)' },
]);
const wavy = (colour: string): Record<string, string> => ({
  backgroundImage: 'none',
  textDecoration: `underline wavy ${colour}`,
  textUnderlineOffset: '3px',
  paddingBottom: '0',
});
const frame = EditorView.theme({
  '&': { color: 'var(--ink)', backgroundColor: 'transparent', fontSize: 'var(--text-m)' },
  '&.cm-focused': { outline: 'none' },
  // Ligatures make ≠ of !=, which nobody can type.
  '.cm-scroller': { fontFamily: 'var(--mono)', fontVariantLigatures: 'none', lineHeight: '1.5', maxHeight: '14rem' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '0.3125rem 0' },
  '.cm-line': { padding: '0 0.5rem' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)', borderLeftWidth: '2px' },
  '.cm-placeholder': { color: 'var(--ink-faint)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'var(--accent-soft)',
  },
  '&.cm-focused .cm-matchingBracket': { backgroundColor: 'var(--hover)', outline: '1px solid var(--line-strong)' },
  '&.cm-focused .cm-nonmatchingBracket': { backgroundColor: 'transparent', color: 'var(--critical)' },
  '.cm-snippetField': { backgroundColor: 'var(--hover)' },
  '.cm-lintRange-error': wavy('var(--critical)'),
  '.cm-lintRange-warning': wavy('var(--minor)'),
  '.cm-lintRange-info': wavy('var(--accent)'),
  '.cm-lintPoint:after': { display: 'none' },
  '.cm-tooltip': {
    zIndex: '20',
    border: '1px solid var(--line-strong)',
    borderRadius: 'var(--radius-s)',
    backgroundColor: 'var(--raised)',
    color: 'var(--ink)',
    boxShadow: 'var(--shadow)',
  },
  '.cm-tooltip-lint': { padding: '0.25rem 0' },
  '.cm-diagnostic': { padding: '0.125rem 0.5rem', borderLeft: '3px solid var(--line-strong)', fontFamily: 'var(--font)' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--critical)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--minor)' },
  '.cm-diagnostic-info': { borderLeftColor: 'var(--accent)' },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': {
    fontFamily: 'var(--mono)',
    fontSize: 'var(--text-s)',
    maxHeight: '18rem',
    minWidth: '20rem',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul > li': { padding: '0.1875rem 0.5rem', lineHeight: '1.4', display: 'flex', gap: '0.5rem' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--accent-soft)', color: 'var(--ink)' },
  '.cm-completionLabel': { flex: '1' },
  '.cm-completionMatchedText': { textDecoration: 'none', color: 'var(--accent)', fontWeight: '700' },
  '.cm-completionDetail': { color: 'var(--ink-faint)', fontStyle: 'normal', marginLeft: '0' },
  '.cm-tooltip.cm-completionInfo': { padding: '0.375rem 0.5rem', maxWidth: '24rem', fontFamily: 'var(--font)', fontSize: 'var(--text-s)' },
});
export const editorLook: Extension = [syntaxHighlighting(colours), frame];
