import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { yaml } from '@codemirror/lang-yaml';
import { indentUnit, syntaxHighlighting } from '@codemirror/language';
import type { Diagnostic } from '@codemirror/lint';
import { lintGutter, setDiagnostics } from '@codemirror/lint';
import { highlightSelectionMatches, searchKeymap } from '@codemirror/search';
import type { Extension, Text } from '@codemirror/state';
import { Annotation, EditorState } from '@codemirror/state';
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightActiveLineGutter,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { classHighlighter } from '@lezer/highlight';
import { useEffect, useRef } from 'react';
import classes from './yaml-editor.module.css';

/** Lines and columns count from 1. */
export interface EditorMark {
  readonly line: number;
  readonly column: number | null;
  readonly message: string;
  readonly level: 'error' | 'warning';
}

export interface EditorJump {
  readonly line: number;
  readonly column: number;
  /** Another one each time, so that the same place can be gone to twice. */
  readonly turn: number;
}

interface YamlEditorProps {
  readonly label: string;
  readonly text: string;
  readonly onChange: (text: string) => void;
  readonly marks: readonly EditorMark[];
  readonly jump: EditorJump | null;
  /** The line in view at first. */
  readonly start: number | undefined;
}

/** A change that came from outside: it is not told back. */
const fromOutside = Annotation.define<boolean>();

/** YAML as text, with the caret, the history and the place in view kept when the text is changed from elsewhere. */
export function YamlEditor({ label, text, onChange, marks, jump, start }: YamlEditorProps) {
  const holder = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const latest = useRef({ onChange, text, start });
  latest.current = { onChange, text, start };
  useEffect(() => {
    if (holder.current === null) return;
    const tell = EditorView.updateListener.of(({ docChanged, transactions, state }) => {
      if (!docChanged || transactions.some((one) => one.annotation(fromOutside) === true)) return;
      latest.current.onChange(state.doc.toString());
    });
    const { text: doc, start: first } = latest.current;
    const blank = EditorState.create({ doc, extensions: [extensionsOf(label), tell] });
    const anchor = blank.doc.line(Math.min(Math.max(1, first ?? 1), blank.doc.lines)).from;
    const { state } = blank.update({ selection: { anchor } });
    const scrollTo = EditorView.scrollIntoView(anchor, { y: 'start', yMargin: 40 });
    view.current = new EditorView({
      state,
      parent: holder.current,
      ...(first === undefined ? {} : { scrollTo }),
    });
    return () => view.current?.destroy();
  }, [label]);
  useEffect(() => {
    if (view.current !== null) take(view.current, text);
  }, [text]);
  useEffect(() => {
    const { current } = view;
    if (current === null) return;
    current.dispatch(
      setDiagnostics(
        current.state,
        marks.map((mark) => diagnosticOf(current.state.doc, mark)),
      ),
    );
  }, [marks, text]);
  useEffect(() => {
    const { current } = view;
    if (current === null || jump === null) return;
    const line = current.state.doc.line(Math.min(Math.max(1, jump.line), current.state.doc.lines));
    const anchor = Math.min(line.to, line.from + Math.max(0, jump.column - 1));
    current.dispatch({
      selection: { anchor },
      effects: EditorView.scrollIntoView(anchor, { y: 'center' }),
    });
    current.focus();
  }, [jump]);
  return <div ref={holder} className={classes.editor} />;
}

function extensionsOf(label: string): Extension {
  return [
    lineNumbers(),
    highlightActiveLineGutter(),
    history(),
    drawSelection(),
    indentUnit.of('  '),
    EditorState.tabSize.of(2),
    yaml(),
    syntaxHighlighting(classHighlighter),
    highlightActiveLine(),
    highlightSelectionMatches(),
    lintGutter(),
    EditorView.lineWrapping,
    EditorView.contentAttributes.of({ 'aria-label': label, spellcheck: 'false', tabindex: '0' }),
    // Tab leaves the editor as it leaves any other field: nobody is caught in it.
    keymap.of([...defaultKeymap, ...historyKeymap, ...searchKeymap]),
  ];
}

/** Only what differs is exchanged; it comes into view without taking the focus. */
function take(view: EditorView, text: string): void {
  const before = view.state.doc.toString();
  if (before === text) return;
  let from = 0;
  while (from < before.length && from < text.length && before[from] === text[from]) from += 1;
  let end = 0;
  const most = Math.min(before.length, text.length) - from;
  while (end < most && before[before.length - 1 - end] === text[text.length - 1 - end]) end += 1;
  const insert = text.slice(from, text.length - end);
  view.dispatch({
    changes: { from, to: before.length - end, insert },
    annotations: fromOutside.of(true),
    effects: EditorView.scrollIntoView(from, { y: 'center' }),
  });
}

function diagnosticOf(text: Text, { line, column, message, level }: EditorMark): Diagnostic {
  const { from, to } = text.line(Math.min(Math.max(1, line), text.lines));
  const start = Math.min(to, from + Math.max(0, (column ?? 1) - 1));
  return { from: start, to, message, severity: level };
}
