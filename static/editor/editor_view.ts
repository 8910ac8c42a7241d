/** The SQL editor: CodeMirror with our colours and keys, under a policy that allows no inline style. */
import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  type CompletionSource,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab, toggleComment } from "@codemirror/commands";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { sql } from "@codemirror/lang-sql";
import { type Diagnostic, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { EditorState, type Extension, Prec } from "@codemirror/state";
import {
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  placeholder,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { adoptingRoot } from "./adopting_root.ts";
import { DUCKDB } from "./duckdb_dialect.ts";
import type { TextRange } from "./fault_place.ts";

export interface EditorActions {
  run(): void;
  runAll(): void;
  cancel(): void;
  format(): void;
  changed(text: string): void;
  complete: CompletionSource;
}

const COLOURS = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword], color: "var(--code-keyword)", fontWeight: "550" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--code-string)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--code-number)" },
  { tag: [tags.lineComment, tags.blockComment], color: "var(--code-comment)", fontStyle: "italic" },
  {
    tag: [tags.standard(tags.name), tags.function(tags.variableName), tags.typeName],
    color: "var(--code-function)",
  },
  { tag: [tags.punctuation, tags.operator], color: "var(--text-2)" },
]);

const THEME = EditorView.theme({
  "&": { height: "100%", fontSize: "13.5px", backgroundColor: "var(--surface)", color: "var(--text)" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--accent)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--accent)", borderLeftWidth: "2px" },
  ".cm-gutters": {
    backgroundColor: "var(--surface)",
    color: "var(--text-3)",
    border: "none",
    paddingLeft: "6px",
  },
  ".cm-activeLine": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 45%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "var(--selection)",
  },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--accent-soft)",
    outline: "1px solid var(--accent)",
  },
  ".cm-selectionMatch": { backgroundColor: "var(--accent-soft)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--bad) 1.5px",
    textUnderlineOffset: "3px",
    backgroundColor: "var(--bad-soft)",
  },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    border: "1px solid var(--line-strong)",
    borderRadius: "6px",
    boxShadow: "var(--shadow-high)",
    overflow: "hidden",
  },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "18em" },
  ".cm-tooltip-autocomplete > ul > li": { padding: "2px 8px", lineHeight: "1.5" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
  },
  ".cm-completionDetail": { color: "var(--text-3)", fontStyle: "normal", marginLeft: "1em" },
  "li[aria-selected] .cm-completionDetail": { color: "inherit" },
  ".cm-panels": { backgroundColor: "var(--surface-2)", color: "var(--text)", borderColor: "var(--line)" },
  ".cm-diagnostic-error": { borderLeft: "3px solid var(--bad)" },
  ".cm-placeholder": { color: "var(--text-3)" },
  ".cm-button": {
    backgroundImage: "none",
    backgroundColor: "var(--surface-3)",
    border: "1px solid var(--line-strong)",
  },
  ".cm-textfield": { backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)" },
});

function keys(actions: EditorActions): Extension {
  const does = (action: () => void) => (view: EditorView) => {
    closeCompletion(view);
    action();
    return true;
  };
  return Prec.highest(keymap.of([
    { key: "Mod-Enter", run: does(actions.run), shift: does(actions.runAll) },
    { key: "Shift-Alt-f", run: does(actions.format) },
    { key: "Mod-/", run: toggleComment },
  ]));
}

/**
 * Types over a selection ourselves: Chromium would keep the look of the replaced text in a `style` attribute, which the
 * policy forbids and the console then complains of.
 */
const TYPE_OVER_SELECTION = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { from, to } = view.state.selection.main;
    if (event.inputType !== "insertText" || event.data === null || from === to || view.composing) {
      return false;
    }
    const text = event.data;
    const insert = () => view.state.update(view.state.replaceSelection(text), { userEvent: "input.type" });
    const isHandled = view.state.facet(EditorView.inputHandler).some((one) =>
      one(view, from, to, text, insert)
    );
    if (!isHandled) view.dispatch(insert());
    event.preventDefault();
    return true;
  },
});

/** Files that are dropped become tables; the editor's own way is to type out what they hold. */
const NO_DROPPED_FILES = EditorView.domEventHandlers({
  drop: (event) => Boolean(event.dataTransfer?.files.length),
});

export interface EditorOptions {
  parent: HTMLElement;
  text: string;
  actions: EditorActions;
}

export function createEditor(options: EditorOptions): EditorView {
  const view = new EditorView({
    state: editorState(options.text, options.actions),
    root: adoptingRoot(),
    parent: options.parent,
  });
  return view;
}

/** A fresh state, so that each tab has its own history of undo. */
export function editorState(text: string, actions: EditorActions): EditorState {
  return EditorState.create({
    doc: text,
    extensions: [
      keys(actions),
      lineNumbers(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      autocompletion({ icons: false, override: [actions.complete] }),
      highlightActiveLine(),
      highlightSelectionMatches(),
      search({ top: true }),
      syntaxHighlighting(COLOURS),
      THEME,
      TYPE_OVER_SELECTION,
      NO_DROPPED_FILES,
      sql({ dialect: DUCKDB }),
      placeholder("SELECT …    Ctrl+Enter runs the statement at the cursor"),
      EditorView.contentAttributes.of({ "aria-label": "SQL", spellcheck: "false", autocorrect: "off" }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) actions.changed(update.state.doc.toString());
      }),
      keymap.of([
        ...completionKeymap,
        // Escape closes a completion or a panel first; when there is none it cancels the query.
        ...closeBracketsKeymap,
        ...searchKeymap,
        ...historyKeymap,
        ...lintKeymap,
        ...defaultKeymap.filter((binding) => binding.key !== "Mod-Enter"),
        indentWithTab,
      ]),
      keymap.of([{
        key: "Escape",
        run: () => {
          actions.cancel();
          // Not taken: after Escape the next Tab leaves the editor.
          return false;
        },
      }]),
    ],
  });
}

/** Underlines faults; none takes the underlining away. */
export function markFaults(view: EditorView, faults: readonly (TextRange & { message: string })[]): void {
  const length = view.state.doc.length;
  const diagnostics: Diagnostic[] = faults.map((fault) => ({
    from: Math.min(fault.from, length),
    to: Math.min(fault.to, length),
    severity: "error",
    message: fault.message,
  }));
  view.dispatch(setDiagnostics(view.state, diagnostics));
}
