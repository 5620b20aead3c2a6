// Everything beside the picture and the steps: small parts, plain texts and lists, each in the version that stood as of a frame.
//
// A panel that is folded is brought up to date when it is opened.

import { lastAtMost } from "./record.js";
import { parse } from "./steps.js";

const FOLLOW_SLACK_PIXELS = 32;

export class Panels {
  constructor(root) {
    this.root = root;
    this.views = new Map(); // list → ListView
    this.shown = new Map(); // element → what it shows
  }

  // The run has changed for another: what is shown is of no use any more.
  reset() {
    for (const view of this.views.values()) view.clear();
    this.views.clear();
    this.shown.clear();
  }

  show(record, seq) {
    for (const element of this.root.querySelectorAll("[data-part]")) {
      if (isFolded(element)) continue;
      const html = record.part(element.dataset.part, seq);
      if (html !== undefined) this.put(element, html, () => (element.innerHTML = html));
    }
    for (const element of this.root.querySelectorAll("[data-text]")) this.showText(element, record, seq);
    for (const name of record.lists.keys()) this.showList(name, record, seq);
    for (const element of this.root.querySelectorAll("[data-empty-for]")) {
      element.hidden = isFilled(record, element.dataset.emptyFor, seq);
    }
  }

  showText(element, record, seq) {
    const text = record.texts.get(element.dataset.text);
    if (!text || isFolded(element)) return;
    const index = text.indexAt(seq);
    this.put(element, index, () => (element.textContent = text.text(index)));
  }

  put(element, value, write) {
    if (this.shown.get(element) === value && this.shown.has(element)) return;
    this.shown.set(element, value);
    write();
  }

  showList(name, record, seq) {
    let view = this.views.get(name);
    if (!view) {
      const place = this.placeOf(name);
      if (!place) return;
      this.views.set(name, (view = new ListView(place)));
    }
    if (!isFolded(view.rows)) view.show(record.lists.get(name), seq);
  }

  // Where the rows of a list go: its own element, or a section that is made in the place for lists of its kind (`logs/app/0`).
  placeOf(name) {
    const own = [...this.root.querySelectorAll("[data-list]")].find((element) => element.dataset.list === name);
    if (own) return { rows: own };
    const [kind] = name.split("/");
    const home = this.root.querySelector(`[data-lists="${kind}"]`);
    if (!home) return null;
    const [section] = parse(`<section class="${kind === "logs" ? "log" : kind}"><div class="list-head"></div><div class="out log-lines" role="region" tabindex="0"></div></section>`);
    home.append(section);
    return { rows: section.lastElementChild, head: section.firstElementChild, section };
  }

  // Says on the folded tabs that there is something new in the lists named.
  announceNews(names) {
    for (const name of names) {
      const panel = this.panelOf(name);
      if (!panel?.classList.contains("folded")) continue;
      const tab = document.getElementById(panel.getAttribute("aria-labelledby"));
      if (tab) tab.dataset.news = "";
    }
  }

  panelOf(name) {
    const [kind] = name.split("/");
    const element = this.views.get(name)?.rows ?? this.root.querySelector(`[data-list="${CSS.escape(name)}"], [data-lists="${CSS.escape(kind)}"]`);
    return element?.closest("[role=tabpanel]");
  }
}

// The rows of one list: those of the past are shown, each in its version of then.
class ListView {
  constructor({ rows, head, section }) {
    Object.assign(this, { rows, head, section });
    rows.replaceChildren();
    this.elements = [];
    this.count = 0;
    this.versions = new Map();
  }

  clear() {
    this.rows.replaceChildren();
    this.section?.remove();
  }

  show(list, seq) {
    const follows = this.head && this.rows.scrollHeight - this.rows.scrollTop - this.rows.clientHeight < FOLLOW_SLACK_PIXELS;
    const count = list.countAt(seq);
    this.make(list, count);
    for (let i = this.count; i < count; i++) this.elements[i].hidden = false;
    for (let i = count; i < this.count; i++) this.elements[i].hidden = true;
    for (const row of list.changing) this.showVersion(list, row, seq);
    if (this.section) this.section.hidden = count === 0;
    if (follows && count > this.count) this.rows.scrollTop = this.rows.scrollHeight;
    this.count = count;
  }

  make(list, count) {
    const fresh = list.rows.slice(this.elements.length, count);
    if (fresh.length === 0) return;
    const made = fresh.map(({ versions: [{ value }] }) => value);
    const elements = parse(made.join(""));
    const exact = elements.length === fresh.length ? elements : made.map((html) => parse(html)[0] ?? document.createElement("span"));
    this.rows.append(...exact.filter((element, i) => !this.toHead(fresh[i], element)));
    for (const element of exact) this.elements.push(element);
  }

  toHead({ key }, element) {
    if (!this.head || key !== "head") return false;
    this.head.replaceChildren(element);
    this.rows.setAttribute("aria-label", element.textContent.replace(/\s+/g, " ").trim());
    return true;
  }

  showVersion(list, row, seq) {
    const index = lastAtMost(row.versions, seq);
    const at = (row.place ??= list.rows.indexOf(row));
    if (index < 0 || at >= this.elements.length || (this.versions.get(row) ?? 0) === index) return;
    this.versions.set(row, index);
    const [element] = parse(row.versions[index].value);
    element.hidden = this.elements[at].hidden;
    this.elements[at].replaceWith(element);
    this.elements[at] = element;
  }
}

function isFilled(record, kind, seq) {
  for (const [name, list] of record.lists) if ((name === kind || name.startsWith(`${kind}/`)) && list.countAt(seq) > 0) return true;
  return (record.texts.get(kind)?.indexAt(seq) ?? -1) >= 0 || Boolean(record.part(kind, seq));
}

const isFolded = (element) => element.closest(".panel.folded") !== null;
