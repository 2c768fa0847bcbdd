// The Trust Center in the reader's browser: a proof grows old here too, whether the server answers or not.
import { aged as ended } from "./status.js";

const { content } = document.getElementById("looks");
const [all, fresh, live, heading] = ["all", "fresh", "live", "wrong"].map((id) => document.getElementById(id));
const rows = [...document.querySelectorAll("[data-claim]")];
let said = Number(document.querySelector("[data-now]").dataset.now);
let asked = Date.now();
const first = said - performance.now() / 1000;

/** Whichever is later: the reader's own clock, or the server's as it went on. A slow clock keeps no proof young. */
const now = () => Math.max(Date.now() / 1000, first + performance.now() / 1000);
const format = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const when = (at) => format.format(at * 1000);
const look = (state) => content.querySelector(`[data-look="${state}"]`);
const kind = (row) => look(row.dataset.state)?.getAttribute("data-kind");

/** Shows what a claim is now; whether that is something else than before. */
function put(row, state, since) {
  if (row.dataset.state === state) return false;
  row.dataset.state = state;
  const sign = look(state).firstElementChild.cloneNode(true);
  row.querySelector(".state").replaceWith(sign);
  const line = row.querySelector(".t-since");
  if (line) line.textContent = since ? `since ${when(since)}` : "";
  const mark = document.querySelector(`[data-mark="${row.dataset.claim}"]`);
  mark?.setAttribute("class", sign.classList[1]);
  mark?.setAttribute("y", kind(row) === "holds" ? 0 : 6);
  return true;
}

/** Counts anew and says it. `line` is the server's word for all, where it gave one. */
function told(turned, line) {
  const count = (part) => {
    const due = [...part.querySelectorAll("[data-claim]:not(.t-also)")].map(kind).filter((one) => one !== "apart");
    return `${due.filter((one) => one === "holds").length} of ${due.length}`;
  };
  for (const tally of document.querySelectorAll("[data-tally]")) tally.textContent = `${count(tally.closest("section"))} hold`;
  if (!turned.length) return;
  const lost = turned.some((row) => kind(row) === "wrong");
  if (all) {
    all.lastElementChild.textContent = line ?? `${count(document)} claims hold; some turned ${turned[0].dataset.state}.`;
    if (lost) all.className = "t-all warn";
    if (lost) all.querySelector("use").setAttribute("href", "#t-warn");
  }
  if (heading) heading.textContent = `What did not hold at ${when(said)}`;
  live.textContent = `${(turned[0].querySelector("a[href*=claims]") ?? document.querySelector("h1")).textContent} Now ${turned[0].dataset.state}.`;
}

/** Lets states end whose time has come. */
function aged() {
  told(
    rows.filter((row) => {
      const { state, until, then } = row.dataset;
      return put(row, ended({ state, then, good_until: until }, now()), until);
    }),
  );
}

/** Asks the server; when it does not say what holds, what it said goes on growing old. */
async function ask() {
  asked = Date.now();
  try {
    const reply = await fetch("/trust/claims.json", { credentials: "omit" });
    const seen = await reply.json();
    said = seen.now;
    const turned = seen.claims.flatMap(({ id, verdict: { state, since, good_until: until, then } }) =>
      rows.filter((row) => {
        if (row.dataset.claim !== id) return false;
        Object.assign(row.dataset, { until: until ?? "", then });
        return put(row, state, since);
      }),
    );
    told(turned, seen.sentence);
    if (fresh) fresh.textContent = `States as of ${when(said)} UTC, computed from the log.`;
  } catch {
    if (fresh) fresh.textContent = `The server does not answer: states as of ${when(now())} UTC, from what it said at ${when(said)}.`;
  }
  aged();
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden) Date.now() - asked > 60000 ? ask() : aged();
});
addEventListener("pageshow", aged);
setInterval(aged, 5000);
