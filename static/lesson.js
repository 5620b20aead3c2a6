// What a lesson's text does: a sentence that changes a field in the editor, a statement that the reader judges, copying, and, while
// an author writes, loading the page again when the files change.
import { fetchAgain, problem } from "./again.js";

const meta = (name) => document.querySelector(`meta[name=${name}]`)?.content ?? "";

export function startLesson() {
  document.addEventListener("click", (event) => {
    const action = event.target.closest("a[data-set-card]");
    if (action) changeField(action, event);
    const choice = event.target.closest("[data-judge]");
    if (choice) judge(choice);
    const copy = event.target.closest("[data-copy]");
    if (copy) copyText(copy);
  });
  const shown = document.body.dataset.contentStamp;
  if (shown) loadAgainWhenChanged(shown);
}

// --- a change of one field: the text that is in the editor, changed by the server, which knows YAML ---------------------------------

async function changeField(action, event) {
  const card = document.getElementById(action.dataset.setCard);
  const field = card?.querySelector("textarea[data-editor]");
  if (!field) return; // no editor on this page: the link leads to the card
  event.preventDefault();
  const { setPath: path, setValue: value } = action.dataset;
  let answer;
  try {
    const response = await fetchAgain("/set-field", {
      method: "POST",
      headers: { "X-CSRF-Token": meta("csrf-token") },
      body: new URLSearchParams({ manifest: field.value, path, value }),
    });
    answer = await response.json();
  } catch {
    answer = { problem: document.getElementById("words").dataset.failed };
  }
  const announcer = document.getElementById("announcer");
  if (answer.problem) {
    card.querySelector(".reply").replaceChildren(problem(answer.problem));
    announcer.textContent = answer.problem;
    return;
  }
  field.dispatchEvent(new CustomEvent("put-text", { detail: answer }));
  announcer.textContent = action.title;
}

// --- true or false ----------------------------------------------------------------------------------------------------------------

function judge(choice) {
  const item = choice.closest("[data-judgement]");
  const right = choice.dataset.judge === item.dataset.answer;
  for (const button of item.querySelectorAll("[data-judge]")) button.setAttribute("aria-pressed", String(button === choice));
  item.querySelector("[data-right]").hidden = !right;
  item.querySelector("[data-wrong]").hidden = right;
  item.querySelector("details").open = true;
  document.getElementById("announcer").textContent = item.querySelector(right ? "[data-right]" : "[data-wrong]").textContent;
  const detail = { id: item.dataset.judgement, answer: choice.dataset.judge === "true", right };
  item.dispatchEvent(new CustomEvent("judged", { bubbles: true, detail }));
}

// --- copying ----------------------------------------------------------------------------------------------------------------------

const COPIED_MILLISECONDS = 1_500;

async function copyText(button) {
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
  } catch {
    getSelection().selectAllChildren(button.previousElementSibling ?? button); // not allowed: at least it is selected
    return;
  }
  button.dataset.copied = "";
  setTimeout(() => delete button.dataset.copied, COPIED_MILLISECONDS);
}

// --- lab serve --dev --------------------------------------------------------------------------------------------------------------

function loadAgainWhenChanged(shown) {
  const source = new EventSource(`/content-stream?since=${shown}`);
  source.addEventListener("changed", () => location.reload());
  addEventListener("pagehide", () => source.close());
}
