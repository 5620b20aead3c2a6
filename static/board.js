// The instructor's board: takes what has changed from the page's stream and puts it where it belongs.
//
// A cell is replaced only when it differs, and what had the focus in it gets it back. Rows come, go and change places only while
// nobody points at the table or has the focus in it: nothing moves away under a hand.
const SENTENCE_MILLISECONDS = 15_000; // so often at most the board is read out
const words = () => document.getElementById("words").dataset;

export function startBoard() {
  showLocalTimes(document);
  for (const popup of document.querySelectorAll("details.popup")) startPopup(popup);
  document.addEventListener("pointerdown", ({ target }) => closePopups((popup) => !popup.contains(target)));
  document.addEventListener("keydown", closeByEscape);
  const board = document.querySelector("[data-board]");
  if (board) new Board(board);
}

class Board {
  constructor(board) {
    this.board = board;
    this.rows = board.querySelector("[data-board-rows]");
    this.order = [...this.rows.children].map((row) => row.dataset.learner);
    this.fresh = new Map(); // learner → row that is not in the table yet
    this.sources = new WeakMap(); // cell → what came for it
    for (const row of this.rows.children) this.note(row);
    this.readAt = performance.now();
    document.addEventListener("board:told", ({ detail }) => this.take(detail));
    for (const event of ["pointerleave", "focusout"]) this.rows.addEventListener(event, () => setTimeout(() => this.arrange()));
    board.addEventListener("htmx:afterRequest", ({ target, detail }) => this.answered(target, detail));
  }

  take({ rows = {}, order, sentence, ...parts }) {
    for (const [name, html] of Object.entries(parts)) this.takePart(name, html);
    for (const [learner, html] of Object.entries(rows)) this.takeRow(learner, html);
    if (order) this.order = order;
    if (sentence !== undefined) this.say(sentence);
    this.arrange();
  }

  takePart(name, html) {
    for (const place of this.board.querySelectorAll(`[data-board-part="${name}"]`)) replace(place, html);
  }

  takeRow(learner, html) {
    const made = document.createElement("tbody");
    made.innerHTML = html;
    const row = made.firstElementChild;
    showLocalTimes(row);
    const known = this.rows.querySelector(`[data-learner="${learner}"]`);
    if (!known) {
      this.note(row);
      return void this.fresh.set(learner, row);
    }
    known.className = row.className;
    for (const cell of row.children) {
      const place = known.querySelector(`[data-cell="${cell.dataset.cell}"]`);
      if (this.sources.get(place) === cell.innerHTML) continue; // what a hand has changed in it, a popup or a name, stays
      this.sources.set(place, cell.innerHTML);
      replace(place, cell.innerHTML);
    }
  }

  note(row) {
    for (const cell of row.children) this.sources.set(cell, cell.innerHTML);
  }

  arrange() {
    if (this.rows.matches(":hover, :focus-within")) {
      for (const row of this.rows.children) row.classList.toggle("is-leaving", !this.order.includes(row.dataset.learner));
      return;
    }
    const rows = new Map([...this.rows.children].map((row) => [row.dataset.learner, row]));
    const wanted = this.order.map((learner) => rows.get(learner) ?? this.fresh.get(learner)).filter(Boolean);
    for (const row of this.rows.children) row.classList.remove("is-leaving");
    const isAsWanted = wanted.length === this.rows.children.length && wanted.every((row, at) => row === this.rows.children[at]);
    for (const learner of this.order) if (this.fresh.has(learner)) adopt(this.fresh.get(learner));
    this.fresh.clear();
    if (!isAsWanted) this.rows.replaceChildren(...wanted);
  }

  // It is shown at once and read out now and then.
  say(sentence) {
    this.board.querySelector("[data-board-sentence]").textContent = sentence;
    clearTimeout(this.reading);
    this.reading = setTimeout(() => {
      this.readAt = performance.now();
      this.board.querySelector("[data-board-said]").textContent = sentence;
    }, Math.max(0, this.readAt + SENTENCE_MILLISECONDS - performance.now()));
  }

  answered(form, { successful }) {
    if (!successful) this.board.querySelector("[data-board-part=notice]").textContent = words().failed;
    if (successful && "leaves" in form.dataset) this.board.querySelector("#board-title").focus();
    for (const opened of ["details.confirm", "details.popup"]) {
      const details = form.closest?.(opened);
      if (details) close(details);
    }
  }
}

function replace(place, html) {
  const had = place.contains(document.activeElement) ? document.activeElement.dataset.keep : undefined;
  place.innerHTML = html;
  adopt(place);
  if (had) place.querySelector(`[data-keep="${had}"]`)?.focus();
}

// Makes what came as text work as what came with the page does.
function adopt(element) {
  window.htmx.process(element);
  showLocalTimes(element);
  for (const popup of element.querySelectorAll("details.popup")) startPopup(popup);
}

// --- popups ----------------------------------------------------------------------------------------------------------------------

function startPopup(popup) {
  popup.addEventListener("toggle", () => {
    if (popup.open) closePopups((other) => other !== popup);
  });
}

function closePopups(which) {
  for (const popup of document.querySelectorAll("details.popup[open]")) if (which(popup)) popup.open = false;
}

function closeByEscape({ key, target }) {
  const popup = key === "Escape" && target.closest?.("details.popup[open]");
  if (popup) close(popup);
}

function close(details) {
  const hadFocus = details.contains(document.activeElement);
  details.open = false;
  if (hadFocus) details.querySelector("summary").focus();
}

// --- times -----------------------------------------------------------------------------------------------------------------------

function showLocalTimes(place) {
  const language = document.documentElement.lang;
  const time = { hour: "2-digit", minute: "2-digit" };
  for (const element of place.querySelectorAll("time[data-local]")) {
    const style = element.dataset.local === "time" ? time : { dateStyle: "medium", timeStyle: "short" };
    element.textContent = new Date(element.dateTime).toLocaleString(language, style);
  }
}
