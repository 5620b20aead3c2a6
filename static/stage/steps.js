// The list of steps: what lies after the step shown is dimmed; one step at a time is in the tab order, and arrows move along.

const PAGE_STEPS = 10;
const FOLLOW_SLACK_PIXELS = 48; // a list scrolled this near to its end follows what is appended

export class Steps {
  // go(index, by) is called when the learner chooses a step; hover(step | null) when one is pointed at.
  constructor(list, { go, hover }) {
    this.list = list;
    this.go = go;
    this.items = []; // {step, html, element}
    this.byElement = new WeakMap();
    this.current = -1;
    list.removeAttribute("tabindex"); // a step in it takes the focus
    list.addEventListener("click", ({ target }) => target.closest("summary") && this.chosen(target, "click"));
    list.addEventListener("keydown", (event) => this.key(event));
    list.addEventListener("pointerover", ({ target }) => hover(this.stepAt(target)));
    list.addEventListener("pointerleave", () => hover(null));
    list.addEventListener("focusin", ({ target }) => hover(this.stepAt(target)));
    list.addEventListener("focusout", () => hover(null));
  }

  // Takes the run's steps in; rows that are the same stay the same elements, with what the learner has opened in them.
  take(steps) {
    const same = steps.length >= this.items.length && this.items.every((item, i) => item.html === steps[i].html);
    const followed = this.items.length === 0 || this.followsEnd();
    if (!same || this.items.length === 0) this.replace(steps);
    else this.append(steps.slice(this.items.length));
    this.items.forEach((item, i) => (item.step = steps[i]));
    if (followed) this.toEnd = true;
  }

  replace(steps) {
    const old = new Map(this.items.map((item) => [item.html, item]));
    this.list.replaceChildren();
    this.items = [];
    this.current = -1;
    this.append(steps, old);
  }

  append(steps, old) {
    const fresh = steps.filter(({ html }) => !old?.has(html));
    const made = parse(fresh.map(({ html }) => html).join(""));
    const items = steps.map((step) => {
      const element = old?.get(step.html)?.element ?? made.shift();
      element.classList.remove("later");
      element.removeAttribute("aria-current");
      for (const summary of element.getElementsByTagName("summary")) summary.tabIndex = -1;
      return { step, html: step.html, element };
    });
    items.forEach((item) => this.byElement.set(item.element, item));
    this.list.append(...items.map(({ element }) => element));
    const from = this.items.length;
    this.items.push(...items);
    items.forEach((item, i) => item.element.classList.toggle("later", this.current >= 0 && from + i > this.current));
  }

  // Shows the step with an index of the whole run as the current one.
  show(index, { follow }) {
    if (index !== this.current) {
      const [low, high] = this.current < index ? [this.current + 1, index] : [index + 1, this.items.length - 1];
      const first = this.current < 0;
      if (first) this.items.forEach((item, i) => item.element.classList.toggle("later", i > index));
      else for (let i = low; i <= Math.min(high, this.items.length - 1); i++) this.items[i].element.classList.toggle("later", i > index);
      this.mark(this.items[this.current], false);
      this.current = index;
      this.mark(this.items[index], true);
      if (!follow) this.reveal(this.items[index]?.element);
    }
    if (follow && this.toEnd) this.list.scrollTop = this.list.scrollHeight;
    this.toEnd = false;
  }

  mark(item, current) {
    if (!item) return;
    if (current) item.element.setAttribute("aria-current", "step");
    else item.element.removeAttribute("aria-current");
    const summary = item.element.querySelector("summary");
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
    return this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < FOLLOW_SLACK_PIXELS;
  }

  link(step, on) {
    this.linked?.classList.remove("linked");
    this.linked = on && step ? this.items[step.index]?.element : null;
    this.linked?.classList.add("linked");
  }

  sentence(index) {
    const text = this.items[index]?.element.querySelector(".sentence")?.textContent ?? "";
    return text.replace(/\s+/g, " ").trim();
  }

  focus(index) {
    this.items[index]?.element.querySelector("summary")?.focus({ preventScroll: true });
  }

  chosen(target) {
    const step = this.stepAt(target);
    if (step) this.go({ to: step.index });
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
