// What the lab never answered is asked again, once, after a moment. A browser gives up what is on its way when the machine's
// network interfaces change, and on the lab's own machine they change with every pod. The lab may have heard the first time:
// both carry the same key, by which it knows (lab/web/once.py). What fails twice is said where it was asked.
const AGAIN_MILLISECONDS = 250;
const HEADER = "Idempotency-Key";
const words = () => document.getElementById("words").dataset;

export function startAgain() {
  document.addEventListener("htmx:configRequest", ({ detail }) => {
    if (detail.verb === "get") return;
    if (detail.headers[HEADER]) asked.add(detail);
    if (detail.elt.nextElementSibling?.matches("[data-unanswered]")) detail.elt.nextElementSibling.remove();
    newest.set(detail.elt, (detail.headers[HEADER] ??= newKey()));
  });
  // htmx tells of a failure by these two; of the first one nobody else hears.
  for (const name of ["htmx:afterRequest", "htmx:sendError"]) {
    window.addEventListener(
      name,
      (event) => {
        if (!isFirstFailure(event.detail)) return;
        event.stopImmediatePropagation();
        if (name === "htmx:sendError") setTimeout(() => ask(event.detail), AGAIN_MILLISECONDS);
      },
      { capture: true },
    );
  }
  document.addEventListener("htmx:sendError", ({ target }) => say(target, words().failed));
}

// fetch, but for what may be done twice.
export async function fetchAgain(address, options) {
  try {
    return await fetch(address, options);
  } catch {
    await new Promise((wait) => setTimeout(wait, AGAIN_MILLISECONDS));
    return fetch(address, options);
  }
}

const asked = new WeakSet(); // requests that are a second time
const newest = new WeakMap(); // element → the key of its newest request

function isFirstFailure({ xhr, requestConfig }) {
  return xhr?.status === 0 && requestConfig && requestConfig.verb !== "get" && !asked.has(requestConfig);
}

function ask({ elt, target, requestConfig: { verb, path, formData, headers } }) {
  const key = headers[HEADER];
  if (!elt.isConnected || newest.get(elt) !== key) return; // it was pressed again meanwhile
  window.htmx.ajax(verb, path, { source: elt, target, values: formData, headers: { [HEADER]: key } }).catch(() => {}); // events tell
}

function say(element, text) {
  const reply = element.closest("[data-card]")?.querySelector(".reply");
  if (reply) return reply.replaceChildren(problem(text));
  if (element.closest("[data-board]")) return; // it has a place of its own for this
  const said = problem(text);
  said.dataset.unanswered = "";
  element.after(said);
}

// The words of a problem, as the lab's own answers have them.
export function problem(text) {
  return Object.assign(document.createElement("p"), { className: "notice bad", role: "alert", textContent: text });
}

// randomUUID wants https.
const newKey = () => [...crypto.getRandomValues(new Uint32Array(4))].map((number) => number.toString(36)).join("-");
