// A result as the fragment of a link. Browsers never send fragments, so that no server sees the text.

import { checked } from "./document.js";

export const LONGEST = 64_000; // characters: what every current browser still opens
export const COMFORTABLE = 8_000; // beyond this, some mail and chat programs cut links
const MOST_BYTES = 32 * 2 ** 20; // of an unpacked link

/** `#z=...` (deflated) or, where the browser cannot compress, `#j=...`: both base64url of compact JSON. */
export async function pack(found) {
  const bytes = new TextEncoder().encode(JSON.stringify(compact(found)));
  if (!globalThis.CompressionStream) return `#j=${toBase64(bytes)}`;
  return `#z=${toBase64(await collect(bytes, new CompressionStream("deflate-raw"), Infinity))}`;
}

/** The document of a fragment; null for a fragment that is no result. Throws where it is damaged. */
export async function unpack(fragment) {
  const [, kind, packed] = /^#([zj])=([\w-]+)$/.exec(fragment) ?? [];
  if (!kind) return null;
  let bytes = fromBase64(packed);
  if (kind === "z") bytes = await collect(bytes, new DecompressionStream("deflate-raw"), MOST_BYTES);
  return checked(expanded(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes))));
}

/** Short forms: labels as indices, scores in thousandths, spans as [start, end, name?]. */
function compact({ text, labels, model, sentences }) {
  const thousandths = (score) => (score === undefined ? null : Math.round(1000 * score));
  const place = (span) => (span.name ? [span.start, span.end, span.name] : [span.start, span.end]);
  return {
    v: 1, text, labels, model,
    s: sentences.map((s) => [
      s.start, s.end, s.frames.map((f) => labels.indexOf(f)), s.frame === null ? -1 : labels.indexOf(s.frame),
      labels.map((label) => thousandths(s.scores[label])),
      s.source ? place(s.source) : 0,
      s.stances.map((x) => [place(x.target), x.label, thousandths(x.score)]),
    ]),
  };
}

function expanded(data) {
  if (data?.v !== 1) throw new Error("it is of another version");
  const place = ([start, end, name]) => ({ start, end, name });
  return {
    text: data.text, labels: data.labels, model: data.model,
    sentences: data.s.map(([start, end, frames, frame, scores, source, stances]) => ({
      start, end, frames: frames.map((i) => data.labels[i]), frame: frame < 0 ? null : data.labels[frame],
      scores: Object.fromEntries(data.labels.map((label, i) => [label, scores[i] === null ? undefined : scores[i] / 1000])),
      source: source ? place(source) : null,
      stances: stances.map(([target, label, score]) => ({ target: place(target), label, score: score / 1000 })),
    })),
  };
}

async function collect(bytes, transform, most) {
  const chunks = [];
  let size = 0;
  for await (const chunk of readable(new Blob([bytes]).stream().pipeThrough(transform))) {
    size += chunk.length;
    if (size > most) throw new Error("it is too large");
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

async function* readable(stream) { // not every browser can iterate a stream itself
  const reader = stream.getReader();
  for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) yield value;
}

function toBase64(bytes) {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

function fromBase64(packed) {
  return Uint8Array.from(atob(packed.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}
