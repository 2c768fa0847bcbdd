// The workspace page.
import { need } from "./dom.js";
import { bind } from "./keys.js";
import { keep, latest } from "./source.js";
import { cancel, recover } from "./ask.js";
import "./rail.js";
import { onDrop } from "./drop.js";
import { add } from "./tray.js";
import { toast } from "./notice.js";

for (const data of document.querySelectorAll("script[data-answer]")) {
  const answer = JSON.parse(data.textContent ?? "{}");
  keep(data.getAttribute("data-answer") ?? "", answer.citations || answer.nearest ? answer : null);
}

onDrop(add);

const turns = [...document.querySelectorAll(".turn")];
const scroller = need("scroll");
scroller.scrollTop = scroller.scrollHeight;
const last = turns.at(-1);
latest();
if (last?.dataset.state === "working") recover(last, need("thread").dataset.conversation ?? "").catch(toast);

/** Moves to the next or previous question. */
function step(step) {
  const all = [...document.querySelectorAll(".turn")];
  const top = scroller.getBoundingClientRect().top;
  const now = all.findLastIndex((turn) => turn.getBoundingClientRect().top <= top + 8);
  const next = all[Math.max(0, Math.min(all.length - 1, now + step))];
  next?.scrollIntoView({ block: "start" });
}

bind(
  { keys: ["/"], says: "ask a question", run: (event) => (event.preventDefault(), show("thread"), need("ask").focus()) },
  { keys: ["Enter"], says: "in the question: ask" },
  { keys: ["Mod", "Enter"], says: "in the question: ask, too" },
  { keys: ["Shift", "Enter"], says: "in the question: new line" },
  { keys: ["ArrowDown"], says: "next question; in the rail, next conversation", run: (event) => plain(event) && step(1) },
  { keys: ["ArrowUp"], says: "previous question", run: (event) => plain(event) && step(-1) },
  { keys: ["n"], says: "new conversation", run: () => location.assign("/") },
  { keys: ["Escape"], says: "stop the answer", typing: true, run: () => cancel() },
);

/** Arrows belong to whatever scrolls or is walked itself. */
function plain(event) {
  const free = event.target === document.body || event.target === need("thread");
  if (free) event.preventDefault();
  return free;
}

function show(sheet) {
  need(`sheet-${sheet}`).checked = true;
}

addEventListener("popstate", () => location.reload());
