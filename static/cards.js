// What a card does by itself: the delete menu, the tabs, the view switch, the countdown, following the steps, reading key steps aloud.
// All of it is the learner's state: the stream never touches it, and it is kept over a change of language.

const words = () => document.getElementById("words").dataset;
const counted = (n, one, many) => (n === 1 ? one : many.replace("%", n));
const ANNOUNCEMENT_DELAY_MILLISECONDS = 400; // several steps come at once; the last one is read
const FOLLOW_SLACK_PIXELS = 48; // a list scrolled this near to its end follows what is appended

export function startCards() {
  for (const card of document.querySelectorAll("[data-card]")) {
    startMenu(card);
    startTabs(card);
    startView(card);
    startSteps(card);
    startStatus(card);
    keepInSight(card);
  }
  setInterval(countDown, 200);
  document.addEventListener("htmx:sendError", ({ target }) => {
    const reply = target.closest("[data-card]")?.querySelector(".reply");
    if (reply) reply.textContent = words().failed;
  });
}

// --- the card stays in sight while the prose beside it is read -------------------------------------------------------

const HEADER_PIXELS = 72; // the site's header and a little air
const AIR_PIXELS = 16;

// A sticky card that is taller than the window would hide its own end; it then sticks by its end instead of its beginning.
function keepInSight(card) {
  const place = () => {
    const top = Math.min(HEADER_PIXELS, innerHeight - card.offsetHeight - AIR_PIXELS);
    card.style.setProperty("--card-top", `${top}px`);
  };
  new ResizeObserver(place).observe(card);
  addEventListener("resize", place);
}

// --- the delete menu: the menu button pattern of the ARIA practices -------------------------------------------------

function startMenu(card) {
  const menu = card.querySelector("[data-menu]");
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
    sessionStorage.setItem(key, tab.id);
    if (focused) tab.focus();
  };

  for (const tab of tabs) {
    tab.addEventListener("click", () => select(tab));
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
    new MutationObserver(() => {
      if (tab.getAttribute("aria-selected") !== "true" && !panelOf(tab).querySelector("p.empty")) tab.dataset.news = "";
    }).observe(panelOf(tab), { childList: true, subtree: true, characterData: true });
  }
  const remembered = tabs.find((tab) => tab.id === sessionStorage.getItem(key));
  if (remembered) select(remembered, false);
}

// --- truth, or what kubectl shows -----------------------------------------------------------------------------------

function startView(card) {
  const choices = [...card.querySelectorAll("[data-view-choice]")];
  const key = `view:${card.id}`;
  const choose = (view) => {
    card.dataset.view = view;
    for (const choice of choices) choice.setAttribute("aria-pressed", String(choice.dataset.viewChoice === view));
    sessionStorage.setItem(key, view);
    countHidden(card);
  };
  for (const choice of choices) choice.addEventListener("click", () => choose(choice.dataset.viewChoice));
  if (sessionStorage.getItem(key) === "cluster") choose("cluster");
}

function countHidden(card) {
  const line = card.querySelector("[data-hidden-count]");
  const hidden = card.querySelectorAll("ol.steps > [data-family=node]").length;
  line.hidden = card.dataset.view !== "cluster" || hidden === 0;
  line.textContent = counted(hidden, words().hiddenOne, words().hiddenMany);
}

// --- steps ------------------------------------------------------------------------------------------------------------

function startSteps(card) {
  const list = card.querySelector("ol.steps");
  let following = true;
  list.addEventListener("scroll", () => {
    following = list.scrollHeight - list.scrollTop - list.clientHeight < FOLLOW_SLACK_PIXELS;
  });
  new MutationObserver((changes) => {
    const added = changes.flatMap((change) => (change.target === list ? [...change.addedNodes] : []));
    const rows = added.filter((node) => node.localName === "li");
    if (rows.length === 0) return;
    countHidden(card);
    if (following) list.scrollTop = list.scrollHeight;
    announce(rows.filter((row) => "announce" in row.dataset).at(-1));
  }).observe(list, { childList: true });
}

let announcement;

function announce(row) {
  if (!row) return;
  clearTimeout(announcement);
  announcement = setTimeout(() => {
    const text = row.querySelector(".sentence").textContent.replace(/\s+/g, " ").trim();
    document.getElementById("announcer").textContent = text;
  }, ANNOUNCEMENT_DELAY_MILLISECONDS);
}

// --- status and countdown ----------------------------------------------------------------------------------------------

function startStatus(card) {
  const status = card.querySelector(".status");
  const button = card.querySelector("[data-delete]");
  const sync = () => {
    const live = status.querySelector("[data-live]")?.dataset.live === "true";
    card.toggleAttribute("data-live", live);
    button.disabled = !live;
    countDown();
  };
  new MutationObserver(sync).observe(status, { childList: true, subtree: true, attributes: true, attributeFilter: ["data-live"] });
  sync();
}

// The machine's clock may be wrong; the server's is the one that counts.
const skew = Number(document.querySelector("meta[name=server-time]")?.content ?? Date.now()) - Date.now();

function countDown() {
  for (const left of document.querySelectorAll("[data-grace-ends-at]")) {
    const seconds = (Number(left.dataset.graceEndsAt) - Date.now() - skew) / 1000;
    const text = seconds > 0 ? words().left.replace("%", seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)) : words().overdue;
    if (left.textContent !== text) left.textContent = text;
  }
}
