// Files in and out.

import { nameOf } from "./document.js";

const MOST_BYTES = 64 * 2 ** 20;

/** The text of a file, and a remark where its bytes were not UTF-8. */
export async function readFile(file) {
  if (file.size > MOST_BYTES) throw new Error(`${file.name} has ${Math.ceil(file.size / 2 ** 20)} MiB; accepted: at most ${MOST_BYTES / 2 ** 20}`);
  const bytes = new Uint8Array(await file.arrayBuffer());
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (text.includes("\0")) throw new Error(`${file.name} is not a text file`);
    return { text, remark: "" };
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    if (bytes.includes(0)) throw new Error(`${file.name} is not a text file`);
    return { text: new TextDecoder("windows-1252").decode(bytes), remark: `${file.name} is not UTF-8; it was read as Windows-1252.` };
  }
}

/** The rows of `framelens classify --format csv`. */
export function toCsv({ sentences, labels }) {
  const header = ["sentence", "start", "end", "text", "frame", "frames", ...labels.map((l) => `score_${l}`), "source", "source_name", "stances"];
  const rows = sentences.map((s, i) => [
    i, s.start, s.end, s.text, s.frame ?? "", s.frames.join(";"), ...labels.map((l) => s.scores[l] ?? ""),
    s.source?.text ?? "", s.source ? nameOf(s.source) : "", s.stances.map((x) => `${nameOf(x.target)}=${x.label}`).join(";"),
  ]);
  return "\ufeff" + [header, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

/** Quoted where needed. A text that a spreadsheet would run as a formula gets an apostrophe in front, which it shows as text. */
function cell(value) {
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function download(name, type, content) {
  const url = URL.createObjectURL(new Blob([content], { type }));
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = name;
  document.body.append(anchor);
  anchor.click();
  anchor.remove();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
