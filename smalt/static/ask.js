// Asking: one question at a time, its answer streamed, stoppable, picked up again after a broken connection.
import { h, need, some } from "./dom.js";
import { Problem, call, paths, problemOf, send } from "./api.js";
import { events } from "./stream.js";
import { spoken, turnElement } from "./answer.js";
import { first, keep } from "./source.js";
import { added } from "./rail.js";
import { notice, toast } from "./notice.js";

const form = need("ask-form");
const box = need("ask");
const ask = need("send");
const stop = need("stop");
const turns = need("turns");
const scroller = need("scroll");
const thread = need("thread");

/** @type {AbortController | null} */
let working = null;
let current = "";
let stopped = false;

/** The documents chosen; null when all are. */
function scope() {
  const boxes = [...form.querySelectorAll('input[name="document"]')];
  const on = boxes.filter((one) => one.checked);
  need("scope-word").textContent = `${on.length === boxes.length ? "All" : `${on.length} of`} ${some(boxes.length, "document")}`;
  need("scope").hidden = boxes.length < 2;
  box.placeholder = `Ask about ${some(on.length, "document")}`;
  return on.length === boxes.length ? null : on.map((one) => one.value);
}

/** A document became ready: it can be asked, and is. */
export function joined(doc) {
  const one = h("input", { type: "checkbox", name: "document", value: doc.id });
  one.checked = true;
  form.querySelector(".scope fieldset")?.append(h("label", { class: "tick" }, one, h("span", {}, doc.name)));
  box.disabled = ask.disabled = false;
  scope();
}

function busy(on) {
  ask.hidden = on;
  stop.hidden = !on;
  stop.disabled = false;
}

/** The conversation of this page, made when the first question is asked. */
async function conversation(question) {
  const open = thread.dataset.conversation;
  if (open) return open;
  const title = question.replace(/\s+/g, " ").slice(0, 80);
  const talk = await call("POST", paths.conversations, { json: { title }, once: true });
  thread.dataset.conversation = talk.id;
  history.pushState(null, "", `/c/${talk.id}`);
  document.title = `${talk.title ?? title} · Smalt`;
  need("title").textContent = talk.title ?? title;
  added({ id: talk.id, title: talk.title ?? title });
  return talk.id;
}

const fresh = (question) => ({
  id: `new-${Date.now()}`,
  conversation_id: "",
  question,
  state: "working",
  answer: null,
  asked_at: new Date().toISOString(),
  total_ms: null,
  sent_to: null,
});

/** Puts a settled turn in the place of what was streamed. */
export function settle(live, turn) {
  const element = turnElement(turn);
  const near = nearEnd();
  live.replaceWith(element);
  keep(turn.id, turn.answer);
  need("live").textContent = spoken(turn);
  first(turn.id);
  // A long answer is read from its question on.
  if (near) scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
  return element;
}

const nearEnd = () => scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < 240;

/** Keeps the end in view unless the reader scrolled away. */
function follow() {
  if (nearEnd()) scroller.scrollTop = scroller.scrollHeight;
}

async function put(question) {
  const chosen = scope();
  if (chosen && !chosen.length) {
    toast(new Problem({ happened: "No document is chosen.", kept: "Your question is still here.", todo: "Choose at least one document to ask." }));
    return;
  }
  working = new AbortController();
  stopped = false;
  current = "";
  busy(true);
  box.value = "";
  need("empty").hidden = true;
  need("live").textContent = "Reading the documents.";
  let live = turns.appendChild(turnElement(fresh(question)));
  scroller.scrollTop = scroller.scrollHeight;
  const since = performance.now();
  const clock = setInterval(() => {
    const state = document.querySelector('.turn[data-state="working"] .state');
    if (state?.lastChild) state.lastChild.textContent = `working · ${Math.floor((performance.now() - since) / 1000)} s`;
  }, 1000);
  try {
    const id = await conversation(question);
    const json = chosen ? { content: question, document_ids: chosen } : { content: question };
    const reply = await send("POST", paths.messages(id), { json, accept: "text/event-stream", once: true, signal: working.signal });
    live = await read(reply, live, id);
  } catch (error) {
    await broken(error, live, question);
  } finally {
    clearInterval(clock);
    working = null;
    busy(false);
    if (!box.value) box.focus({ preventScroll: true });
  }
}

/** Reads the stream of a turn into the page. `id`: conversation. */
async function read(reply, live, id) {
  const said = live.querySelector(".said");
  for await (const { event, data } of events(reply)) {
    if (event === "turn") {
      current = live.dataset.turn = data.id;
    } else if (event === "delta") {
      if (said.classList.contains("muted")) {
        said.classList.remove("muted");
        said.replaceChildren();
      }
      said.append(document.createTextNode(data.text));
      follow();
    } else if (event === "answer") {
      return settle(live, data);
    } else if (event === "problem") {
      throw problemOf(data, data?.status ?? 500);
    }
  }
  return recover(live, id);
}

/** The stream ended early or the page was reloaded: asks for the turn until it is settled. `id`: conversation. */
export async function recover(live, id) {
  const turn = live.dataset.turn ?? "";
  for (let wait = 400; ; wait = Math.min(wait * 1.5, 4000)) {
    const talk = await call("GET", paths.conversation(id));
    const found = talk.messages?.find((one) => one.id === turn);
    if (!found) throw new Problem({ happened: "The connection broke before the question was taken.", todo: "Ask it again." });
    if (found.state !== "working") return settle(live, found);
    await new Promise((resolve) => setTimeout(resolve, wait));
  }
}

async function broken(error, live, question) {
  const id = thread.dataset.conversation ?? "";
  const network = error instanceof TypeError || (error instanceof Problem && error.facts.status === 0);
  if (!stopped && network && current && id && navigator.onLine) {
    try {
      await recover(live, id);
      return;
    } catch (again) {
      error = again;
    }
  }
  const state = stopped ? "cancelled" : "failed";
  const element = turnElement({ ...fresh(question), id: current || live.id, state });
  if (!stopped) {
    element.querySelector(".answer")?.replaceChildren(notice(error));
    if (!current && !box.value) box.value = question;
  }
  live.replaceWith(element);
  follow();
  need("live").textContent = stopped ? "Stopped." : "";
}

/** Stops the answer on the server; what it says of the turn arrives over the stream. */
export async function cancel() {
  if (!working || stopped) return;
  stopped = true;
  stop.disabled = true;
  const id = thread.dataset.conversation ?? "";
  const here = working;
  if (current && id) await call("POST", paths.cancel(id, current)).catch(toast);
  setTimeout(() => here.abort(), current ? 1500 : 0);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const question = box.value.trim();
  if (question && !working) put(question);
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.altKey || event.isComposing) return;
  event.preventDefault();
  form.requestSubmit();
});
form.addEventListener("change", scope);
stop.addEventListener("click", cancel);
document.addEventListener("click", (event) => {
  const open = need("scope");
  if (event.target instanceof Node && !open.contains(event.target)) open.open = false;
});
