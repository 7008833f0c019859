// The page: input, request, and what is kept of a result.

import { Failure, classify, labels, useKey } from "./api.js";
import { byId, plural } from "./dom.js";
import { checked } from "./document.js";
import { download, readFile, toCsv } from "./files.js";
import { COMFORTABLE, LONGEST, pack, unpack } from "./link.js";
import { View } from "./view.js";

let about = null; // what the server says of itself
let view = null;
let running = null; // AbortController of the request at work

const say = (text) => { byId("status").textContent = text; };

function complain(error) {
  byId("error").textContent = error.message;
  byId("error").hidden = false;
  if (error.status === 401) {
    byId("key-row").hidden = false;
    byId("key").focus();
  }
}

function calm() {
  byId("error").hidden = true;
  say("");
}

/** What the server knows; asked for again until it has answered once. */
async function meet() {
  if (about) return;
  useKey(byId("key").value);
  about = await labels();
  view = new View(about);
  byId("model").textContent = about.model;
  byId("targets-row").hidden = !about.tasks.includes("stance");
}

async function read() {
  if (running) return;
  const text = byId("text").value;
  calm();
  if (!text.trim()) return complain(new Failure("There is no text yet: paste an article or open a file."));
  running = new AbortController();
  byId("read").disabled = true;
  byId("cancel").hidden = false;
  byId("status").classList.add("busy");
  try {
    say("Reading");
    await meet();
    const size = new Blob([text]).size;
    if (size > about.limits.body_bytes) throw new Failure(`The text has ${kib(size)}; this server accepts ${kib(about.limits.body_bytes)} at once.`);
    const targets = byId("targets").value.split(",").map((t) => t.trim()).filter(Boolean);
    const found = await classify(text, targets, running.signal);
    present(found, "");
    say(`${plural(found.sentences.length, "sentence")} read.`);
    byId("article-heading").focus({ preventScroll: true });
    byId("result").scrollIntoView({ block: "start" });
  } catch (error) {
    say(error.name === "AbortError" ? "Cancelled." : "");
    if (error.name !== "AbortError") complain(error);
  } finally {
    running = null;
    byId("read").disabled = false;
    byId("cancel").hidden = true;
    byId("status").classList.remove("busy");
  }
  return undefined;
}

function present(found, origin) {
  view.show(found);
  byId("origin").textContent = origin;
  byId("origin").hidden = !origin;
  byId("kept").textContent = "";
  byId("link-row").hidden = true;
}

/** A text goes into the field; a result that was downloaded as JSON is shown again. */
async function open(file) {
  calm();
  try {
    const { text, remark } = await readFile(file);
    const result = asResult(text);
    if (result) {
      await meet();
      byId("text").value = result.text;
      present(result, `From the file ${file.name}; read by ${result.model || "an unnamed model"}.`);
    } else {
      byId("text").value = text;
    }
    count();
    say(remark || `${file.name} is open.`);
  } catch (error) {
    complain(error);
  }
}

function asResult(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    return null; // an article
  }
  return data && Array.isArray(data.sentences) ? checked(data) : null;
}

async function openLink() {
  if (!/^#[zj]=/.test(location.hash)) return;
  calm();
  let found;
  try {
    found = await unpack(location.hash);
    if (!found) throw new Error("it is not complete");
  } catch (error) {
    complain(new Failure(`This link holds no result that can be shown: ${error.message}. It may have been cut.`));
    return;
  }
  byId("text").value = found.text;
  count();
  present(found, `From a link: its maker vouches for text and result, this server did not read it. Model: ${found.model || "unnamed"}.`);
}

async function copyLink() {
  const fragment = await pack(view.found);
  const kept = byId("kept");
  if (fragment.length > LONGEST) {
    kept.textContent = `This result needs a link of ${fragment.length.toLocaleString("en")} characters; browsers open up to ${LONGEST.toLocaleString("en")}. `
      + "Download it as JSON instead: this page opens that file again.";
    return;
  }
  const url = location.href.split("#")[0] + fragment;
  byId("link-out").value = url;
  byId("link-row").hidden = false;
  const long = fragment.length > COMFORTABLE ? ` It has ${fragment.length.toLocaleString("en")} characters, and some mail programs cut such links.` : "";
  try {
    await navigator.clipboard.writeText(url);
    kept.textContent = `The link is copied.${long}`;
  } catch { // no permission, or no secure context
    byId("link-out").select();
    kept.textContent = `Copy the link from the field.${long}`;
  }
}

function count() {
  const words = byId("text").value.match(/\S+/g)?.length ?? 0;
  byId("count").textContent = words ? plural(words, "word") : "";
}

const kib = (bytes) => `${Math.ceil(bytes / 1024).toLocaleString("en")} KiB`;

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  useKey(byId("key").value);
  read();
});
byId("text").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) byId("form").requestSubmit();
});
byId("text").addEventListener("input", count);
byId("cancel").addEventListener("click", () => running?.abort());
byId("file").addEventListener("change", ({ target }) => {
  if (target.files[0]) open(target.files[0]);
  target.value = "";
});
byId("csv").addEventListener("click", () => download("framelens.csv", "text/csv", toCsv(view.found)));
byId("json").addEventListener("click", () => download("framelens.json", "application/json", JSON.stringify(view.found)));
byId("link").addEventListener("click", copyLink);
addEventListener("hashchange", () => meet().then(openLink, complain));

const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", (event) => {
  if (!holdsFile(event)) return;
  event.preventDefault();
  document.body.classList.add("dropping");
});
addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) document.body.classList.remove("dropping");
});
addEventListener("drop", (event) => {
  document.body.classList.remove("dropping");
  if (!holdsFile(event)) return;
  event.preventDefault();
  if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
});

meet().then(openLink, complain);
