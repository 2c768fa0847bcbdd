// One page of a document as elements: the image with marks in PDF points, the grid of a sheet, or lines of text.
import { h, s } from "./dom.js";
import { call, paths } from "./api.js";

/** @type {Map<string, Promise<Page>>} */
const kept = new Map();

/** A page's text and tables; kept for the visit of this page only. `number`: 0-based. `sheet`: its name says which, if it has one. */
export function pageOf(document, number, sheet) {
  const key = JSON.stringify([document, number, sheet ?? null]);
  let page = kept.get(key);
  if (!page) {
    page = call("GET", paths.page(document, number) + (sheet ? `?${new URLSearchParams({ sheet })}` : ""));
    kept.set(key, page);
    page.catch(() => kept.delete(key));
    if (kept.size > 60) kept.delete(kept.keys().next().value ?? "");
  }
  return page;
}

const rect = (box, pad, kind) =>
  s("rect", { class: kind, x: box[0] - pad, y: box[1] - pad, width: box[2] - box[0] + 2 * pad, height: box[3] - box[1] + 2 * pad, rx: 1 });

function overlap(a, b, axis) {
  const shared = Math.min(a[axis + 2], b[axis + 2]) - Math.max(a[axis], b[axis]);
  return shared / Math.max(1, Math.min(a[axis + 2] - a[axis], b[axis + 2] - b[axis]));
}

/** Where a citation stands on its page: the row, and the heads over the cell. */
export function locate(page, box) {
  for (const table of page.tables) {
    const row = table.rows.find((r) => r.box && overlap(r.box, box, 1) > 0.5 && overlap(r.box, box, 0) > 0.1);
    if (!row || !row.box) continue;
    const heads = table.header.flatMap((r) => r.cells.filter((c) => c.box && c.box[3] <= box[1] + 1 && overlap(c.box, box, 0) > 0.3));
    return {
      row: row.box,
      heads: heads.map((c) => ({ text: c.text, box: c.box })),
      title: table.above.at(-1) ?? "",
    };
  }
  return { row: null, heads: [], title: "" };
}

/** The image of a page with the target marked. */
export function imagePage(document, page, target, name) {
  const picture = h("img", {
    src: paths.image(document, page.number),
    width: Math.round(page.width),
    height: Math.round(page.height),
    alt: `Page ${page.number + 1} of ${name}`,
    error: () => picture.replaceWith(h("p", { class: "lost" }, "The image of this page could not be loaded. Its text is kept; try again.")),
  });
  const marks = s("svg", { class: "marks fresh", viewBox: `0 0 ${page.width} ${page.height}`, "aria-hidden": "true" });
  if (target.box) {
    const box = target.box;
    const at = locate(page, box);
    if (at.row) {
      const left = Math.min(at.row[0], box[0]);
      marks.append(rect([left, at.row[1], Math.max(at.row[2], box[2]), at.row[3]], 2, "mark-row"));
      marks.append(rect([left - 11, at.row[1] - 2, left - 8, at.row[3] + 2], 0, "mark-head"));
    }
    for (const head of at.heads) marks.append(rect([head.box[0], head.box[3] + 0.5, head.box[2], head.box[3] + 2], 0, "mark-head"));
    marks.append(rect(box, 2, "mark-cell"));
  }
  return h("div", { class: "sheet-page" }, picture, marks);
}

const AROUND = 14;
const NUMBER = /^[\s$€£¥(−–-]*[\d.,]+[)\s%]*$/;

/** The grid of a sheet around a cell; all of it without one. */
export function gridPage(grid, ref) {
  const found = /^\$?([A-Z]+)\$?(\d+)/.exec((ref ?? "").split(":")[0]);
  const [column, number] = found ? [found[1], Number(found[2])] : ["", 0];
  const at = grid.rows.findIndex((row) => row.index === number);
  const rows = at < 0 ? grid.rows.slice(0, 2 * AROUND) : [...grid.rows.slice(0, at > AROUND ? 1 : 0), ...grid.rows.slice(Math.max(0, at - AROUND), at + AROUND + 1)];
  return h(
    "div",
    { class: "grid-page", tabindex: 0, role: "group", "aria-label": "Sheet" },
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, h("th", {}, h("span", { class: "away" }, "Row")), ...grid.columns.map((c) => h("th", { scope: "col", class: c === column && "in-column" }, c)))),
      h(
        "tbody",
        {},
        ...rows.map((row) =>
          h(
            "tr",
            { class: [row.bold && "bold", row.index === number && "in-row"].filter(Boolean).join(" ") || null },
            h("th", { scope: "row" }, row.index),
            ...row.cells.map((cell, i) =>
              h(
                "td",
                { class: [NUMBER.test(cell?.text ?? "") && "num", row.index === number && grid.columns[i] === column && "the-cell"].filter(Boolean).join(" ") || null, title: (cell?.text.length ?? 0) > 32 && cell?.text },
                cell?.text,
              ),
            ),
          ),
        ),
      ),
    ),
  );
}

const plain = (text) => text.replace(/\s+/g, " ").trim().toLowerCase();

/** Lines of text with the quoted ones marked. */
export function textPage(page, quote) {
  const wanted = plain(quote ?? "");
  const lines = page.lines.length ? page.lines.map((l) => l.text) : page.tables.flatMap((t) => t.rows.map((r) => [r.label, ...r.cells.map((c) => c.text)].join("   ")));
  let left = wanted;
  return h(
    "div",
    { class: "text-page" },
    ...lines.map((line) => {
      const said = plain(line);
      const whole = wanted && said.includes(wanted);
      const piece = !whole && left && said.length > 12 && left.includes(said);
      if (piece) left = left.slice(left.indexOf(said) + said.length);
      if (!whole && !piece) return h("p", {}, line);
      const start = whole ? line.toLowerCase().indexOf(wanted) : -1;
      const parts = start < 0 ? [h("mark", {}, line)] : [line.slice(0, start), h("mark", {}, line.slice(start, start + wanted.length)), line.slice(start + wanted.length)];
      return h("p", { class: "mark-line" }, ...parts);
    }),
  );
}

/** Whichever of the three the page is. */
export function leaf(document, page, target, name) {
  if (page.grid) return gridPage(page.grid, target.cell);
  if (page.width > 0 && page.height > 0) return imagePage(document, page, target, name);
  return textPage(page, target.quote);
}

const MARGIN = 20; // points left around the text

/** Sets a page so that its text fills the width: what was printed small stays legible in a narrow pane. */
export function fit(view, page) {
  const boxes = page.lines.flatMap((line) => (line.box ? [line.box] : []));
  if (!boxes.length) return;
  const left = Math.max(0, Math.min(...boxes.map((box) => box[0])) - MARGIN);
  const right = Math.min(page.width, Math.max(...boxes.map((box) => box[2])) + MARGIN);
  const scale = Math.min(1.6, page.width / Math.max(1, right - left));
  view.style.setProperty("--fit", String(scale));
  view.dataset.left = String(left / page.width);
}

/** Brings the marked place to the middle of its scroller. */
export function reveal(stage) {
  const mark = stage.querySelector(".mark-cell, .the-cell, .mark-line");
  if (!mark) return;
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const box of [stage, stage.querySelector(".grid-page")]) {
    if (!(box instanceof HTMLElement) || !box.contains(mark)) continue;
    const [a, b] = [mark.getBoundingClientRect(), box.getBoundingClientRect()];
    const top = box.scrollTop + a.top - b.top - (b.height - a.height) * 0.4;
    const fitted = box.querySelector(".sheet-page[data-left]:not(.large)");
    const across = box.scrollLeft + a.left - b.left;
    const least = Math.max(0, across + a.width - b.width + 8); // what names the row stands at the left
    const centred = across - (b.width - a.width) / 2;
    const left = fitted ? Number(fitted.dataset.left) * fitted.clientWidth : box === stage ? centred : least;
    box.scrollTo({ top, left, behavior: calm ? "auto" : "smooth" });
  }
}
