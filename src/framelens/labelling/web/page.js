"use strict";

// The key stands in the address after "#", which a browser sends to nobody.
const key = location.hash.slice(1);
const at = (id) => document.getElementById(id);
let state = null;
let chosen = [];
let busy = false;

function say(text, wrong = false) {
  at("status").textContent = text;
  at("status").classList.toggle("wrong", wrong);
}

async function ask(path, body) {
  if (busy) return;
  busy = true;
  try {
    const options = { headers: { "X-Framelens-Key": key } };
    if (body !== undefined) {
      options.method = "POST";
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(body);
    }
    const answer = await fetch(path, options);
    const content = await answer.json();
    if (!answer.ok) {
      say(content.error, true);
      return;
    }
    state = content;
    show();
    const last = { "/decide": "Saved.", "/skip": "Skipped.", "/undo": "Taken back." }[path] ?? "";
    say(state.sentence ? last : `${last} All ${state.total} sentences are done; the labels are in ${state.output}.`);
  } catch {
    say("The server does not answer: is 'framelens label' still running? Nothing saved so far is lost.", true);
  } finally {
    busy = false;
  }
}

function element(name, text, parent) {
  const made = document.createElement(name);
  made.textContent = text;
  parent.append(made);
  return made;
}

function show() {
  const sentence = state.sentence;
  at("progress").textContent = `${state.done} of ${state.total} done, ${state.annotator}`;
  at("bar").max = Math.max(state.total, 1);
  at("bar").value = state.done;
  at("codebook-text").textContent = state.codebook;
  at("sentence").textContent = sentence ? sentence.text : "All sentences are done.";
  at("before").textContent = sentence ? sentence.before : "";
  at("after").textContent = sentence ? sentence.after : "";
  at("where").textContent = sentence ? sentence.where : "";
  at("labels").hidden = at("skip").hidden = !sentence;
  document.querySelector("button[type=submit]").hidden = !sentence;
  chosen = [...state.chosen];
  at("unsure").checked = state.unsure;
  if (!at("labels").querySelector(".choice")) build();
  mark();
  at("sentence").focus();
}

function build() {
  if (state.single) at("labels").querySelector("legend").textContent = "One label";
  for (const { key: name, label, parts } of state.labels) {
    const choice = element("div", "", at("labels"));
    choice.className = "choice";
    const line = element("label", "", choice);
    const box = element("input", "", line);
    box.type = "checkbox";
    box.value = label;
    box.addEventListener("change", () => toggle(label));
    element("kbd", name, line);
    element("span", label, line);
    element("span", "", line).className = "rank";
    const said = element("dl", "", choice);
    said.id = `said-${name}`;
    box.setAttribute("aria-describedby", said.id);
    for (const [head, text] of parts) {
      const pair = element("div", "", said);
      if (head) element("dt", head, pair);
      element("dd", text, pair);
    }
  }
}

function toggle(label) {
  if (chosen.includes(label)) chosen = chosen.filter((x) => x !== label);
  else chosen = state.single ? [label] : [...chosen, label];
  mark();
}

function mark() {
  for (const choice of at("labels").querySelectorAll(".choice")) {
    const box = choice.querySelector("input");
    const place = chosen.indexOf(box.value);
    box.checked = place >= 0;
    choice.querySelector(".rank").textContent = place === 0 && chosen.length > 1 ? "primary" : "";
  }
}

function save() {
  if (!state?.sentence) return;
  if (state.single && chosen.length === 0) {
    say("One label is needed; s skips the sentence.", true);
    return;
  }
  ask("/decide", { id: state.sentence.id, labels: chosen, unsure: at("unsure").checked });
}

const skip = () => state?.sentence && ask("/skip", { id: state.sentence.id });
const undo = () => ask("/undo", {});

at("form").addEventListener("submit", (event) => { event.preventDefault(); save(); });
at("skip").addEventListener("click", skip);
at("undo").addEventListener("click", undo);

document.addEventListener("keydown", (event) => {
  if (!state || event.ctrlKey || event.altKey || event.metaKey || event.repeat) return;
  const pressed = event.key.toLowerCase();
  if (event.key === "Enter") {
    // On a button, a link or the summary, Enter does what it always does.
    if (event.target.closest("button, summary, a")) return;
    event.preventDefault();
    save();
    return;
  }
  if (!at("shortcuts").checked) return;
  const label = state.labels.find((x) => x.key === pressed);
  const actions = {
    s: skip,
    u: undo,
    "?": () => { at("unsure").checked = !at("unsure").checked; },
    0: () => { chosen = []; mark(); },
    h: () => { at("codebook").open = !at("codebook").open; if (at("codebook").open) at("codebook-text").focus(); },
  };
  const action = label ? () => toggle(label.label) : actions[pressed];
  if (!action) return;
  event.preventDefault();
  action();
});

ask("/state");
