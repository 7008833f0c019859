// A document as the server sends it: checks for one that comes from a link or a file, and sums over its sentences.

/** Slices by Unicode characters, as the server counts them; JavaScript's own strings count UTF-16 units. */
export function slicer(text) {
  if (!/[\ud800-\udfff]/.test(text)) return (start, end) => text.slice(start, end);
  const characters = Array.from(text);
  return (start, end) => characters.slice(start, end).join("");
}

/** The document, or an error that says what is wrong with it. Only known fields are kept. */
export function checked(data) {
  const text = want(data?.text, "string", "text");
  const slice = slicer(text);
  const labels = list(data.labels, "labels").map((name) => want(name, "string", "a label"));
  let last = 0;
  const sentences = list(data.sentences, "sentences").map((s, i) => {
    const at = `sentence ${i + 1}`;
    const sentence = { ...span(s, slice, at), frame: null, frames: [], scores: {}, source: null, stances: [] };
    if (sentence.start < last) throw new Error(`${at} overlaps the one before`);
    last = sentence.end;
    sentence.frames = list(s.frames, `${at}: frames`).map((f) => known(f, labels, at));
    sentence.frame = s.frame === null || s.frame === undefined ? null : known(s.frame, labels, at);
    for (const label of labels) if (typeof s.scores?.[label] === "number") sentence.scores[label] = clamp(s.scores[label]);
    if (s.source) sentence.source = span(s.source, slice, `${at}: source`);
    sentence.stances = list(s.stances ?? [], `${at}: stances`).map((x) => ({
      target: span(x?.target, slice, `${at}: target`),
      label: want(x.label, "string", `${at}: stance`),
      score: clamp(want(x.score, "number", `${at}: stance score`)),
    }));
    return sentence;
  });
  return { text, sentences, labels, model: typeof data.model === "string" ? data.model : "" };
}

function span(data, slice, at) {
  const { start, end } = data ?? {};
  if (!Number.isInteger(start) || !Number.isInteger(end) || start < 0 || end < start) throw new Error(`${at} has no place in the text`);
  const text = slice(start, end);
  if (end > start && slice(end - 1, end) === "") throw new Error(`${at} ends beyond the text`);
  if (data.text !== undefined && data.text !== text) throw new Error(`${at} is not what the text has in its place`);
  return { text, start, end, ...(typeof data.name === "string" && { name: data.name }) };
}

function want(value, type, what) {
  if (typeof value !== type) throw new Error(`${what} is missing`);
  return value;
}

function list(value, what) {
  if (!Array.isArray(value)) throw new Error(`${what} are missing`);
  return value;
}

function known(frame, labels, at) {
  if (!labels.includes(frame)) throw new Error(`${at} has a frame that is not among the labels`);
  return frame;
}

const clamp = (score) => Math.min(Math.max(score, 0), 1);

export const nameOf = (span) => span.name || span.text;
export const sourceOf = (sentence, author) => (sentence.source ? nameOf(sentence.source) : author);

/** One row a source, the most quoted first: its sentences, a count per frame, and per target a count per stance. */
export function bySource(sentences, author) {
  const rows = new Map();
  for (const sentence of sentences) {
    const name = sourceOf(sentence, author);
    if (!rows.has(name)) rows.set(name, { name, sentences: 0, frames: new Map(), targets: new Map() });
    const row = rows.get(name);
    row.sentences += 1;
    sentence.frames.forEach((frame) => count(row.frames, frame));
    for (const stance of sentence.stances) {
      const target = nameOf(stance.target);
      if (!row.targets.has(target)) row.targets.set(target, new Map());
      count(row.targets.get(target), stance.label);
    }
  }
  return [...rows.values()].sort((a, b) => b.sentences - a.sentences);
}

const count = (map, key) => map.set(key, (map.get(key) ?? 0) + 1);
