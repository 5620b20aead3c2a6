// Ordering the cards of a prediction with the arrow buttons or by dragging, and asking for the comparison when a run begins or ends.
//
// The order of the list is the form's: each card carries its field. Without this module the buttons are forms of their own.

const DRAG_SLACK_PIXELS = 4; // a click that trembles is no drag
const words = () => document.getElementById("words").dataset;

export function startPredictions() {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-cards] button[name=move]");
    if (!button) return;
    event.preventDefault();
    move(button.closest("li"), button.value.endsWith(":up") ? -1 : 1);
    button.focus();
  });
  document.addEventListener("pointerdown", (event) => {
    const grip = event.target.closest("[data-cards] [data-grip]");
    if (grip && event.button === 0) drag(grip.closest("li"), event);
  });
  for (const place of document.querySelectorAll(".predict-place")) followRuns(place);
}

function move(card, by) {
  const other = by < 0 ? card.previousElementSibling : card.nextElementSibling;
  if (!other) return;
  if (by < 0) other.before(card);
  else other.after(card);
  say(card);
}

function say(card) {
  const cards = [...card.parentElement.children];
  const line = cards.findIndex((one) => one.classList.contains("divider"));
  const at = cards.indexOf(card);
  const text = at > line ? words().cardNever : words().cardPlace.replace("{n}", at + 1).replace("{of}", line);
  const moved = card.classList.contains("divider") ? words().cardLine.replace("{of}", line) : text;
  document.getElementById("announcer").textContent = moved.replace("{card}", card.dataset.name);
}

// The card follows the pointer by changing places with its neighbours; the list itself never jumps.
function drag(card, down) {
  const list = card.parentElement;
  const from = [...list.children].indexOf(card);
  let moving = false;
  const onMove = ({ clientY }) => {
    if (!moving && Math.abs(clientY - down.clientY) < DRAG_SLACK_PIXELS) return;
    moving = true;
    card.classList.add("dragged");
    const before = card.previousElementSibling;
    const after = card.nextElementSibling;
    if (before && clientY < middle(before)) before.before(card);
    else if (after && clientY > middle(after)) after.after(card);
  };
  const end = () => {
    card.classList.remove("dragged");
    for (const [type, listener] of listeners) removeEventListener(type, listener);
    if ([...list.children].indexOf(card) !== from) say(card);
  };
  const listeners = [["pointermove", onMove], ["pointerup", end], ["pointercancel", end]];
  for (const [type, listener] of listeners) addEventListener(type, listener);
  down.preventDefault();
}

function middle(element) {
  const { top, height } = element.getBoundingClientRect();
  return top + height / 2;
}

// An order that is being changed is left alone.
function followRuns(place) {
  const card = place.closest("[data-card]");
  let live = card.hasAttribute("data-live");
  card.addEventListener("stage:taken", ({ detail }) => {
    if (detail.live === live) return;
    live = detail.live;
    if (!place.querySelector("details[open] [data-cards]")) window.htmx.trigger(place, "run-changed");
  });
}
