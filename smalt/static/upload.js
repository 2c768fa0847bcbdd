// Uploading with real progress, then following the reading until the document is ready or refused.
import { Problem, call, paths, problemOf } from "./api.js";

/** Sends one file; resolves with the document, rejects with a Problem or, when cancelled, with an AbortError. */
export function upload(file, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const body = new FormData();
    body.append("file", file, file.name);
    request.open("POST", paths.documents);
    request.responseType = "json";
    request.setRequestHeader("Accept", "application/json");
    request.setRequestHeader("Idempotency-Key", crypto.randomUUID());
    request.upload.addEventListener("progress", (event) => event.lengthComputable && progress(Math.floor((100 * event.loaded) / event.total)));
    request.addEventListener("load", () => {
      if (request.status >= 200 && request.status < 300) resolve(request.response);
      else reject(problemOf(request.response, request.status));
    });
    request.addEventListener("error", () =>
      reject(new Problem({ code: "network.unreachable", happened: "The upload broke off.", kept: "Nothing of this file was stored.", todo: "Check the connection and add it again." })),
    );
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

const SETTLED = new Set(["ready", "failed"]);
const MOST_STREAMS = 3; // browsers open six connections to one host; pages and answers need theirs
let streams = 0;

/** Follows a document until it is settled. Events where a connection is free, asking now and then otherwise. */
export async function follow(doc, changed, signal) {
  if (SETTLED.has(doc.status)) return;
  if (streams < MOST_STREAMS && (await streamed(doc.id, changed, signal))) return;
  for (let wait = 800; !signal.aborted; wait = Math.min(wait * 1.3, 3000)) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    if (signal.aborted) return;
    const now = await call("GET", paths.document(doc.id)).catch((error) => {
      if (error instanceof Problem && error.facts.status === 404) return { ...doc, status: "failed", failure: null };
      return null;
    });
    if (now) changed(now);
    if (now && SETTLED.has(now.status)) return;
  }
}

/** Returns whether the document settled. */
function streamed(id, changed, signal) {
  streams += 1;
  return new Promise((resolve) => {
    const source = new EventSource(paths.events(id));
    const done = (settled) => {
      source.close();
      streams -= 1;
      resolve(settled);
    };
    const heard = (event) => {
      const doc = JSON.parse(event.data);
      changed(doc);
      if (SETTLED.has(doc.status)) done(true);
    };
    source.addEventListener("document", heard);
    source.addEventListener("error", () => done(false), { once: true });
    signal.addEventListener("abort", () => done(true), { once: true });
  });
}
