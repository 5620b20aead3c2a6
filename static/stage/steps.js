// The list of steps: what lies after the step shown is dimmed; one step at a time is in the tab order, and arrows move along.
//
// Of a long run only a window of rows around the current one is in the page; a row at each end says how many more there are.

import { fill } from "./text.js";

const PAGE_STEPS = 10;
const WINDOW_ROWS = 160;
const EDGE_ROWS = 25; // the window moves before the current row comes nearer to its edge
const CATCH_UP_MILLISECONDS = 90; // after which the window follows somebody who drags through a long run
const FOLLOW_SLACK_PIXELS = 48; // a list scrolled this near to its end follows what is appended

export class Steps {
  // go({to} | {by, focus}) is called when the learner chooses a step; hover(step | null) when one is pointed at.
  constructor(list, { words, go, hover }) {
    Object.assign(this, { list, words, go });
    this.items = []; // {step, html, element}; elements are made when they are first shown
    this.byElement = new WeakMap();
    this.from = this.to = 0; // the rows in the page
    this.current = -1;
    list.removeAttribute("tabindex"); // a step in it takes the focus
    list.addEventListener("click", ({ target }) => this.clicked(target));
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("pointerover", ({ target }) => hover(this.stepAt(target)));
    list.addEventListener("pointerleave", () => hover(null));
    list.addEventListener("focusin", ({ target }) => hover(this.stepAt(target)));
    list.addEventListener("focusout", () => hover(null));
  }

  // Takes the run's steps in; rows that are the same stay the same elements, with what the learner has opened in them.
  take(steps) {
    const same = this.items.length > 0 && steps.length >= this.items.length && this.items.every(({ html }, i) => html === steps[i].html);
    this.toEnd = this.items.length === 0 || this.followsEnd();
    const old = new Map(same ? [] : this.items.map((item) => [item.html, item]));
    if (!same) {
      this.items = [];
      this.current = -1;
    }
    steps.forEach((step, i) => {
      if (this.items[i]) this.items[i].step = step;
      else this.items.push({ step, html: step.html, element: old.get(step.html)?.element ?? null });
    });
    if (!same) this.put(0, 0, { anew: true });
  }

  // Shows the step with an index of the whole run as the current one; while somebody drags through a long run, in a moment.
  show(index, { follow, dragging = false }) {
    clearTimeout(this.late);
    if (dragging && (index < this.from || index >= this.to)) {
      this.late = setTimeout(() => this.show(index, { follow }), CATCH_UP_MILLISECONDS);
      return;
    }
    const before = this.current;
    this.current = index;
    this.moveWindow(index);
    if (index !== before) {
      const [low, high] = before < index ? [before, index] : [index, before];
      for (let i = Math.max(low, this.from); i <= Math.min(high, this.to - 1); i++) this.mark(i);
      if (!follow) this.reveal(this.items[index]?.element);
    }
    if (follow && this.toEnd) this.list.scrollTop = this.list.scrollHeight;
    this.toEnd = false;
  }

  moveWindow(index) {
    const count = this.items.length;
    const inside = index >= this.from + (this.from > 0 ? EDGE_ROWS : 0) && index < this.to - (this.to < count ? EDGE_ROWS : 0);
    if (count <= WINDOW_ROWS) this.put(0, count);
    else if (!inside || this.to - this.from < WINDOW_ROWS) this.put(index - WINDOW_ROWS / 2, index + WINDOW_ROWS / 2);
  }

  // Puts the rows of a range into the page, and no others.
  put(first, last, { anew = false } = {}) {
    const count = this.items.length;
    const to = Math.min(count, Math.max(last, Math.min(WINDOW_ROWS, count)));
    const from = Math.max(0, Math.min(first, to - WINDOW_ROWS));
    if (from === this.from && to === this.to && !anew) return;
    const grows = !anew && from === this.from && to > this.to && this.from === 0;
    const fresh = grows ? [this.to, to] : [from, to];
    this.make(...fresh);
    const elements = this.items.slice(...fresh).map(({ element }) => element);
    Object.assign(this, { from, to });
    if (grows) this.list.append(...elements);
    else this.list.replaceChildren(...this.rest(from, this.words.stageEarlier, "earlier"), ...elements, ...this.rest(count - to, this.words.stageLater, "further"));
    for (let i = fresh[0]; i < fresh[1]; i++) this.mark(i);
  }

  make(from, to) {
    const missing = this.items.slice(from, to).filter(({ element }) => !element);
    const made = parse(missing.map(({ html }) => html).join(""));
    missing.forEach((item, i) => (item.element = made[i]));
    for (const item of this.items.slice(from, to)) this.byElement.set(item.element, item);
  }

  rest(count, words, way) {
    return count > 0 ? parse(`<li class="rest"><button type="button" data-rest="${way}">${fill(words, { n: count })}</button></li>`) : [];
  }

  mark(i) {
    const { element } = this.items[i];
    const current = i === this.current;
    element.classList.toggle("later", i > this.current && this.current >= 0);
    if (current) element.setAttribute("aria-current", "step");
    else element.removeAttribute("aria-current");
    const summary = element.querySelector("summary");
    if (summary) summary.tabIndex = current ? 0 : -1;
  }

  // Scrolls the list, never the page.
  reveal(element) {
    if (!element) return;
    const [row, list] = [element.getBoundingClientRect(), this.list.getBoundingClientRect()];
    if (row.top < list.top) this.list.scrollTop -= list.top - row.top + row.height / 2;
    else if (row.bottom > list.bottom) this.list.scrollTop += row.bottom - list.bottom + row.height / 2;
  }

  followsEnd() {
    return this.to === this.items.length && this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < FOLLOW_SLACK_PIXELS;
  }

  link(step, on) {
    this.linked?.classList.remove("linked");
    this.linked = on && step ? this.items[step.index]?.element : null;
    this.linked?.classList.add("linked");
  }

  sentence(index) {
    const item = this.items[index];
    if (item && !item.element) this.make(index, index + 1);
    const text = item?.element.querySelector(".sentence")?.textContent ?? "";
    return text.replace(/\s+/g, " ").trim();
  }

  focus(index) {
    this.items[index]?.element?.querySelector("summary")?.focus({ preventScroll: true });
  }

  clicked(target) {
    const step = target.closest("summary") && this.stepAt(target);
    if (step) this.go({ to: step.index });
    const way = target.closest("[data-rest]")?.dataset.rest;
    if (!way) return;
    const [seam, by] = way === "earlier" ? [this.items[this.from], -WINDOW_ROWS / 2] : [this.items[this.to - 1], WINDOW_ROWS / 2];
    this.put(this.from + by, this.to + by);
    this.reveal(seam.element);
  }

  stepAt(target) {
    const element = target.closest?.("li.step");
    return (element && this.byElement.get(element)?.step) ?? null;
  }

  key(event) {
    if (!event.target.matches("summary") || event.altKey || event.ctrlKey || event.metaKey) return;
    const details = event.target.parentElement;
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: PAGE_STEPS, PageUp: -PAGE_STEPS, Home: -Infinity, End: Infinity }[event.key];
    if (by !== undefined) this.go({ by, focus: true });
    else if (event.key === "ArrowRight") details.open = true;
    else if (event.key === "ArrowLeft") details.open = false;
    else return;
    event.preventDefault();
  }
}

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children];
}
