// The YAML editor: a textarea that works by itself, replaced by CodeMirror 6 where scripts run.
//
// The textarea stays the form's field and always holds the text. What `POST /review` says while one types stands in the margin, at
// its line. Tab moves on to the next control, as everywhere on the page; Ctrl-] and Ctrl-[ indent.
import { defaultKeymap, history, historyKeymap, indentLess, indentMore } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { diff, unifiedMergeView } from "@codemirror/merge";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  EditorView,
  drawSelection,
  highlightActiveLine,
  highlightActiveLineGutter,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { longMemory } from "./memory.js";

const REVIEW_DELAY_MILLISECONDS = 350; // after the last key
const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";
const words = () => document.getElementById("words").dataset;

const colours = HighlightStyle.define([
  { tag: [tags.definition(tags.propertyName), tags.propertyName], color: "var(--kubelet)" },
  { tag: [tags.string, tags.special(tags.string), tags.content], color: "var(--process)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--hook)" },
  { tag: [tags.comment, tags.meta], color: "var(--faint)", fontStyle: "italic" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--soft)" },
]);

const theme = EditorView.theme({
  "&": { backgroundColor: "transparent", color: "var(--ink)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.6" },
  ".cm-content": { padding: "10px 0", caretColor: "var(--accent)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--faint)", border: "0" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine, &.cm-focused .cm-activeLineGutter": { backgroundColor: "var(--wash)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {
    backgroundColor: "color-mix(in srgb, var(--accent) 22%, transparent)",
  },
  ".cm-matchingBracket": { backgroundColor: "var(--wash)", outline: "1px solid var(--line)" },
  ".cm-tooltip": { backgroundColor: "var(--card)", color: "var(--ink)", border: "1px solid var(--line)", borderRadius: "8px" },
  ".cm-diagnostic": { padding: "6px 10px", fontFamily: "var(--sans)", fontSize: "13px", maxWidth: "34rem" },
  ".cm-panels": { backgroundColor: "var(--wash)", color: "var(--ink)" },
  ".cm-deletedChunk": { backgroundColor: "color-mix(in srgb, var(--signal) 10%, transparent)" },
  ".cm-changedLine": { backgroundColor: "color-mix(in srgb, var(--process) 10%, transparent)" },
  ".cm-changedText": { background: "color-mix(in srgb, var(--process) 22%, transparent)" },
  ".cm-deletedText, .cm-deletedChunk .cm-deletedText": { background: "color-mix(in srgb, var(--signal) 22%, transparent)" },
  ".cm-changeGutter .cm-changedLineGutter": { backgroundColor: "var(--process)" },
  ".cm-changeGutter .cm-deletedLineGutter": { backgroundColor: "var(--signal)" },
});

const markLine = StateEffect.define();
const markedLine = StateField.define({
  create: () => Decoration.none,
  update(marks, { docChanged, effects }) {
    for (const effect of effects) {
      if (effect.is(markLine)) return Decoration.set([Decoration.line({ class: "cm-put" }).range(effect.value)]);
    }
    return docChanged ? Decoration.none : marks;
  },
  provide: (field) => EditorView.decorations.from(field),
});

export function startEditors() {
  for (const field of document.querySelectorAll("textarea[data-editor]")) new Editor(field);
}

class Editor {
  constructor(field) {
    this.field = field;
    this.form = field.form;
    this.card = field.closest("[data-card]");
    this.original = this.form.querySelector("template[data-original]").content.textContent;
    this.merge = new Compartment();
    this.comparing = false;
    const text = this.draft() ?? field.value;
    field.value = text;
    this.view = new EditorView({ state: EditorState.create({ doc: text, extensions: this.extensions() }) });
    document.fonts.ready.then(() => this.view.requestMeasure()); // line heights change with the font
    field.hidden = true;
    field.after(this.view.dom);
    this.connectButtons();
    this.showChanges();
    this.review();
  }

  extensions() {
    return [
      EditorView.cspNonce.of(meta("style-nonce")),
      lineNumbers(),
      highlightSpecialChars(),
      history(),
      drawSelection(),
      indentOnInput(),
      indentUnit.of("  "),
      bracketMatching(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      highlightSelectionMatches(),
      search({ top: true }),
      yaml(),
      syntaxHighlighting(colours),
      lintGutter(),
      this.merge.of([]),
      markedLine,
      theme,
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ "aria-label": this.field.getAttribute("aria-label"), spellcheck: "false", tabindex: "0" }),
      keymap.of([
        { key: "Mod-Enter", run: () => (this.form.requestSubmit(), true) },
        { key: "Mod-]", run: indentMore },
        { key: "Mod-[", run: indentLess },
        { key: "Escape", run: () => (this.view.contentDOM.blur(), true) },
        ...defaultKeymap.filter(({ key }) => key !== "Tab"),
        ...historyKeymap,
        ...searchKeymap,
        ...lintKeymap,
      ]),
      EditorView.updateListener.of((update) => update.docChanged && this.changed()),
    ];
  }

  get text() {
    return this.view.state.doc.toString();
  }

  set text(text) {
    this.view.dispatch({ changes: { from: 0, to: this.view.state.doc.length, insert: text } });
  }

  changed() {
    this.field.value = this.text;
    this.keepDraft();
    this.showChanges();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.review(), REVIEW_DELAY_MILLISECONDS);
  }

  connectButtons() {
    this.form.querySelector("[data-reset]").addEventListener("click", () => {
      this.text = this.original;
      this.card.querySelector(".reply").replaceChildren();
    });
    this.field.addEventListener("put-text", ({ detail }) => this.put(detail));
    for (const button of document.querySelectorAll(`[data-solve="${this.card.id}"]`)) {
      button.addEventListener("click", () => {
        this.text = document.querySelector(".solution pre").textContent;
        this.view.focus();
      });
    }
    const compare = this.form.querySelector("[data-diff]");
    compare.addEventListener("click", () => {
      this.comparing = !this.comparing;
      compare.setAttribute("aria-pressed", String(this.comparing));
      this.view.dispatch({ effects: this.merge.reconfigure(this.comparing ? this.comparison() : []) });
    });
    this.card.addEventListener("click", ({ target }) => {
      const line = target.closest("[data-line]")?.dataset.line;
      if (line) this.goTo(Number(line));
    });
  }

  comparison() {
    return unifiedMergeView({ original: this.original, mergeControls: false, highlightChanges: true, gutter: true });
  }

  // A text from elsewhere in which one line is new: only what differs is replaced, and the line is shown and marked until the next
  // change.
  put({ text, line }) {
    const before = this.text;
    const changes = diff(before, text).map(({ fromA, toA, fromB, toB }) => ({ from: fromA, to: toA, insert: text.slice(fromB, toB) }));
    this.view.dispatch({ changes });
    this.goTo(line);
    this.view.dispatch({ effects: markLine.of(this.view.state.doc.line(line).from) });
    const { top, bottom } = this.view.dom.getBoundingClientRect();
    if (bottom < 0 || top > innerHeight) this.view.dom.scrollIntoView({ block: "center" }); // the sentence stands far from its card
  }

  goTo(number) {
    const line = this.view.state.doc.line(Math.min(Math.max(1, number), this.view.state.doc.lines));
    this.view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "center" }) });
    this.view.focus();
  }

  showChanges() {
    const chip = this.form.querySelector("[data-changes]");
    const lines = changedLines(this.original, this.text);
    chip.hidden = lines === 0;
    chip.textContent = lines === 1 ? words().changedOne : words().changedMany.replace("%", lines);
  }

  // What the learner has typed outlives a reload, until Reset.
  draft() {
    return this.field.dataset.draft ? longMemory.get(`draft:${this.field.dataset.draft}`) : null;
  }

  keepDraft() {
    const name = this.field.dataset.draft;
    if (!name) return;
    if (this.text === this.original) longMemory.forget(`draft:${name}`);
    else longMemory.set(`draft:${name}`, this.text);
  }

  async review() {
    const reviewed = this.text;
    let answer;
    try {
      const response = await fetch(this.form.dataset.reviewUrl, {
        method: "POST",
        headers: { "X-CSRF-Token": meta("csrf-token") },
        body: new URLSearchParams({ manifest: reviewed }),
      });
      if (!response.ok) return;
      answer = await response.json();
    } catch {
      return; // offline: the margin keeps what it shows; Run will say so
    }
    if (this.text !== reviewed) return;
    const shown = "noLint" in this.form.dataset ? answer.remarks.filter(({ kind }) => !isLint(kind)) : answer.remarks;
    const diagnostics = shown.map((remark) => this.diagnostic(remark));
    this.view.dispatch(setDiagnostics(this.view.state, diagnostics.sort((a, b) => a.from - b.from)));
  }

  diagnostic({ kind, line, path, message }) {
    const at = this.view.state.doc.line(Math.min(Math.max(1, line), this.view.state.doc.lines));
    const from = at.from + at.text.search(/\S|$/);
    const severity = { refusal: "error", "also-found": "error", warning: "warning", lint: "warning", note: "info" }[kind];
    const text = !path || message.includes(path) ? message : `${path}: ${message}`;
    const marked = isLint(kind) && { renderMessage: () => withCode(text) };
    return { from, to: Math.max(from, at.to), severity, message: text, ...marked };
  }
}

// What the lint says; only that marks code with backticks.
const isLint = (kind) => kind === "lint" || kind === "note";

function withCode(text) {
  const parts = text.split("`").map((part, at) => {
    if (at % 2 === 0) return part;
    const code = document.createElement("code");
    code.textContent = part;
    return code;
  });
  const message = document.createElement("span");
  message.append(...parts);
  return message;
}

function changedLines(a, b) {
  if (a === b) return 0;
  const lineOf = (text, position) => text.slice(0, position).split("\n").length;
  const lines = new Set();
  for (const { fromB, toB } of diff(a, b)) {
    const end = toB > fromB && b[toB - 1] === "\n" ? toB - 1 : toB; // a change that ends with a line does not reach into the next
    for (let line = lineOf(b, fromB); line <= lineOf(b, end); line++) lines.add(line);
  }
  return lines.size;
}
