// In the workspace, files that are being added show in a small tray; a ready one can be asked at once.
import { h, icon, need, tool } from "./dom.js";
import { take } from "./intake.js";
import { notice, toast } from "./notice.js";
import { joined } from "./ask.js";

const WORDS = { uploading: "uploading", queued: "waiting", reading: "reading", indexing: "indexing" };
const tray = h("div", { class: "tray", role: "region", "aria-label": "Documents being added", hidden: true });
need("ask-form").before(tray);

export function add(files) {
  tray.hidden = false;
  take(files, (file, cancel) => {
    const bar = h("progress", { max: 100, value: 0, "aria-label": `Progress of ${file.name}` });
    const word = h("span", { class: "hint" }, "uploading 0 %");
    const row = h("div", { class: "tray-row" }, icon("page"), h("span", { class: "name" }, file.name), word, tool("cross", `Cancel ${file.name}`, cancel), bar);
    tray.append(row);
    const gone = () => {
      row.remove();
      tray.hidden = !tray.children.length;
    };
    const broke = (error) => {
      bar.remove();
      word.textContent = "refused";
      row.append(notice(error));
    };
    return {
      gone,
      broke,
      sent: (percent) => {
        bar.value = percent;
        word.textContent = percent < 100 ? `uploading ${percent} %` : "waiting";
      },
      doc: (doc) => {
        bar.value = doc.progress;
        word.textContent = WORDS[doc.status] ? `${WORDS[doc.status]} ${doc.progress} %` : doc.status;
        if (doc.status === "ready") {
          gone();
          joined(doc);
          toast(`“${doc.name}” is ready to be asked.`);
        }
        if (doc.status === "failed") toast("A document could not be read; the library says why."), gone();
      },
    };
  });
}
