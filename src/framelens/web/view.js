// The result on the page: bar and filters, article, details of a sentence, table of sources.

import { byId, element, percent, plural } from "./dom.js";
import { bySource, nameOf, slicer, sourceOf } from "./document.js";

const LINES = 5; // line styles in style.css; with the palette's colours they tell apart more frames than anybody codes
const NONE = "\0none"; // no label can be called that

export class View {
  /** `about` is what the server says of itself at /labels. */
  constructor(about) {
    this.about = about;
    this.known = new Map(about.labels.map((label) => [label.name, label]));
    this.article = byId("article");
    this.wire();
  }

  show(found) {
    this.found = found;
    this.frames = new Set();
    byId("only").checked = false;
    this.showArticle();
    this.showFrames();
    this.showMeanings();
    this.showSources();
    this.chosen = null; // of the sentences before
    this.filter();
    byId("result").hidden = false;
  }

  // Frames: number, colour and line style follow from the place of the label.

  place(frame) {
    return this.found.labels.indexOf(frame);
  }

  look(frame) {
    const i = this.place(frame);
    const colour = this.about.palette[i % this.about.palette.length];
    return { class: `line-${i % LINES}`, vars: { "--c": colour, "--on": inkOn(colour) } };
  }

  badge(frame) {
    const { vars } = this.look(frame);
    return element("span", { class: "badge", vars, "aria-hidden": "true" }, String(this.place(frame) + 1));
  }

  named(frame) {
    const { class: line, vars } = this.look(frame);
    return element("span", { class: `frame-name ${line}`, vars }, readable(frame));
  }

  showFrames() {
    const { sentences, labels } = this.found;
    const all = Math.max(sentences.length, 1);
    const primary = (frame) => sentences.filter((s) => s.frame === frame).length / all;
    const shares = labels.map((frame) => [frame, primary(frame)]);
    const none = primary(null);
    byId("bar").replaceChildren(
      ...shares.filter(([, share]) => share).map(([frame, share]) => element(
        "span", { vars: { ...this.look(frame).vars, "--share": share }, title: `${readable(frame)}: ${percent(share)}` },
        share > 0.04 ? String(this.place(frame) + 1) : "",
      )),
      ...(none ? [element("span", { class: "none", vars: { "--share": none }, title: `no frame: ${percent(none)}` }, none > 0.15 ? "no frame" : "")] : []),
    );
    const spoken = [...shares.map(([frame, share]) => `${readable(frame)} ${percent(share)}`), `no frame ${percent(none)}`];
    byId("bar").setAttribute("aria-label", `Share of sentences by primary frame: ${spoken.join(", ")}`);
    const carrying = (frame) => sentences.filter((s) => s.frames.includes(frame)).length;
    byId("frames").replaceChildren(
      ...labels.map((frame, i) => this.frameButton(frame, carrying(frame), all, [this.badge(frame), this.named(frame)], `frame-${i}`)),
      this.frameButton(NONE, sentences.filter((s) => !s.frames.length).length, all, ["no frame"]),
    );
  }

  /** The descriptions are text on the page and not titles of buttons: those need a mouse. */
  showMeanings() {
    const { labels, sentences } = this.found;
    const described = labels.filter((frame) => this.known.get(frame)?.description);
    byId("meanings-body").replaceChildren(...described.flatMap((frame) => [
      element("dt", {}, this.badge(frame), " ", this.named(frame)),
      element("dd", {}, this.known.get(frame).description),
    ]));
    byId("meanings").hidden = !described.length;
    byId("unframed").hidden = !sentences.length || sentences.some((s) => s.frames.length);
  }

  frameButton(frame, count, all, content, id) {
    const button = element("button", { type: "button", "aria-pressed": "false", "data-frame": frame }, ...content);
    if (id) button.lastChild.id = id; // what a sentence with this frame is described by
    button.append(element("span", { class: "quiet" }, `${count} · ${percent(count / all)}`));
    return button;
  }

  showSources() {
    const rows = bySource(this.found.sentences, this.about.author);
    byId("source").replaceChildren(
      element("option", { value: "" }, "all"),
      ...rows.map((row) => element("option", { value: row.name }, `${shorten(row.name)} (${row.sentences})`)),
    );
    byId("who").replaceChildren(...rows.map((row) => element(
      "tr", { role: "row" },
      element("th", { scope: "row", role: "rowheader" }, element("button", { type: "button", "data-source": row.name, "aria-pressed": "false" }, row.name)),
      cell("Sentences", String(row.sentences)),
      cell("Frames", entries(row.frames, (frame, n) => [this.badge(frame), " ", this.named(frame), ` ${n}`])),
      cell("Toward", entries(row.targets, (target, stances) => [
        `${target}: `, [...stances].map(([label, n]) => `${label} ${n}`).join(", "),
      ])),
    )));
  }

  showArticle() {
    const { text, sentences } = this.found;
    const slice = slicer(text);
    const parts = new DocumentFragment();
    let at = 0;
    this.nodes = sentences.map((sentence, i) => {
      if (sentence.start > at) parts.append(element("span", { class: "between" }, slice(at, sentence.start)));
      const node = element("span", { class: "s", role: "button", "aria-roledescription": "sentence", "aria-pressed": "false", tabindex: i ? -1 : 0, "data-index": i }, sentence.text);
      if (sentence.frame !== null) {
        const { class: line, vars } = this.look(sentence.frame);
        node.classList.add("framed", line);
        Object.entries(vars).forEach(([property, value]) => node.style.setProperty(property, value));
        node.style.setProperty("--score", sentence.scores[sentence.frame] ?? 1);
        node.setAttribute("data-number", sentence.frames.map((f) => this.place(f) + 1).join("+") || this.place(sentence.frame) + 1);
        node.setAttribute("aria-describedby", sentence.frames.map((f) => `frame-${this.place(f)}`).join(" "));
      }
      parts.append(node);
      at = sentence.end;
      return node;
    });
    parts.append(element("span", { class: "between" }, slice(at, Infinity)));
    this.article.replaceChildren(sentences.length ? parts : "No sentences.");
  }

  showDetails(index) {
    const body = byId("details-body");
    if (index === null) return body.replaceChildren(element("p", { class: "quiet" }, "None chosen."));
    const sentence = this.found.sentences[index];
    const ranked = this.found.labels.filter((l) => Object.hasOwn(sentence.scores, l)).sort((a, b) => sentence.scores[b] - sentence.scores[a]);
    return body.replaceChildren(
      element("blockquote", {}, sentence.text),
      element("dl", {},
        element("dt", {}, "Frames"),
        element("dd", {}, ...ranked.map((label) => this.score(label, sentence))),
        element("dt", {}, "Source"),
        element("dd", {}, sourceOf(sentence, this.about.author), ...wording(sentence.source)),
        element("dt", {}, "Stance"),
        element("dd", {}, sentence.stances.length
          ? element("ul", {}, ...sentence.stances.map((x) => element("li", {}, `${x.label} `, element("b", {}, nameOf(x.target)), ` (${x.score.toFixed(2)})`)))
          : "none found"),
      ),
    );
  }

  score(label, sentence) {
    const score = sentence.scores[label];
    const threshold = this.known.get(label)?.threshold;
    const carried = sentence.frames.includes(label);
    return element("div", { class: `score ${carried ? "" : "below"}`, vars: { ...this.look(label).vars, "--score": score, "--threshold": threshold ?? 0 } },
      this.badge(label), element("span", {}, readable(label)), element("b", {}, score.toFixed(2)),
      element("span", { class: "track" }, element("span", { class: "fill" }), ...(threshold === undefined ? [] : [element("span", { class: "threshold", title: `counts from ${threshold}` })])),
      element("span", { class: "visually-hidden" }, carried ? "carried" : "below its threshold"));
  }

  // Filters and choice.

  matching(sentence) {
    const source = byId("source").value;
    const frame = !this.frames.size || sentence.frames.some((f) => this.frames.has(f)) || (!sentence.frames.length && this.frames.has(NONE));
    return frame && (!source || sourceOf(sentence, this.about.author) === source);
  }

  filter() {
    const { sentences } = this.found;
    const source = byId("source").value;
    const on = sentences.map((s) => this.matching(s));
    this.nodes.forEach((node, i) => node.classList.toggle("off", !on[i]));
    if (this.chosen === null || !on[this.chosen]) this.choose(null); // no details of a sentence that was left out
    const filtered = this.frames.size > 0 || source !== "";
    this.article.classList.toggle("only", filtered && byId("only").checked);
    byId("clear").hidden = !filtered;
    byId("matches").textContent = filtered ? `${on.filter(Boolean).length} of ${plural(sentences.length, "sentence")} match.` : plural(sentences.length, "sentence") + ".";
    for (const button of byId("frames").children) button.setAttribute("aria-pressed", this.frames.has(button.dataset.frame));
    for (const button of byId("who").querySelectorAll("button")) button.setAttribute("aria-pressed", button.dataset.source === source);
  }

  choose(index) {
    if (this.chosen !== null) {
      this.nodes[this.chosen].classList.remove("chosen");
      this.nodes[this.chosen].setAttribute("aria-pressed", "false");
    }
    this.chosen = index;
    byId("details").classList.toggle("open", index !== null);
    if (index !== null) {
      this.nodes[index].classList.add("chosen");
      this.nodes[index].setAttribute("aria-pressed", "true");
    }
    this.showDetails(index);
    if (index !== null) this.nodes[index].scrollIntoView({ block: "nearest" });
  }

  /** Only one sentence at a time is a tab stop: an article of a thousand must not cost a thousand key strokes. */
  focus(index) {
    this.article.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    this.nodes[index].setAttribute("tabindex", "0");
    this.nodes[index].focus({ preventScroll: true });
  }

  move(from, step) {
    const { sentences } = this.found;
    for (let i = from + step; i >= 0 && i < sentences.length; i += step) {
      if (this.matching(sentences[i])) return this.focus(i);
    }
    return undefined;
  }

  wire() {
    const indexOf = (event) => {
      const node = event.target.closest?.(".s");
      return node ? Number(node.dataset.index) : null;
    };
    const hovers = matchMedia("(hover: hover)");
    this.article.addEventListener("pointerover", (event) => {
      const index = indexOf(event);
      if (index !== null && this.chosen === null && hovers.matches && event.pointerType === "mouse") this.showDetails(index);
    });
    this.article.addEventListener("click", (event) => {
      const index = indexOf(event);
      if (index === null || !getSelection().isCollapsed) return; // text is being selected
      this.focus(index);
      this.choose(index);
    });
    this.article.addEventListener("focusin", (event) => {
      const index = indexOf(event);
      if (index !== null) this.choose(index);
    });
    this.article.addEventListener("keydown", (event) => {
      const index = indexOf(event);
      if (index === null || event.ctrlKey || event.metaKey || event.altKey) return;
      const moves = {
        ArrowDown: () => this.move(index, 1), ArrowRight: () => this.move(index, 1),
        ArrowUp: () => this.move(index, -1), ArrowLeft: () => this.move(index, -1),
        Home: () => this.move(-1, 1), End: () => this.move(this.nodes.length, -1),
        Enter: () => this.choose(index), " ": () => this.choose(index), Escape: () => this.choose(null),
      };
      if (!(event.key in moves)) return;
      event.preventDefault();
      moves[event.key]();
    });
    byId("close").addEventListener("click", () => this.choose(null));
    byId("frames").addEventListener("click", (event) => {
      const frame = event.target.closest("button")?.dataset.frame;
      if (frame === undefined) return;
      if (!this.frames.delete(frame)) this.frames.add(frame);
      this.filter();
    });
    byId("who").addEventListener("click", (event) => {
      const name = event.target.closest("button")?.dataset.source;
      if (name === undefined) return;
      byId("source").value = byId("source").value === name ? "" : name;
      this.filter();
    });
    byId("source").addEventListener("change", () => this.filter());
    byId("only").addEventListener("change", () => this.filter());
    byId("clear").addEventListener("click", () => {
      this.frames.clear();
      byId("source").value = "";
      this.filter();
    });
  }
}

// On a phone the cells stand below one another: the label takes the place of the header, the role that of the lost table layout.
const cell = (label, content) => element("td", { role: "cell", "data-label": label }, content);
/** Black or white, whichever stands out from `#rrggbb` (relative luminance as in WCAG). */
function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => (parseInt(colour.slice(at, at + 2), 16) / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.18 ? "#14181c" : "#ffffff";
}

const readable = (frame) => frame.replaceAll("_", " ");
const shorten = (name) => (name.length > 60 ? `${name.slice(0, 59)}…` : name);
const wording = (source) => (source?.name && source.name !== source.text ? [element("span", { class: "quiet" }, ` (“${source.text}”)`)] : []);
const entries = (map, content) => (map.size ? element("ul", {}, ...[...map].map(([key, value]) => element("li", {}, ...content(key, value)))) : "–");
