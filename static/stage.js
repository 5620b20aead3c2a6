// The stage: a run's steps, lifelines, grace ruler and panels, drawn from frames and stepped through.
//
// `mountStage(element, {words, language}) → stage`; `stage.take(message)` for every message of frames, from a stream or a file;
// `stage.go(seq)` shows the run as of a frame, `stage.showPlace({seq, view})` another stage's place, which that one tells by
// `stage:moved`; `makeAxis` may give the lifelines an axis that they share with another run's. The element may hold all of a card's
// places or only some:
//
//   [data-lifelines] with svg[data-gutter], [data-plot] and input[data-slider]; [data-ruler-words]; [data-scrub] with buttons
//   [data-go=first|back|forward|last], [data-play], [data-follow] and [data-position]; ol.steps; [data-hidden-count];
//   [data-view-choice]; [data-part=…], [data-text=…], [data-list=…], [data-empty-for=…].
//
// Nothing here knows what a pod is: what is said stands in the frames, `words` hold the picture's own.

import { Panels } from "./stage/panels.js";
import { Picture } from "./stage/picture.js";
import { Player, advanced } from "./stage/player.js";
import { Record, lastAtMost } from "./stage/record.js";
import { Steps } from "./stage/steps.js";
import { Figures, fill } from "./stage/text.js";

const PAGE_STEPS = 10;
const calm = matchMedia("(prefers-reduced-motion: reduce)");

export { Axis } from "./stage/axis.js";

export function mountStage(element, { words, language, announce = () => {}, makeAxis }) {
  return new Stage(element, { words, language, announce, makeAxis });
}

class Stage {
  constructor(element, { words, language, announce, makeAxis }) {
    Object.assign(this, { element, words, announce, figures: new Figures(language) });
    this.record = new Record();
    this.view = element.dataset.view ?? "truth";
    this.shown = []; // the steps that the view shows
    this.at = -1; // which of them is the current one
    this.moment = null; // a time between steps, while dragging and playing
    this.following = true;
    this.panels = new Panels(element);
    const lifelines = element.querySelector("[data-lifelines]");
    const list = element.querySelector("ol.steps");
    this.picture = lifelines && new Picture(lifelines, words, this.figures, makeAxis);
    this.steps = list && new Steps(list, { words, go: (where) => this.chosen(where), hover: (step) => this.picture?.link(step?.seq ?? null, "linked") });
    this.player = new Player({ frame: (seconds) => this.playOn(seconds), tick: () => this.request() });
    this.player.watch(element);
    if (lifelines) this.startPicture(lifelines);
    this.startControls(element.querySelector("[data-scrub]"));
    this.startViews();
    element.addEventListener("tabchange", () => this.request());
    element.addEventListener("click", (event) => this.goToNamed(event));
  }

  // --- what arrives ---------------------------------------------------------------------------------------------------

  take(message) {
    const run = this.record.run;
    const first = run !== message.run || this.record.frames.length === 0;
    const fresh = this.record.take(message);
    if (fresh === null) return;
    if (run !== message.run) {
      this.following = true;
      this.panels.reset();
      this.moment = null;
      this.player.pause();
    } else if (message.reset) this.panels.reset();
    this.nowBase = (message.now ?? this.record.end) - performance.now() / 1000;
    this.element.toggleAttribute("data-live", this.record.live);
    this.steps?.take(this.record.steps);
    this.chooseShown();
    if (this.following) this.at = this.shown.length - 1;
    this.redraw();
    if (!first && !message.reset) this.tellNews(message, fresh);
    this.element.dispatchEvent(new CustomEvent("stage:taken", { bubbles: true, detail: { run: this.record.run, live: this.record.live } }));
  }

  tellNews(message, fresh) {
    this.panels.announceNews(new Set(message.frames.flatMap(({ rows }) => (rows ?? []).map(({ list }) => list))));
    if (!this.following) return;
    const said = fresh.filter(({ say }) => say).at(-1);
    if (said) this.announce(said.say);
  }

  chooseShown() {
    const current = this.shown[this.at];
    this.shown = this.view === "cluster" ? this.record.steps.filter(({ family }) => family !== "node") : this.record.steps;
    this.at = current ? Math.max(0, lastAtMost(this.shown, current.seq)) : this.shown.length - 1;
    this.sayHidden();
  }

  sayHidden() {
    const line = this.element.querySelector("[data-hidden-count]");
    if (!line) return;
    const hidden = this.record.steps.length - this.shown.length;
    line.hidden = hidden === 0;
    line.textContent = hidden === 1 ? this.words.hiddenOne : this.words.hiddenMany.replace("%", hidden);
  }

  // --- where the learner is ---------------------------------------------------------------------------------------------

  go(seq) {
    this.goTo(lastAtMost(this.shown, seq));
  }

  goTo(at, { focus = false, say = false } = {}) {
    if (this.shown.length === 0) return;
    this.player.pause();
    this.moment = null;
    this.at = Math.min(this.shown.length - 1, Math.max(0, at));
    this.following = this.at === this.shown.length - 1;
    this.show();
    const { index } = this.shown[this.at];
    if (focus) this.steps?.focus(index);
    if (say) this.announce(this.steps?.sentence(index) ?? "");
  }

  // The place of another stage: the newest step always when it has no seq.
  showPlace({ seq, view }) {
    if (view !== this.view) this.setView(view);
    if (seq === null) this.goTo(Infinity);
    else this.go(seq);
  }

  // Says where it is, once for each place: seq is null while the newest step is shown as it comes.
  tellPlace(step) {
    const seq = this.following ? null : (step?.seq ?? null);
    const place = { run: this.record.run, seq, number: this.at + 1, live: this.record.live, view: this.view };
    const told = JSON.stringify(place);
    if (!place.run || told === this.told) return;
    this.told = told;
    this.element.dispatchEvent(new CustomEvent("stage:moved", { bubbles: true, detail: place }));
  }

  // A link to a step, from wherever it stands in the card.
  goToNamed(event) {
    const link = event.target.closest("[data-go-seq]");
    if (!link || this.shown.length === 0) return;
    event.preventDefault();
    const seq = Number(link.dataset.goSeq);
    if (this.shown[lastAtMost(this.shown, seq)]?.seq !== seq) this.setView("truth"); // kubectl's view does not have the step
    this.goTo(lastAtMost(this.shown, seq), { focus: true });
    document.activeElement.scrollIntoView({ block: "nearest" }); // the link may be a screen away from the list
  }

  chosen({ to, by, focus }) {
    if (to !== undefined) this.goTo(this.shown.findIndex(({ index }) => index === to));
    else this.goTo(this.at + by, { focus });
  }

  goToMoment(t) {
    this.moment = Math.min(Math.max(t, this.shown[0]?.t ?? 0), this.record.end);
    this.at = Math.max(0, lastAtMost(this.shown, this.record.seqAt(this.moment)));
    this.following = this.at === this.shown.length - 1 && this.moment >= this.record.end;
    if (this.following) this.moment = null;
    this.request();
  }

  // --- playing ------------------------------------------------------------------------------------------------------------

  togglePlay() {
    if (this.player.playing) this.player.pause();
    else if (this.shown.length) {
      const atEnd = this.at === this.shown.length - 1 && this.moment === null;
      this.moment = atEnd ? this.shown[0].t : (this.moment ?? this.shown[this.at].t);
      this.following = false;
      this.player.play();
    }
    this.request();
  }

  playOn(seconds) {
    const before = this.at;
    this.goToMoment(advanced(this.picture?.axis ?? { foldAt: () => null }, this.moment, seconds));
    if (this.moment === null) this.player.pause();
    if (this.at === before) return;
    const said = this.shown.slice(before + 1, this.at + 1).filter(({ say }) => say);
    if (said.length) this.announce(said.at(-1).say);
  }

  // --- drawing --------------------------------------------------------------------------------------------------------------

  redraw() {
    this.stale = true;
    this.request();
  }

  request() {
    this.requested ??= requestAnimationFrame(() => {
      this.requested = undefined;
      this.show();
    });
  }

  show() {
    if (this.stale) this.drawPicture();
    const step = this.shown[this.at];
    const last = this.at === this.shown.length - 1;
    const now = this.following && this.record.live && this.picture?.counting ? performance.now() / 1000 + this.nowBase : null;
    const seq = this.moment !== null ? this.record.seqAt(this.moment) : last ? Infinity : (step?.seq ?? 0);
    const t = this.moment ?? now ?? (last ? this.record.end : (step?.t ?? 0));
    this.steps?.show(step?.index ?? -1, { follow: this.following, dragging: this.moment !== null });
    this.panels.show(this.record, seq);
    if (this.picture && step) this.showPicture(seq, calm.matches && this.player.playing ? step.t : t, step);
    this.showControls(step);
    this.player.count(Boolean(this.following && this.record.live && this.picture?.counting));
    this.seq = seq;
    this.tellPlace(step);
  }

  drawPicture() {
    if (!this.picture || this.record.frames.length === 0) return;
    this.stale = false;
    const room = this.scroller.clientWidth - this.picture.gutter.parentElement.clientWidth;
    if (room <= 0) return void (this.stale = true); // not on the page yet; the resize observer comes back
    this.picture.draw(this.record, this.view, room);
    this.slider.max = String(this.picture.axis.width);
    this.slider.parentElement.style.setProperty("--plot", `${this.picture.width}px`);
  }

  showPicture(seq, t, step) {
    if (this.stale) return;
    const { picture } = this;
    picture.show({ seq, t, step, label: `${fill(this.words.stageStep, { n: this.at + 1 })} · ${this.offset(t)}` });
    this.slider.value = String(picture.axis.x(t));
    this.slider.setAttribute("aria-valuetext", this.valueText(step, t));
    const said = this.element.querySelector("[data-ruler-words]");
    if (said && said.textContent !== picture.rulerWords) said.textContent = picture.rulerWords;
    this.keepInSight(picture.xOf(t));
    for (const part of this.panels.parts) for (const left of part.querySelectorAll("[data-grace-left]")) this.sayLeft(left);
  }

  sayLeft(element) {
    const { left, counting } = this.picture;
    const text = left === null || !counting ? "" : left > 0 ? fill(this.words.stageLeft, { n: this.figures.seconds(left) }) : this.words.stageOverdue;
    if (element.textContent !== text) element.textContent = text;
  }

  offset(t) {
    const deleted = this.picture?.deleted ?? null;
    return deleted !== null && t >= deleted - 0.005 ? fill(this.words.stageSinceDelete, { offset: this.figures.offset(Math.max(0, t - deleted)) }) : this.figures.offset(t);
  }

  valueText(step, t) {
    const place = fill(this.words.stageStepOf, { n: this.at + 1, of: this.shown.length });
    return `${place}, ${this.offset(t)}: ${this.steps?.sentence(step.index) ?? ""}`;
  }

  keepInSight(x) {
    const { scroller } = this;
    const gutter = this.picture.gutter.parentElement.clientWidth;
    const room = scroller.clientWidth - gutter;
    if (this.picture.width <= room) return;
    const [left, right] = [scroller.scrollLeft, scroller.scrollLeft + room];
    if (x < left + 24 || x > right - 24) scroller.scrollLeft = x - room / 2;
  }

  // --- controls -----------------------------------------------------------------------------------------------------------------

  startPicture(lifelines) {
    this.scroller = lifelines;
    this.slider = lifelines.querySelector("[data-slider]");
    new ResizeObserver(() => this.redraw()).observe(lifelines);
    this.slider.addEventListener("input", () => {
      this.player.pause();
      this.goToMoment(this.picture.axis.t(Number(this.slider.value)));
    });
    lifelines.addEventListener("keydown", (event) => this.key(event));
    const { plot } = this.picture;
    const point = (event) => {
      const seq = this.record.steps.length ? this.picture.seqUnder(event) : null;
      const step = seq === null ? null : this.record.stepOf(seq);
      this.picture.link(step?.seq ?? null, "linked");
      this.steps?.link(step, step !== null);
      plot.classList.toggle("pointing", step !== null);
      return step;
    };
    plot.addEventListener("pointermove", (event) => {
      if (this.dragging) this.goToMoment(this.picture.timeAt(event.clientX));
      else point(event);
    });
    plot.addEventListener("pointerleave", () => {
      this.picture.link(null, "linked");
      this.steps?.link(null, false);
    });
    plot.addEventListener("pointerdown", (event) => {
      if (event.button !== 0 || this.shown.length === 0) return;
      const step = point(event);
      if (step) return void this.go(step.seq);
      if (event.pointerType !== "mouse") return; // a finger scrolls the picture
      this.dragging = true;
      plot.setPointerCapture(event.pointerId);
      this.player.pause();
      this.goToMoment(this.picture.timeAt(event.clientX));
      event.preventDefault();
    });
    for (const end of ["pointerup", "pointercancel"]) plot.addEventListener(end, () => (this.dragging = false));
  }

  startControls(scrub) {
    this.scrub = scrub;
    if (!scrub) return;
    const places = { first: () => 0, back: () => this.at - 1, forward: () => this.at + 1, last: () => Infinity };
    for (const button of scrub.querySelectorAll("[data-go]")) {
      button.addEventListener("click", () => this.goTo(places[button.dataset.go](), { say: true }));
    }
    scrub.querySelector("[data-play]")?.addEventListener("click", () => this.togglePlay());
    scrub.querySelector("[data-follow]")?.addEventListener("click", () => this.goTo(Infinity));
    scrub.addEventListener("keydown", (event) => this.key(event));
  }

  // Arrows, Home, End and the page keys step; Space plays and pauses.
  key(event) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const by = {
      ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: PAGE_STEPS, PageDown: -PAGE_STEPS, Home: -Infinity, End: Infinity,
    }[event.key];
    if (by !== undefined) this.goTo(this.at + by, { say: event.target !== this.slider });
    else if (event.key === " " && event.target.localName !== "button") this.togglePlay();
    else return;
    event.preventDefault();
  }

  showControls(step) {
    const { scrub } = this;
    if (!scrub) return;
    const first = this.at <= 0 && this.moment === null;
    const last = this.at >= this.shown.length - 1 && this.moment === null;
    for (const button of scrub.querySelectorAll("[data-go]")) {
      setOff(button, ["first", "back"].includes(button.dataset.go) ? first : last);
    }
    const play = scrub.querySelector("[data-play]");
    if (play) {
      const name = this.player.playing ? this.words.stagePause : this.words.stagePlay;
      play.setAttribute("aria-label", name);
      play.title = name;
      play.toggleAttribute("data-playing", this.player.playing);
    }
    const follow = scrub.querySelector("[data-follow]");
    if (follow) follow.hidden = !this.record.live || this.following;
    const position = scrub.querySelector("[data-position]");
    if (position) position.textContent = step ? `${this.at + 1} / ${this.shown.length}` : "";
  }

  startViews() {
    for (const choice of this.element.querySelectorAll("[data-view-choice]")) {
      choice.addEventListener("click", () => this.setView(choice.dataset.viewChoice));
    }
  }

  setView(view) {
    this.view = view;
    this.element.dataset.view = view;
    for (const choice of this.element.querySelectorAll("[data-view-choice]")) {
      choice.setAttribute("aria-pressed", String(choice.dataset.viewChoice === view));
    }
    const followed = this.following;
    this.chooseShown();
    if (followed) this.at = this.shown.length - 1;
    this.redraw();
  }
}

// A button at the end of its way stays focusable.
function setOff(button, off) {
  button.setAttribute("aria-disabled", String(off));
}
