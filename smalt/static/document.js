// The document view: keys for its pages, the marked place in view, the row and heads around a cited cell.
import { need } from "./dom.js";
import { bind } from "./keys.js";
import { imagePage, pageOf, reveal } from "./leaf.js";

const stage = need("stage");
const turn = (rel) => document.querySelector(`a[rel="${rel}"]`)?.click();

bind(
  { keys: ["ArrowLeft"], says: "previous page", run: () => turn("prev") },
  { keys: ["ArrowRight"], says: "next page", run: () => turn("next") },
  { keys: ["/"], says: "find in the document", run: (event) => (event.preventDefault(), need("find").focus()) },
);

const { document: id = "", page = "0", box, name = "" } = stage.dataset;
if (box) {
  // The server marks the cell; the row and its heads are found here.
  const target = { box: box.split(",").map(Number) };
  pageOf(id, Number(page))
    .then((found) => {
      const view = imagePage(id, found, target, name);
      const marks = view.querySelector(".marks");
      if (marks) stage.querySelector(".marks")?.replaceWith(marks);
    })
    .catch(() => null);
}
reveal(stage);
const next = document.querySelector('a[rel="next"]');
if (next && stage.querySelector("img")) new Image().src = `/api/v1/documents/${id}/pages/${Number(page) + 1}.png`;
