// The server's routes; whatever goes wrong becomes one Failure with a sentence for the user.

export class Failure extends Error {
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

let key = "";
export const useKey = (value) => { key = value.trim(); };

export const labels = () => ask("labels");

export function classify(text, targets, signal) {
  return ask("classify", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text, targets }),
    signal,
  });
}

async function ask(path, options = {}) {
  let response, answer;
  try {
    const headers = { ...options.headers, ...(key && { Authorization: `Bearer ${key}` }) };
    response = await fetch(path, { ...options, headers, credentials: "omit", referrerPolicy: "no-referrer" });
    answer = await response.json();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    if (response) throw new Failure(`The server's answer broke off (status ${response.status}). Try again.`, response.status);
    throw new Failure("The server does not answer. Check that “framelens serve” is still running, then try again; your text is kept here.");
  }
  if (response.ok) return answer;
  const detail = typeof answer?.detail === "string" ? answer.detail : "";
  if (response.status === 401) throw new Failure(key ? "The API key is not the server's." : "This server asks for an API key.", 401);
  if (response.status === 503) throw new Failure("The server is busy. Try again in a moment.", 503);
  throw new Failure(`The server refused: ${detail || `status ${response.status}`}.`, response.status);
}
