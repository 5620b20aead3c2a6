// What a card does by itself: the delete menu, the tabs, staying in sight. All of it is the learner's state: the stream never
// touches it, and it is kept over a change of language.
import { tabMemory } from "./memory.js";

export function startCards() {
  for (const card of document.querySelectorAll("[data-card]")) startCard(card);
}

export function startCard(card) {
  startMenu(card);
  startTabs(card);
  startView(card);
  startStatus(card);
  keepInSight(card);
}

// --- the card stays in sight while the prose beside it is read -------------------------------------------------------

const HEADER_PIXELS = 72; // the site's header and a little air; below it a class has its banner
const AIR_PIXELS = 16;

// A sticky card that is taller than the window sticks by its end when one scrolls down and by its head when one scrolls up. What
// grows or shrinks in it while it is used never moves it.
function keepInSight(card) {
  const highest = () => HEADER_PIXELS + (document.getElementById("class-banner")?.offsetHeight ?? 0);
  let top = HEADER_PIXELS;
  let last = scrollY;
  const place = () => {
    const lowest = Math.min(highest(), innerHeight - card.offsetHeight - AIR_PIXELS);
    top = Math.min(highest(), Math.max(lowest, top - (scrollY - last)));
    last = scrollY;
    card.style.setProperty("--card-top", `${Math.round(top)}px`);
  };
  addEventListener("scroll", place, { passive: true });
  addEventListener("resize", place);
  place();
}

// --- the delete menu: the menu button pattern of the ARIA practices -------------------------------------------------

function startMenu(card) {
  const menu = card.querySelector("[data-menu]");
  if (!menu) return; // a recording alone
  const button = menu.querySelector("[aria-haspopup]");
  const form = menu.querySelector("[role=menu]");
  const asked = menu.querySelector("[data-asked]");
  const seconds = asked.querySelector("input");
  const items = () => [...form.querySelectorAll("[role=menuitem]")];

  const open = (focused) => {
    menu.dataset.open = "";
    button.setAttribute("aria-expanded", "true");
    asked.removeAttribute("data-shown");
    (focused ?? items()[0]).focus();
  };
  const close = (returnFocus = true) => {
    delete menu.dataset.open;
    button.setAttribute("aria-expanded", "false");
    if (returnFocus) button.focus();
  };
  const step = (by) => {
    const all = items();
    all[(all.indexOf(document.activeElement) + by + all.length) % all.length].focus();
  };

  button.addEventListener("click", () => ("open" in menu.dataset ? close() : open()));
  button.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown") open();
    else if (event.key === "ArrowUp") open(items().at(-1));
    else return;
    event.preventDefault();
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    else if (event.target === seconds) return;
    else if (event.key === "ArrowDown") step(1);
    else if (event.key === "ArrowUp") step(-1);
    else if (event.key === "Home") items()[0].focus();
    else if (event.key === "End") items().at(-1).focus();
    else return;
    event.preventDefault();
  });
  form.querySelector("[data-ask]").addEventListener("click", (event) => {
    event.preventDefault(); // the seconds come first
    asked.dataset.shown = "";
    seconds.focus();
    seconds.select();
  });
  seconds.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // the form's first button would be pressed, and that is Graceful
    asked.querySelector("[data-confirm]").click();
  });
  form.addEventListener("htmx:beforeRequest", () => close()); // not on submit: htmx forgets the button when it loses focus
  menu.addEventListener("focusout", (event) => {
    if (event.relatedTarget && !menu.contains(event.relatedTarget)) close(false);
  });
  document.addEventListener("pointerdown", (event) => {
    if ("open" in menu.dataset && !menu.contains(event.target)) close(false);
  });
}

// --- tabs ------------------------------------------------------------------------------------------------------------

function startTabs(card) {
  const tabs = [...card.querySelectorAll("[role=tab]")];
  const panelOf = (tab) => document.getElementById(tab.getAttribute("aria-controls"));
  const key = `tab:${card.id}`;

  const select = (tab, focused = true) => {
    for (const other of tabs) {
      const selected = other === tab;
      other.setAttribute("aria-selected", String(selected));
      other.tabIndex = selected ? 0 : -1;
      panelOf(other).classList.toggle("folded", !selected);
    }
    delete tab.dataset.news;
    card.dispatchEvent(new Event("tabchange", { bubbles: true }));
    tabMemory.set(key, tab.id);
    if (focused) tab.focus();
  };

  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("tab:open", () => select(tab, false));
    tab.addEventListener("keydown", (event) => {
      const at = tabs.indexOf(tab);
      const next = {
        ArrowRight: tabs[(at + 1) % tabs.length],
        ArrowLeft: tabs[(at + tabs.length - 1) % tabs.length],
        Home: tabs[0],
        End: tabs.at(-1),
      }[event.key];
      if (!next) return;
      event.preventDefault();
      select(next);
    });
  }
  const remembered = tabs.find((tab) => tab.id === tabMemory.get(key));
  if (remembered) select(remembered, false);
}

// --- the view, and what follows from the status -----------------------------------------------------------------------

// The stage switches the view; the card remembers it.
function startView(card) {
  const key = `view:${card.id}`;
  const choices = [...card.querySelectorAll("[data-view-choice]")];
  for (const choice of choices) choice.addEventListener("click", () => tabMemory.set(key, choice.dataset.viewChoice));
  if (tabMemory.get(key) !== "cluster") return;
  card.dataset.view = "cluster";
  for (const choice of choices) choice.setAttribute("aria-pressed", String(choice.dataset.viewChoice === "cluster"));
}

// Only a live run can be deleted, whatever step of it is shown.
function startStatus(card) {
  const button = card.querySelector("[data-delete]");
  if (button) card.addEventListener("stage:taken", ({ detail }) => (button.disabled = !detail.live));
}
