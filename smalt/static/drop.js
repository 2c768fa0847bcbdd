// Files dropped anywhere on a page go to the library.
import { h, icon } from "./dom.js";

const cover = h("div", { class: "drop-cover", hidden: true }, icon("up"), h("p", {}, "Drop to add to the library"));
document.body.append(cover);

/** @type {(files: File[]) => void} */
let taken = () => {};

export function onDrop(take) {
  taken = take;
}

let depth = 0;
const files = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragenter", (event) => {
  if (files(event)) cover.hidden = ++depth < 1;
});
addEventListener("dragleave", (event) => {
  if (files(event)) cover.hidden = --depth < 1;
});
addEventListener("dragover", (event) => files(event) && event.preventDefault());
addEventListener("drop", (event) => {
  if (!files(event)) return;
  event.preventDefault();
  depth = 0;
  cover.hidden = true;
  taken([...(event.dataTransfer?.files ?? [])]);
});
