// Search without a server: the same as `lab/lessons/search.py`, over the passages that the page brings with it. Whoever changes one
// changes the other; a test holds them to the same hits.

const MOST_HITS = 30;
const EXCERPT_CHARACTERS = 160;
const LEAD_CHARACTERS = 40;
const HEADING_WORTH = 6;
const COUNTED = 3;

export function startSearch() {
  const list = document.querySelector("ol.hits");
  const passages = self.searchPassages;
  if (!list || !passages) return;
  const query = new URLSearchParams(location.search).get("q")?.trim() ?? "";
  document.getElementById("query").value = query;
  if (!query) return;
  const hits = find(passages, query);
  const { found, none } = document.querySelector("[data-found]").dataset;
  document.querySelector("[data-found]").textContent = hits.length ? found.replace("{n}", hits.length) : none;
  list.replaceChildren(...hits.map((hit) => item(hit, list.dataset.glossary)));
}

function item({ passage, excerpt }, glossary) {
  const [url, title, heading] = passage;
  const link = make("a", heading || title);
  link.href = url;
  const text = make("p", "");
  text.append(...excerpt.map(([piece, wanted]) => (wanted ? make("mark", piece) : piece)));
  const place = make("span", title || glossary);
  place.className = "soft";
  const row = document.createElement("li");
  row.append(link, " ", place, text);
  return row;
}

function make(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  return element;
}

// Passages are [url, title, heading, text]. Returns {passage, excerpt: [[text, wanted], …]}, the best first.
export function find(passages, query) {
  const wanted = terms(query);
  return passages
    .map((passage, at) => ({ passage, at, ...score(passage, wanted) }))
    .filter(({ held }) => held * 2 > wanted.length)
    .sort((a, b) => b.held - a.held || b.worth - a.worth || a.at - b.at)
    .slice(0, MOST_HITS)
    .map(({ passage }) => ({ passage, excerpt: excerpt(passage[3], wanted) }));
}

function terms(query) {
  const runs = query.normalize("NFKC").toLowerCase().match(/[a-z0-9]+|[\u3400-\u9fff]+/g) ?? [];
  const pairs = (run) => Array.from({ length: run.length - 1 }, (_, at) => run.slice(at, at + 2));
  return [...new Set(runs.flatMap((run) => (/^[a-z0-9]/.test(run) || run.length === 1 ? [run] : pairs(run))))];
}

function score([, , heading, text], wanted) {
  const [inHeading, inText] = [heading.toLowerCase(), text.toLowerCase()];
  const worths = wanted.map((term) => HEADING_WORTH * inHeading.includes(term) + Math.min(COUNTED, inText.split(term).length - 1));
  return { held: worths.filter((worth) => worth > 0).length, worth: worths.reduce((sum, worth) => sum + worth, 0) };
}

function excerpt(text, wanted) {
  const lower = text.toLowerCase();
  const spans = joined(wanted.flatMap((term) => places(lower, term)).sort(([a, b], [c, d]) => a - c || b - d));
  const start = spans.length ? Math.max(0, spans[0][0] - LEAD_CHARACTERS) : 0;
  const end = start + EXCERPT_CHARACTERS;
  const pieces = start ? [["…", false]] : [];
  let at = start;
  for (const [low, to] of spans) {
    const high = Math.min(to, end);
    if (low >= high) break;
    pieces.push([text.slice(at, low), false], [text.slice(low, high), true]);
    at = high;
  }
  pieces.push([text.slice(at, end), false], [end < text.length ? "…" : "", false]);
  return pieces.filter(([piece]) => piece);
}

// Joins spans that overlap or touch.
function joined(spans) {
  const found = [];
  for (const [low, high] of spans) {
    const last = found.at(-1);
    if (last && low <= last[1]) last[1] = Math.max(last[1], high);
    else found.push([low, high]);
  }
  return found;
}

function places(text, term) {
  const found = [];
  for (let at = text.indexOf(term); at >= 0; at = text.indexOf(term, at + 1)) found.push([at, at + term.length]);
  return found;
}
