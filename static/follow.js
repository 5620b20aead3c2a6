// What a classroom adds to every page: its banner, Run that waits while the class is paused, and the run that the class is shown.
//
// A learner who follows gets the shown run into the page, read-only, in the place of what was there; that is put aside as it is, with
// every text, choice and place in it, and comes back when it ends. The instructor's page says where it is in the run; a projector's
// page always follows. What the class does comes by the page's stream, as a whole, whenever it changes.
import { fetchAgain } from "./again.js";
import { startCard } from "./cards.js";
import { tabMemory } from "./memory.js";
import { aside, followInstead, goOn, stageOf, stageOn } from "./stages.js";

const MOVE_MILLISECONDS = 200; // a class is moved five times a second at most
const FOLLOWING = "following"; // the tab follows, over reloads too
const BROUGHT = "brought"; // the last time that everybody was brought, of which this tab knows

const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";

export function startFollowing() {
  const banner = document.getElementById("class-banner");
  if (!banner) return;
  const isWall = Boolean(document.querySelector("[data-wall]"));
  if (isWall) startWall();
  const isLeader = banner.dataset.role === "instructor" && !isWall;
  const page = isLeader ? new Leader() : new Follower({ always: isWall || location.pathname === "/shown" });
  document.addEventListener("class:told", ({ detail }) => {
    if (detail.gone) return void location.assign("/join");
    sayWhatIsNew(detail);
    page.told(detail.shown);
  });
}

function sayWhatIsNew({ banner, standstill, name, joined, code }) {
  if (code && code !== document.querySelector("[data-wall]")?.dataset.code) return location.reload(); // another one opens the door now
  if (banner !== undefined) {
    const place = document.getElementById("class-banner");
    if (place.innerHTML.trim() !== parsed(banner).body.innerHTML.trim()) place.innerHTML = banner;
    for (const button of document.querySelectorAll("[data-starts]")) setStart(button, standstill);
  }
  if (name) for (const place of document.querySelectorAll("[data-my-name]")) place.textContent = name;
  const count = document.querySelector("[data-joined]");
  if (count && joined !== undefined) count.textContent = joined;
}

function setStart(button, standstill) {
  button.disabled = Boolean(standstill) || button.dataset.starts === "never";
  button.title = standstill;
}

const parsed = (html) => new DOMParser().parseFromString(html, "text/html");

// --- the wall: everything is as large as lets all of it be seen at once, and never grows while a run is shown ------------------------

const SIZES = Array.from({ length: 33 }, (_, i) => 2.4 - i * 0.05);

function startWall() {
  let run;
  let at = 0;
  const fit = () => {
    const wall = document.querySelector("[data-wall]:not(.lobby)");
    if (!wall) return;
    if (wall.dataset.run !== run) at = 0;
    run = wall.dataset.run;
    wall.style.zoom = SIZES[at];
    while (at < SIZES.length - 1 && document.documentElement.scrollHeight > innerHeight) wall.style.zoom = SIZES[++at];
  };
  addEventListener("resize", () => {
    at = 0;
    fit();
  });
  for (const name of ["stage:taken", "stage:moved"]) document.addEventListener(name, () => requestAnimationFrame(fit));
}

// --- whoever follows ----------------------------------------------------------------------------------------------------------------

class Follower {
  constructor({ always }) {
    this.always = always; // the page is for nothing else
    this.shown = null; // what the class is shown, as last told
    this.run = document.querySelector("[data-shown]")?.dataset.run ?? null; // what this page shows of it; "" is nothing
    this.aside = null; // what was on the page
    this.main = document.getElementById("main");
    document.addEventListener("click", (event) => this.clicked(event));
    document.addEventListener("stage:taken", () => this.goToPlace());
  }

  told([shown = null]) {
    this.shown = shown;
    if (shown?.brought && tabMemory.get(BROUGHT) !== shown.brought) {
      tabMemory.set(BROUGHT, shown.brought);
      tabMemory.set(FOLLOWING, "yes");
    }
    if (!shown) tabMemory.forget(FOLLOWING);
    this.catchUp();
  }

  // Makes the page show what it should; one change of it at a time.
  async catchUp() {
    this.again = this.busy;
    if (this.busy) return;
    this.busy = true;
    const follows = this.shown && (this.always || tabMemory.get(FOLLOWING));
    const wanted = follows ? this.shown.run : this.always ? "" : null;
    try {
      if (wanted === null) this.comeBack();
      else if (wanted !== this.run) await this.take();
    } finally {
      this.busy = false;
    }
    this.goToPlace();
    if (this.again) this.catchUp();
  }

  async take() {
    const address = this.always ? location.pathname : "/shown";
    const answer = await fetchAgain(`${address}?lang=${document.documentElement.lang.slice(0, 2)}`);
    const place = answer.ok && parsed(await answer.text()).querySelector("[data-shown]");
    if (!place) return;
    if (!this.always && !this.aside) this.putAside();
    this.main.replaceChildren(document.adoptNode(place));
    this.run = place.dataset.run;
    scrollTo({ top: 0, behavior: "instant" });
    const card = place.querySelector("[data-card]");
    if (card) startCard(card);
    await followInstead(card);
    if (!this.always) (place.querySelector("h1") ?? this.main).focus({ preventScroll: true });
  }

  putAside() {
    const away = document.createDocumentFragment();
    const scrolled = [...this.main.querySelectorAll("*")].filter((x) => x.scrollTop || x.scrollLeft).map((x) => [x, x.scrollTop, x.scrollLeft]);
    this.aside = { away, scrolled, own: aside(), top: scrollY, focused: document.activeElement };
    away.append(...this.main.childNodes);
    document.documentElement.toggleAttribute("data-following", true);
  }

  comeBack() {
    if (!this.aside) return;
    const { away, scrolled, own, top, focused } = this.aside;
    Object.assign(this, { aside: null, run: null });
    document.documentElement.toggleAttribute("data-following", false);
    this.main.replaceChildren(away);
    for (const [element, x, y] of scrolled) element.scrollTo({ top: x, left: y, behavior: "instant" });
    goOn(own);
    scrollTo({ top, behavior: "instant" });
    if (focused?.isConnected) focused.focus({ preventScroll: true });
  }

  goToPlace() {
    const stage = (this.always || this.aside) && this.shown?.run === this.run && stageOn(this.run);
    if (stage) goTo(stage, this.shown);
  }

  clicked(event) {
    const follow = event.target.closest("[data-follow-class]");
    if (follow && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      tabMemory.set(FOLLOWING, "yes");
      this.catchUp();
    } else if (event.target.closest("[data-leave-class]")) {
      tabMemory.forget(FOLLOWING);
      this.catchUp();
    } else if (this.aside && isWayOut(event)) tabMemory.forget(FOLLOWING);
  }
}

// A link to another page ends following; the language of this one may be changed.
function isWayOut({ target }) {
  const link = target.closest("a[href]");
  return Boolean(link) && !link.matches("[data-language-switch], [data-go-seq], [target]") && link.getAttribute("href")[0] !== "#";
}

// --- the instructor -----------------------------------------------------------------------------------------------------------------

class Leader {
  constructor() {
    this.shown = [];
    this.known = new Set(); // the runs in whose places this page is: it goes to the place first, and leads from there
    document.addEventListener("submit", (event) => this.submitted(event));
    document.addEventListener("stage:taken", ({ detail }) => this.goToPlace(detail.run));
    for (const name of ["stage:moved", "tabchange"]) document.addEventListener(name, ({ target }) => this.moved(target));
  }

  told(shown) {
    this.shown = shown;
    for (const run of this.known) if (!shown.some((each) => each.run === run)) this.known.delete(run);
    for (const { run } of shown) this.goToPlace(run);
  }

  goToPlace(run) {
    const shown = this.shown.find((each) => each.run === run);
    const stage = shown && !this.known.has(run) && stageOn(run);
    if (!stage) return;
    goTo(stage, shown);
    this.known.add(run);
  }

  moved(card) {
    const run = this.shown.find((each) => stageOn(each.run)?.element === card)?.run;
    if (!run || !this.known.has(run) || document.hidden) return;
    this.moving ??= setTimeout(() => {
      this.moving = undefined;
      this.say(run);
    }, MOVE_MILLISECONDS);
  }

  say(run) {
    const stage = stageOn(run);
    for (const shown of this.shown.filter((each) => each.run === run)) {
      const place = stage && placeOf(stage);
      if (!place || Object.keys(place).every((name) => place[name] === shown[name])) continue;
      Object.assign(shown, place);
      send(`/class/${shown.class}/spotlight/place`, { run, ...asFields(place) }).catch(() => (shown.view = "")); // said with the next step
    }
  }

  // Show, bring, stop: the answer comes by the stream.
  submitted(event) {
    const form = event.target.closest("[data-show], [data-steer]");
    if (!form) return;
    event.preventDefault();
    const stage = form.matches("[data-show]") && stageOf(form.closest("[data-card]"));
    const fields = Object.fromEntries(new FormData(form, event.submitter));
    if (stage) Object.assign(fields, { run: stage.record.run, ...asFields(placeOf(stage)) });
    if (stage) this.known.add(stage.record.run);
    send(form.action, fields).catch(() => (document.getElementById("announcer").textContent = document.getElementById("words").dataset.failed));
  }
}

// --- places in a run ----------------------------------------------------------------------------------------------------------------

const tabOf = (stage, which) => stage.element.querySelector(`[role=tab]${which}`);

function placeOf(stage) {
  const seq = stage.following ? null : (stage.shown[stage.at]?.seq ?? null);
  return { seq, view: stage.view, panel: tabOf(stage, "[aria-selected=true]")?.dataset.panel ?? "" };
}

const asFields = ({ seq, ...place }) => ({ ...place, seq: seq ?? "" });

function goTo(stage, { seq, view, panel }) {
  stage.showPlace({ seq, view });
  const tab = panel && tabOf(stage, `[data-panel="${panel}"]`);
  if (tab && tab.getAttribute("aria-selected") !== "true") tab.dispatchEvent(new Event("tab:open"));
}

async function send(address, fields) {
  const headers = { "X-CSRF-Token": meta("csrf-token") };
  const answer = await fetchAgain(address, { method: "POST", headers, body: new URLSearchParams(fields) });
  if (!answer.ok && answer.status !== 409) throw new Error(answer.statusText); // 409: it is not shown any more, which the stream tells
}
