// Everything beside the picture and the steps: small parts, plain texts and lists, each in the version that stood as of a frame.
//
// A panel that is folded is brought up to date when it is opened.

import { lastAtMost } from "./record.js";
import { parse } from "./steps.js";

const FOLLOW_SLACK_PIXELS = 32;

export class Panels {
  constructor(root) {
    this.parts = [...root.querySelectorAll("[data-part]")];
    this.texts = [...root.querySelectorAll("[data-text]")];
    this.empties = [...root.querySelectorAll("[data-empty-for]")];
    this.lists = new Map([...root.querySelectorAll("[data-list]")].map((element) => [element.dataset.list, element]));
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
    for (const element of this.parts) {
      if (isFolded(element)) continue;
      const html = record.part(element.dataset.part, seq);
      if (html !== undefined) this.put(element, html, () => (element.innerHTML = html));
    }
    for (const element of this.texts) this.showText(element, record, seq);
    for (const name of record.lists.keys()) this.showList(name, record, seq);
    for (const element of this.empties) element.hidden = isFilled(record, element.dataset.emptyFor, seq);
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

  // The rows of a list go into the element of its name; that of `logs/app/0` stands in a row of the list `logs`.
  showList(name, record, seq) {
    const home = this.homeOf(name);
    if (!home || isFolded(home)) return;
    let view = this.views.get(name);
    if (!view?.rows.isConnected) {
      const rows = this.lists.get(name) ?? home.querySelector(`[data-list="${CSS.escape(name)}"]`);
      if (!rows) return;
      this.views.set(name, (view = new ListView(rows)));
    }
    view.show(record.lists.get(name), seq);
  }

  homeOf(name) {
    return this.lists.get(name) ?? this.lists.get(name.split("/")[0]);
  }

  // Says on the folded tabs that there is something new in the lists named.
  announceNews(names) {
    for (const name of names) {
      const panel = this.homeOf(name)?.closest("[role=tabpanel]");
      if (!panel?.classList.contains("folded")) continue;
      const tab = document.getElementById(panel.getAttribute("aria-labelledby"));
      if (tab) tab.dataset.news = "";
    }
  }
}

// The rows of one list: those of the past are shown, each in its version of then.
class ListView {
  constructor(rows) {
    this.rows = rows;
    rows.replaceChildren();
    this.elements = [];
    this.count = 0;
    this.versions = new Map();
  }

  clear() {
    this.rows.replaceChildren();
  }

  show(list, seq) {
    const { rows } = this;
    const count = list.countAt(seq);
    const follows = count > this.count && rows.matches(".log-lines") && rows.scrollHeight - rows.scrollTop - rows.clientHeight < FOLLOW_SLACK_PIXELS;
    this.make(list, count);
    for (let i = this.count; i < count; i++) this.elements[i].hidden = false;
    for (let i = count; i < this.count; i++) this.elements[i].hidden = true;
    for (const row of list.changing) this.showVersion(list, row, seq);
    if (follows) rows.scrollTop = rows.scrollHeight;
    this.count = count;
  }

  make(list, count) {
    const fresh = list.rows.slice(this.elements.length, count).map(({ versions: [{ value }] }) => value);
    if (fresh.length === 0) return;
    const together = parse(fresh.join(""));
    const elements = together.length === fresh.length ? together : fresh.map((html) => parse(html)[0] ?? document.createElement("span"));
    this.rows.append(...elements);
    this.elements.push(...elements);
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
