// The lifelines as SVG: drawn once per change of the run, and from then on only moved through.
//
// What is drawn is the whole run, in layers. A veil dims what lies after the step shown; labels and the ends of bars, which would tell the
// future, change one by one as the step passes them. The ruler below is drawn anew for every step.

import { Layout, BAR_PIXELS, ROW_PIXELS, arrowText } from "./lanes.js";
import { Axis } from "./axis.js";
import { drawRulers, RULER_PIXELS } from "./ruler.js";
import { cut, escape, fill, widthOf } from "./text.js";

const SIDE_PIXELS = 16; // of air on both sides of the axis
const TOP_PIXELS = 20;
const GUTTER_AIR_PIXELS = 12;
const TITLE_PIXELS = 10.4; // titles are set in a proportional face, narrower than that of the labels
const FOOT_PIXELS = 40; // the figures below, in two lines
export const SMALLEST_PIXELS = 560; // the picture scrolls in its card where there is less room

export class Picture {
  // `makeAxis` takes what the run asks of its axis: times, graces, unused, idle, width; and when it was deleted.
  constructor(root, words, figures, makeAxis = (asked) => new Axis(asked)) {
    this.root = root;
    this.makeAxis = makeAxis;
    this.words = words;
    this.figures = figures;
    this.plot = root.querySelector("[data-plot]");
    this.gutter = root.querySelector("[data-gutter]");
  }

  // Draws the run; `width` is the room for the plot in CSS pixels.
  draw(record, view, width) {
    this.record = record;
    this.view = view;
    this.deleted = record.deleted;
    this.axis = this.makeAxis({ ...moments(record), deleted: this.deleted, width: Math.max(width, SMALLEST_PIXELS) - 2 * SIDE_PIXELS });
    const layout = (this.layout = new Layout(record, this.axis, view, TOP_PIXELS));
    this.rulerTop = layout.bottom + 10;
    this.rulerCount = Math.max(1, record.rulers.size);
    this.bottom = this.rulerTop + this.rulerCount * RULER_PIXELS;
    this.height = this.bottom + FOOT_PIXELS;
    this.width = this.axis.width + 2 * SIDE_PIXELS;
    this.plot.innerHTML =
      this.layer("ground", `${this.grid()}${layout.lanes.map((lane) => this.geometry(lane)).join("")}${this.breaks(layout.lanes.map(({ y }) => y))}`) +
      `<div class="clip"><div class="veil"></div></div>` +
      this.layer("words", layout.lanes.map((lane) => this.laneWords(lane)).join("") + this.foldWords()) +
      this.layer("rulers", `<g class="drawn"></g>${this.breaks(Array.from({ length: this.rulerCount }, (_, i) => this.rulerTop + i * RULER_PIXELS + 27))}`) +
      `<div class="cursor"><i></i><b></b></div>`;
    this.plot.style.width = `${this.width}px`;
    this.plot.style.height = `${this.height}px`;
    const part = (name) => this.plot.querySelector(name);
    Object.assign(this, { veil: part(".veil"), cursor: part(".cursor"), cursorText: part(".cursor b"), rulers: part(".rulers .drawn") });
    this.veil.style.height = `${this.rulerTop - 4}px`;
    this.cursor.style.height = `${this.bottom + 6}px`;
    this.rulerSvg = this.rulerTitle = null;
    this.drawGutter(layout);
    this.findChanging();
  }

  // The layers lie over one another, so that moving the cursor draws nothing but what changes.
  layer(name, content) {
    return `<svg class="${name}" width="${this.width}" height="${this.height}" aria-hidden="true"><g transform="translate(${SIDE_PIXELS})">${content}</g></svg>`;
  }

  // Times below the picture: from Run until the deletion, from the deletion after it.
  grid() {
    const origin = this.deleted ?? Infinity;
    const before = this.axis.ticks(0).filter(({ t, x }) => t < origin - 0.001 && (origin === Infinity || this.axis.x(origin) - x > 44));
    const after = origin === Infinity ? [] : this.axis.ticks(origin).filter(({ t }) => t > origin + 0.001);
    const figures = [...before, ...after].map(({ offset, x }) => this.tick(x, offset < 0.001 ? this.words.stageRun : this.figures.tick(offset)));
    if (origin !== Infinity) {
      const x = px(this.axis.x(origin));
      figures.push(`<line class="deletion" x1="${x}" x2="${x}" y1="0" y2="${this.bottom + 4}"/>`);
      figures.push(`<text class="figure origin" x="${x}" y="${this.bottom + 16}" text-anchor="middle">${escape(this.words.stageDelete)}</text>`);
    }
    return `<g class="grid">${figures.join("")}</g>`;
  }

  tick(x, text) {
    const figure = `<text class="figure" x="${px(x)}" y="${this.bottom + 16}" text-anchor="middle">${escape(text)}</text>`;
    return `<line class="tick" x1="${px(x)}" x2="${px(x)}" y1="14" y2="${this.bottom + 4}"/>${figure}`;
  }

  geometry(lane) {
    const parts = [`<line class="lane" x1="0" x2="${px(this.axis.width)}" y1="${lane.y}" y2="${lane.y}"/>`];
    for (const { bar, x, width, row } of lane.bars) {
      const y = lane.y - BAR_PIXELS / 2 + row * BAR_PIXELS + 0.5;
      const tones = `bar tone-${bar.tone}${bar.to === null ? " open" : ` end-${bar.endTone}`}`;
      parts.push(
        `<g class="${tones}" data-from="${bar.seq}" data-end="${bar.endSeq}"><rect class="body" x="${px(x)}" y="${y}" width="${px(width)}" height="${BAR_PIXELS - 1}" rx="5"/>` +
          `<title>${escape(bar.endLabel ?? bar.label)}</title></g>`,
      );
    }
    for (const { point, x } of lane.points) parts.push(this.point(point, x, lane));
    return parts.join("");
  }

  point(point, x, lane) {
    const title = `<title>${escape(point.label)}</title>`;
    const begin = `<g class="point ${point.kind} ${point.tone && `tone-${point.tone}`}" data-from="${point.seq}">`;
    const y = lane.y;
    if (point.kind === "log") return `${begin}<rect class="mark" x="${px(x - 0.75)}" y="${y + 3}" width="1.5" height="5"/>${title}</g>`;
    if (point.kind === "api") return `${begin}<path class="mark" d="M${px(x)} ${y - 13}v26"/>${title}</g>`;
    if (point.kind === "exit") return `${begin}<path class="mark" d="M${px(x - 4)} ${y - 4}l8 8m0-8l-8 8"/>${title}</g>`;
    if (point.kind === "file") return `${begin}<rect class="mark" x="${px(x - 3.5)}" y="${y - 4.5}" width="7" height="9" rx="1.5"/>${title}</g>`;
    return `${begin}<circle class="mark" cx="${px(x)}" cy="${y}" r="4"/>${title}</g>`;
  }

  laneWords(lane) {
    const parts = lane.bars.map((placed) => this.barWords(placed, lane));
    for (const [point, x] of lane.beside) {
      parts.push(`<text class="label exit tone-${point.tone}" data-from="${point.seq}" x="${px(x)}" y="${lane.y + 4}">${escape(point.label)}</text>`);
    }
    for (const label of lane.labels) {
      const { item, left, row, x, text } = label;
      const y = lane.rowY(row);
      const lead = row > 0 || left - x > 12 ? `<path class="lead" d="M${px(left + 2)} ${y + 3}L${px(x)} ${lane.y - 6}"/>` : "";
      const kind = `${item.kind} ${item.tone ? `tone-${item.tone}` : ""}`;
      parts.push(`<g class="label ${kind}" data-from="${item.seq}">${lead}<text x="${px(left)}" y="${y}">${escape(text)}</text></g>`);
    }
    for (const label of lane.arrows) parts.push(this.arrow(label, lane));
    return parts.join("");
  }

  arrow({ item, x, row, left }, lane) {
    const tip = lane.y - BAR_PIXELS / 2 - 1;
    const from = row === null ? tip - 16 : lane.rowY(row) - ROW_PIXELS + 5;
    const says = `${arrowText(item)}${item.from ? ` · ${fill(this.words.stageFrom, { sender: item.from })}` : ""}`;
    const text = row === null ? "" : `<text x="${px(left)}" y="${lane.rowY(row)}"><tspan class="name">${escape(item.name)}</tspan>${item.label ? escape(` · ${item.label}`) : ""}</text>`;
    return (
      `<g class="arrow ${item.tone}" data-from="${item.seq}"><path class="shaft" d="M${px(x)} ${from}V${tip - 6}"/>` +
      `<path class="head" d="M${px(x - 4.5)} ${tip - 8}l4.5 9 4.5-9z"/>${text}<title>${escape(says)}</title></g>`
    );
  }

  // A bar's words stand in it, or beside it where they find room; before its end it says only how it began.
  barWords({ bar, x, width, row }, lane) {
    const y = lane.y + row * BAR_PIXELS + 4;
    const next = lane.bars.reduce((least, other) => (other.x > x && other.row === row ? Math.min(least, other.x) : least), this.axis.width + 12);
    const exits = [...lane.beside.values()].reduce((least, at) => (at >= x + width ? Math.min(least, at) : least), next);
    const place = (text) => {
      if (widthOf(text) + 14 <= width) return { at: x + 7, text, outside: false };
      if (lane.order > 0 && widthOf(text) + 10 <= exits - x - width) return { at: x + width + 6, text, outside: true };
      return { at: x + 6, text: cut(text, width - 10), outside: false };
    };
    const draw = (text, state) => {
      const { at, text: shown, outside } = place(text);
      return shown ? `<text class="${state}${outside ? " outside" : ""}" x="${px(at)}" y="${y}">${escape(shown)}</text>` : "";
    };
    const same = bar.to === null || bar.endLabel === bar.label;
    const inside = same ? draw(bar.label, "always") : draw(bar.label, "begun") + draw(bar.endLabel, "ended");
    const tones = `tone-${bar.tone}${bar.to === null ? "" : ` end-${bar.endTone}`}`;
    return inside && `<g class="bar-words ${tones}" data-from="${bar.seq}" data-end="${bar.endSeq}">${inside}</g>`;
  }

  // Where quiet time is left out, every lane is visibly broken.
  breaks(ys) {
    const broken = (x, y) => `<path class="gap" d="M${px(x - 7)} ${y + 15}l6-30h9l-6 30z"/><path class="edge" d="M${px(x - 7)} ${y + 15}l6-30m9 0l-6 30"/>`;
    return this.axis.folds.flatMap((fold) => ys.map((y) => broken(fold.x + fold.width / 2, y))).join("");
  }

  foldWords() {
    const words = this.axis.folds.map((fold) => {
      const text = fill(this.words.stageFolded, { time: this.figures.seconds(fold.to - fold.from) });
      const x = Math.min(fold.x + fold.width / 2, this.axis.width - widthOf(text) / 2 + 10);
      return `<text class="figure" x="${px(x)}" y="10" text-anchor="middle">${escape(text)}</text>`;
    });
    return words.join("");
  }

  drawGutter(layout) {
    const room = this.gutter.parentElement.clientWidth;
    setSize(this.gutter, room, this.height);
    const titles = layout.lanes.map((lane) => `<text y="${lane.y + 4}">${escape(cut(lane.title, room - GUTTER_AIR_PIXELS - 4, TITLE_PIXELS))}<title>${escape(lane.title)}</title></text>`);
    this.gutter.innerHTML = `<g transform="translate(${GUTTER_AIR_PIXELS})">${titles.join("")}<g class="ruler-titles"></g></g>`;
    this.rulerTitles = this.gutter.querySelector(".ruler-titles");
  }

  // Everything whose look depends on the step shown, by the frames at which it changes.
  findChanging() {
    const changes = [];
    for (const element of this.plot.querySelectorAll("[data-from]")) {
      changes.push({ seq: Number(element.dataset.from), element, name: "later", before: true });
      const end = Number(element.dataset.end ?? Infinity);
      if (Number.isFinite(end)) changes.push({ seq: end, element, name: "closed", before: false });
    }
    this.changes = changes.sort((a, b) => a.seq - b.seq);
    for (const { element, name, before } of changes) if (before) element.classList.add(name);
    this.passed = 0;
    this.marksOf = null;
  }

  // Shows the run as of a frame: `t` is the moment of the cursor, `until` that of the veil and the ruler.
  show({ seq, t, step, label }) {
    const changes = this.changes;
    while (this.passed < changes.length && changes[this.passed].seq <= seq) turn(changes[this.passed++], true);
    while (this.passed > 0 && changes[this.passed - 1].seq > seq) turn(changes[--this.passed], false);
    const x = this.axis.x(t);
    this.veil.style.transform = `translateX(${px(x + SIDE_PIXELS)}px)`;
    this.cursor.style.transform = `translateX(${px(x + SIDE_PIXELS)}px)`;
    const half = widthOf(label) / 2;
    this.cursorText.style.left = `${px(Math.min(Math.max(0, half - x - 8), this.axis.width - x - half + 8))}px`;
    if (this.cursorText.textContent !== label) this.cursorText.textContent = label;
    this.showRulers(seq, t);
    this.link(step?.seq ?? null, "current");
  }

  showRulers(seq, t) {
    const drawn = drawRulers({ record: this.record, seq, t, axis: this.axis, words: this.words, figures: this.figures, view: this.view, top: this.rulerTop });
    if (drawn.svg !== this.rulerSvg) this.rulers.innerHTML = this.rulerSvg = drawn.svg;
    if (drawn.titles !== this.rulerTitle) this.rulerTitles.innerHTML = this.rulerTitle = drawn.titles;
    this.rulerWords = drawn.words;
    this.left = drawn.left;
    this.counting = drawn.counting;
  }

  // Marks the marks of one step with a class; null unmarks.
  link(seq, name) {
    this.linked ??= new Map();
    if (this.linked.get(name)?.seq === seq && this.linked.get(name).svg === this.changes) return;
    for (const element of this.linked.get(name)?.elements ?? []) element.classList.remove(name);
    const elements = seq === null ? [] : (this.elementsOf().get(seq) ?? []);
    for (const element of elements) element.classList.add(name);
    this.linked.set(name, { seq, elements, svg: this.changes });
  }

  elementsOf() {
    if (this.marksOf) return this.marksOf;
    this.marksOf = new Map();
    const add = (seq, element) => {
      const step = this.record.stepOf(seq)?.seq;
      if (!this.marksOf.has(step)) this.marksOf.set(step, []);
      this.marksOf.get(step).push(element);
    };
    for (const element of this.plot.querySelectorAll("[data-from]")) {
      add(Number(element.dataset.from), element);
      const end = Number(element.dataset.end ?? Infinity);
      if (Number.isFinite(end)) add(end, element);
    }
    return this.marksOf;
  }

  // The frame under the pointer: that of a mark, or null between marks. A bar speaks of its end on its right half.
  seqUnder(event) {
    const element = event.target.closest?.("[data-from]");
    if (!element) return null;
    const end = Number(element.dataset.end ?? Infinity);
    if (!Number.isFinite(end)) return Number(element.dataset.from);
    const box = element.getBoundingClientRect();
    return event.clientX > box.left + box.width / 2 ? end : Number(element.dataset.from);
  }

  timeAt(clientX) {
    return this.axis.t(Math.min(Math.max(0, clientX - this.plot.getBoundingClientRect().left - SIDE_PIXELS), this.axis.width));
  }

  xOf(t) {
    return this.axis.x(t) + SIDE_PIXELS;
  }
}

function turn({ element, name, before }, passed) {
  element.classList.toggle(name, before ? !passed : passed);
}

// All moments at which something happens, and the stretches that must stay to scale.
function moments(record) {
  const times = new Set(record.frames.map(({ t }) => t));
  const graces = [];
  const unused = [];
  const idle = [];
  for (const versions of record.rulers.values()) {
    for (const [index, { value }] of versions.entries()) {
      if (versions[index + 1]?.value.deleted === value.deleted) continue; // the last version of each stop
      const end = value.exited ?? value.killed ?? value.kill_due ?? value.deleted;
      for (const t of [value.deleted, value.signal, end, value.killed, value.kill_due]) if (t != null) times.add(t);
      graces.push([value.deleted, end]);
      for (const [from, to] of value.holds ?? []) idle.push([from, to ?? Infinity]);
      if (value.exited != null && value.kill_due > value.exited && value.killed == null) {
        unused.push({ from: value.exited, to: value.kill_due, used: value.exited - value.deleted });
      }
    }
  }
  return { times: [...times].sort((a, b) => a - b), graces, unused, idle };
}

function setSize(svg, width, height) {
  svg.setAttribute("width", width);
  svg.setAttribute("height", height);
  svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
}

const px = (number) => Math.round(number * 10) / 10;
