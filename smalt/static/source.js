// The source pane: follows the figure under the pointer or the keyboard.
import { h, icon, need, tool } from "./dom.js";
import { fit, leaf, locate, pageOf, reveal } from "./leaf.js";
import { href, place } from "./answer.js";
import { bind } from "./keys.js";
import { notice } from "./notice.js";

/** Citations of each turn, in the order in which they are walked. @type {Map<string, Citation[]>} */
const shelf = new Map();
/** @type {{turn: string, at: number} | null} */
let shown = null;
let asked = 0;
let pointer = 0;

const stage = need("stage");
const lift = need("lift");
const zoom = need("zoom");

export function keep(turn, answer) {
  shelf.set(turn, [...(answer?.citations ?? []), ...(answer?.nearest ?? [])]);
}

/** Shows the first citation of a turn, if it has one. */
export function first(turn) {
  if (shelf.get(turn)?.length) show(turn, 0);
}

/** Shows the first citation of the newest turn that has one. */
export function latest() {
  const turn = order().findLast((one) => shelf.get(one)?.length);
  if (turn) show(turn, 0);
}

/** Turns in the order of the page. */
const order = () => [...document.querySelectorAll("[data-turn]")].map((turn) => turn.getAttribute("data-turn") ?? "");

function walk(step) {
  const all = order().flatMap((turn) => (shelf.get(turn) ?? []).map((_, at) => ({ turn, at })));
  if (!all.length) return;
  const now = all.findIndex((one) => one.turn === shown?.turn && one.at === shown.at);
  const next = all[now < 0 ? (step > 0 ? 0 : all.length - 1) : (now + step + all.length) % all.length];
  show(next.turn, next.at);
  document.getElementById(next.turn)?.querySelector(".on")?.scrollIntoView({ block: "nearest" });
}

function mark(turn, at) {
  for (const old of document.querySelectorAll(".turn .on")) old.classList.remove("on");
  const n = shelf.get(turn)?.[at]?.n;
  for (const one of document.getElementById(turn)?.querySelectorAll("[data-n]") ?? []) {
    if (one.getAttribute("data-n")?.split(" ").includes(String(n)) && !one.matches("th a")) one.classList.add("on");
  }
}

/** Shows one citation. `at`: index among the turn's citations. */
async function show(turn, at) {
  const citation = shelf.get(turn)?.[at];
  if (!citation || (shown?.turn === turn && shown.at === at)) return;
  const before = shown && shelf.get(shown.turn)?.[shown.at];
  shown = { turn, at };
  const mine = ++asked;
  mark(turn, at);
  const number = citation.page ?? 0;
  need("source-name").textContent = `${citation.document} · ${citation.sheet ?? (citation.page === null ? "" : `page ${number + 1}`)}`.replace(/ · $/, "");
  const late = setTimeout(() => mine === asked && stage.setAttribute("aria-busy", "true"), 200);
  try {
    const page = await pageOf(citation.document_id, number, citation.sheet);
    if (mine !== asked) return;
    const view = leaf(citation.document_id, page, citation, citation.document);
    const same = before?.document_id === citation.document_id && before.page === citation.page && before.sheet === citation.sheet && stage.querySelector(".sheet-page");
    if (same && view.matches(".sheet-page")) {
      same.querySelector(".marks")?.replaceWith(view.querySelector(".marks"));
    } else {
      if (view.matches(".sheet-page")) fit(view, page);
      view.classList.toggle("large", zoom.getAttribute("aria-pressed") === "true" && view.matches(".sheet-page"));
      stage.replaceChildren(view);
    }
    zoom.hidden = !stage.querySelector(".sheet-page");
    lifted(citation, page, at, shelf.get(turn)?.length ?? 1);
    reveal(stage);
  } catch (error) {
    if (mine !== asked) return;
    shown = null;
    stage.replaceChildren(notice(error));
    lift.hidden = true;
  } finally {
    clearTimeout(late);
    stage.removeAttribute("aria-busy");
  }
}

/** The words of a head, so that one which only repeats the period is not shown twice. */
const words = (text) => (text ?? "").toLowerCase().match(/[a-z0-9]+/g)?.map((word) => word.replace(/s$/, "")) ?? [];

/** The caption: label and value, unit and period, where, and the way on. */
function lifted(c, page, at, count) {
  const heads = c.box ? locate(page, c.box).heads : [];
  const said = words(c.period);
  const more = (c.header ? [c.header] : heads.map((one) => one.text)).filter((head) => !words(head).every((word) => said.includes(word)));
  const facts = [...new Set([c.unit, c.period, ...more])].filter(Boolean);
  lift.hidden = false;
  lift.replaceChildren(
    h("p", { class: "lift-line" }, h("span", {}, c.label || c.quote), c.value && h("strong", {}, c.value)),
    h("p", { class: "lift-more" }, h("span", {}, facts.join(" · ")), h("span", {}, place(c))),
    h(
      "div",
      { class: "lift-go" },
      tool("left", "Previous citation ([)", () => walk(-1)),
      h("output", { "aria-label": "Citation" }, `${at + 1} of ${count}`),
      tool("right", "Next citation (])", () => walk(1)),
      h("a", { class: "button quiet", href: href(c) }, "Open document", icon("right")),
    ),
  );
}

/** The citation that an element of a turn stands for. */
function cited(target) {
  const element = target instanceof Element ? target.closest("[data-n]") : null;
  const turn = element?.closest("[data-turn]")?.getAttribute("data-turn");
  if (!element || !turn) return null;
  const n = Number(element.getAttribute("data-n")?.split(" ")[0]);
  const at = (shelf.get(turn) ?? []).findIndex((c) => c.n === n);
  return at < 0 ? null : { turn, at };
}

const turns = need("turns");
turns.addEventListener("pointerover", (event) => {
  clearTimeout(pointer);
  const found = event.pointerType === "mouse" ? cited(event.target) : null;
  if (found) pointer = setTimeout(() => show(found.turn, found.at), 120);
});
turns.addEventListener("pointerleave", () => clearTimeout(pointer));
turns.addEventListener("focusin", (event) => {
  const found = event.target instanceof Element && event.target.matches(":focus-visible") ? cited(event.target) : null;
  if (found) show(found.turn, found.at);
});
turns.addEventListener("click", (event) => {
  const found = cited(event.target);
  if (!found || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  show(found.turn, found.at);
  const sheet = need("sheet-source");
  if (getComputedStyle(sheet.closest(".sheets") ?? sheet).display !== "none") {
    sheet.checked = true;
    requestAnimationFrame(() => reveal(stage));
  }
});

function enlarge() {
  const page = stage.querySelector(".sheet-page");
  if (!page) return;
  const on = page.classList.toggle("large");
  zoom.setAttribute("aria-pressed", String(on));
  zoom.setAttribute("aria-label", on ? "Smaller" : "Larger");
  reveal(stage);
}
zoom.addEventListener("click", enlarge);

bind(
  { keys: ["["], says: "previous citation", run: () => walk(-1) },
  { keys: ["]"], says: "next citation", run: () => walk(1) },
  { keys: ["z"], says: "enlarge the page", run: enlarge },
);
