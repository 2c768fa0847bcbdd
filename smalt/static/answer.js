// A turn as elements. The same elements as templates/_turn.html: change both.
import { h, icon, some } from "./dom.js";

export function href(c) {
  const query = new URLSearchParams({ page: String((c.page ?? 0) + 1) });
  if (c.sheet) query.set("sheet", c.sheet);
  if (c.cell) query.set("cell", c.cell);
  if (c.box) query.set("box", c.box.join(","));
  else if (!c.cell && c.quote) query.set("quote", c.quote.slice(0, 200));
  return `/d/${encodeURIComponent(c.document_id)}?${query}`;
}

export function place(c) {
  if (c.cell) return c.sheet ? `${c.sheet}!${c.cell}` : c.cell;
  return c.page === null || c.page === undefined ? "" : `p. ${c.page + 1}`;
}

function runs(parts, citations) {
  return parts.map((part) => {
    if (!part.n) return document.createTextNode(part.text);
    if (part.figure && !part.n.length) {
      return h("span", { class: "bound" }, h("span", { class: "fig untraced" }, part.text), h("small", { class: "untraced-word" }, "not traced"));
    }
    const found = citations.filter((c) => part.n?.includes(c.n));
    const text = part.figure && found.length ? h("a", { class: "fig", href: href(found[0]), "data-n": part.n.join(" ") }, part.text) : part.text;
    const marks = found.map((c) =>
      h(
        "a",
        {
          class: "cite",
          href: href(c),
          "data-n": c.n,
          "aria-label": `Source ${c.n}: ${c.label || c.quote}, ${c.document}, ${place(c)}`,
          tabindex: part.figure && found.length === 1 ? -1 : null,
        },
        c.n,
      ),
    );
    return h("span", { class: "bound" }, text, h("sup", {}, ...marks));
  });
}

function sources(citations, name) {
  const heads = ["No.", "Line and place", "Period and unit", "Figure"];
  const row = (c) =>
    h(
      "tr",
      { "data-n": c.n },
      h("td", { class: "no" }, c.n),
      h("th", { scope: "row" }, h("a", { href: href(c), "data-n": c.n }, c.label || c.quote), h("small", {}, `${c.document} `, h("span", { class: "bound" }, `· ${place(c)}`))),
      h("td", { class: "basis" }, c.period, h("small", {}, c.unit)),
      h("td", { class: "value" }, c.value),
    );
  return h(
    "table",
    { class: "sources" },
    h("caption", { class: "away" }, name),
    h("thead", { class: "away" }, h("tr", {}, ...heads.map((word) => h("th", { scope: "col" }, word)))),
    h("tbody", {}, ...citations.map(row)),
  );
}

function verdict(turn) {
  const { figures = 0, traced = 0 } = turn.answer?.checks ?? {};
  if (turn.state === "answered") {
    if (!figures) return ["busy", "page", "no figures to trace"];
    const words = `checked: ${traced} of ${some(figures, "figure")} traced`;
    return figures === traced ? ["good", "tick", words] : ["warn", "warn", `${words}, ${figures - traced} not`];
  }
  if (turn.state === "declined") return ["busy", "find", "declined, nothing guessed"];
  if (turn.state === "cancelled") return ["busy", "stop", "stopped by you"];
  if (turn.state === "failed") return ["bad", "warn", "not answered"];
  return ["busy", "clock", "working"];
}

function checks(turn) {
  const [kind, sign, words] = verdict(turn);
  const meta = turn.answer && [
    `${turn.answer.engine} engine`,
    turn.total_ms !== null && turn.total_ms !== undefined && `${turn.total_ms.toLocaleString("en")} ms`,
    turn.sent_to ? `sent to ${turn.sent_to}, nothing kept` : "not sent",
  ];
  return h(
    "p",
    { class: "checks" },
    h("span", { class: `state ${kind}` }, icon(sign), words),
    meta && h("span", { class: "meta" }, ...meta.filter(Boolean).map((word) => h("span", {}, word))),
  );
}

const SAID = {
  failed: "This question was not answered. It was kept; ask it again.",
  cancelled: "Stopped before an answer was ready. The question was kept.",
  working: "Reading the documents…",
};

function body(turn) {
  const answer = turn.answer;
  if (!answer) return [h("p", { class: "said muted" }, SAID[turn.state] ?? SAID.working)];
  const found = answer.citations ?? [];
  const near = answer.nearest ?? [];
  const out = [h("p", { class: "said" }, ...runs(answer.parts ?? [{ text: answer.text }], found))];
  if (answer.formula) {
    const equals = h("span", { "aria-hidden": "true" }, "= ");
    out.push(h("p", { class: "formula" }, equals, ...runs(answer.formula_parts ?? [{ text: answer.formula }], found)));
  }
  if (found.length) out.push(sources(found, "Sources"));
  if (answer.declined && answer.looked_for?.length) {
    const words = answer.looked_for.flatMap((word, at) => [at ? ", " : "", h("q", {}, word)]);
    out.push(h("p", { class: "looked" }, h("span", { class: "overline" }, "Looked for"), " ", ...words));
  }
  if (near.length) out.push(h("p", { class: "overline" }, "Nearest"), sources(near, "Nearest lines"));
  return out;
}

export function turnElement(turn) {
  return h(
    "article",
    { class: "turn", id: turn.id, "data-turn": turn.id, "data-state": turn.state, "aria-labelledby": `${turn.id}-q` },
    h("h2", { class: "question", id: `${turn.id}-q` }, turn.question),
    h("div", { class: "answer" }, ...body(turn)),
    checks(turn),
  );
}

/** The sentence that a screen reader hears when an answer is there. */
export const spoken = (turn) => `${turn.answer?.text ?? SAID[turn.state] ?? ""} ${verdict(turn)[2]}.`.replace(/\[(\d+|\?)\]/g, "");
