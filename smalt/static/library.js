// The library: adding, following, finding, deleting documents.
import { h, icon, need, some, tool } from "./dom.js";
import { call, paths } from "./api.js";
import { bind } from "./keys.js";
import { confirmed, notice, toast } from "./notice.js";
import { follow } from "./upload.js";
import { take } from "./intake.js";
import { onDrop } from "./drop.js";

const list = need("documents");
const STATES = {
  uploading: ["busy", "up", "uploading"],
  queued: ["busy", "clock", "waiting"],
  reading: ["busy", "clock", "reading"],
  indexing: ["busy", "clock", "indexing"],
  ready: ["good", "tick", "ready"],
  failed: ["bad", "warn", "not readable"],
};

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const step = Math.min(3, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** step).toLocaleString("en", { maximumFractionDigits: step > 1 ? 1 : 0, minimumFractionDigits: step > 1 ? 1 : 0 })} ${["B", "kB", "MB", "GB"][step]}`;
}

function stated(row, doc) {
  const [kind, sign, word] = STATES[doc.status] ?? STATES.queued;
  const cell = row.querySelector(".status");
  const settled = doc.status === "ready" || doc.status === "failed";
  const bar = settled ? null : h("progress", { max: 100, value: doc.progress, "aria-label": word });
  cell.replaceChildren(h("span", { class: `state ${kind}` }, icon(sign), settled ? word : `${word} ${doc.progress} %`), ...(bar ? [bar] : []));
  row.dataset.status = doc.status;
  row.querySelector(".why")?.remove();
  if (doc.failure) row.querySelector(".name")?.append(h("p", { class: "why hint" }, `${doc.failure.happened} ${doc.failure.todo}`));
}

function filled(row, doc) {
  const name = row.querySelector(".name");
  row.dataset.document = doc.id;
  const title = doc.status === "ready" ? h("a", { href: `/d/${doc.id}` }, doc.name) : h("span", {}, doc.name);
  name.replaceChildren(title);
  const put = (cell, text) => (row.querySelector(cell).textContent = text);
  if (doc.kind) put(".kind", doc.kind.toUpperCase()); // unknown until it was read
  put(".pages", doc.pages === null ? "" : String(doc.pages));
  put(".size", size(doc.size_bytes));
  stated(row, doc);
}

function counted() {
  const rows = [...list.querySelectorAll("tr")];
  need("count").textContent = some(rows.length, "document");
  need("none").hidden = rows.length > 0;
  need("table").hidden = rows.length === 0;
}

async function erase(row) {
  const name = row.querySelector(".name > *")?.textContent ?? "";
  const text = `“${name}” is deleted for good, with its pages, its index and its key. Answers that cite it keep their words but lose their source.`;
  if (!(await confirmed({ title: "Delete this document?", text, act: "Delete" }))) return;
  try {
    await call("DELETE", paths.document(row.dataset.document ?? ""));
    row.remove();
    counted();
    toast("The document was deleted.");
  } catch (error) {
    toast(error);
  }
}

function rowFor(file, cancel) {
  const actions = h("td", { class: "act" }, tool("cross", `Cancel ${file.name}`, cancel));
  const row = h(
    "tr",
    {},
    h("th", { scope: "row", class: "name" }, h("span", {}, file.name)),
    h("td", { class: "kind" }, (file.name.split(".").at(-1) ?? "").slice(0, 8).toUpperCase()),
    h("td", { class: "pages" }),
    h("td", { class: "size" }, size(file.size)),
    h("td", { class: "status" }),
    h("td", { class: "added" }, "now"),
    actions,
  );
  list.prepend(row);
  stated(row, { status: "uploading", progress: 0, failure: null });
  counted();
  const bin = () => actions.replaceChildren(tool("bin", `Delete ${file.name}`, () => erase(row)));
  return {
    gone: () => (row.remove(), counted()),
    sent: (percent) => stated(row, { status: percent < 100 ? "uploading" : "queued", progress: percent % 100, failure: null }),
    doc: (doc) => {
      filled(row, doc);
      if (doc.status === "ready" || doc.status === "failed") bin();
    },
    broke: (error) => {
      stated(row, { status: "failed", progress: 0, failure: null });
      row.querySelector(".status .state")?.lastChild?.replaceWith("refused");
      row.querySelector(".name")?.append(notice(error));
      actions.replaceChildren(tool("cross", "Dismiss", () => (row.remove(), counted())));
    },
  };
}

for (const row of list.querySelectorAll("tr")) {
  const name = row.querySelector(".name > *")?.textContent ?? "";
  row.querySelector(".act")?.append(tool("bin", `Delete ${name}`, () => erase(row)));
  if (row.dataset.status !== "ready" && row.dataset.status !== "failed") {
    const doc = { id: row.dataset.document, status: row.dataset.status };
    follow(doc, (now) => filled(row, now), new AbortController().signal);
  }
}

const picker = need("files");
picker.addEventListener("change", () => {
  take([...(picker.files ?? [])], rowFor);
  picker.value = "";
});
need("add").addEventListener("click", () => picker.click());
need("add-first").addEventListener("click", () => picker.click());
onDrop((files) => take(files, rowFor));

const find = need("find");
find.addEventListener("input", () => {
  const wanted = find.value.trim().toLowerCase();
  for (const row of list.querySelectorAll("tr")) row.hidden = !row.querySelector(".name")?.textContent?.toLowerCase().includes(wanted);
});

function move(step) {
  const links = [...list.querySelectorAll("tr:not([hidden]) a")];
  const now = links.indexOf(document.activeElement);
  const next = links[now < 0 ? 0 : Math.max(0, Math.min(links.length - 1, now + step))];
  if (next instanceof HTMLElement) next.focus();
}
bind(
  { keys: ["/"], says: "find a document", run: (event) => (event.preventDefault(), find.focus()) },
  { keys: ["a"], says: "add documents", run: () => picker.click() },
  { keys: ["ArrowDown"], says: "next document", run: (event) => (event.preventDefault(), move(1)) },
  { keys: ["ArrowUp"], says: "previous document", run: (event) => (event.preventDefault(), move(-1)) },
);
