// The page: what the user types goes to the worker, and what the worker answers is shown.
//
// The worker has Python (worker.js), so that the page never stops. It does one thing at a time. While it is
// busy, only the newest text waits for it. Tokens are asked for at every key, the label after a pause.
// Everything that comes from a text or a model is shown as text, never as HTML.

const PAUSE_MS = 250;

const element = (id) => document.getElementById(id);
const text = element("text");

const waiting = { tokens: null, answer: null };
let worker = null;
let isReady = false;
let isBusy = false;
let pause = 0;
let shown = null; // the text that the label on the page belongs to

function say(problem) {
  element("problem").textContent = problem;
  element("loading").hidden = true;
}

function next() {
  if (!isReady || isBusy) return;
  const kind = ["tokens", "answer"].find((kind) => waiting[kind] !== null);
  if (!kind) return;
  worker.postMessage({ kind, text: waiting[kind] });
  waiting[kind] = null;
  isBusy = true;
}

function ask(kind) {
  waiting[kind] = text.value;
  next();
}

function onInput() {
  clearTimeout(pause);
  const isBlank = !text.value.trim();
  if (isBlank) {
    waiting.tokens = waiting.answer = null;
    element("reading").hidden = element("answer").hidden = true;
    return;
  }
  element("answer").setAttribute("aria-busy", "true");
  ask("tokens");
  pause = setTimeout(() => ask("answer"), PAUSE_MS);
}

function item(name, className, content) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = content;
  return made;
}

function showTokens({ tokens, seen }) {
  element("reading").hidden = false;
  const count = `${tokens.length} tokens; under each one is its id.`;
  element("count").textContent =
    seen < tokens.length ? `${count} The model sees the first ${seen}.` : count;
  element("tokens").replaceChildren(
    ...tokens.map(([token, id]) => {
      const line = item("li", "", "");
      line.append(item("span", "token", token), item("span", "id", id));
      return line;
    }),
  );
}

function row([label, score]) {
  const head = item("th", "", label);
  head.scope = "row";
  const scale = item("span", "scale", "");
  scale.append(item("span", "", ""));
  // The scores of a regression have no scale, and may lie outside.
  scale.firstChild.style.width = `${100 * Math.min(Math.max(score, 0), 1)}%`;
  const line = item("div", "score", "");
  line.append(scale, item("span", "", score.toFixed(4)));
  const cell = item("td", "", "");
  cell.append(line);
  const made = item("tr", "", "");
  made.append(head, cell);
  return made;
}

function showAnswer({ text: about, label, scores, ms }) {
  shown = about;
  element("answer").hidden = false;
  element("answer").setAttribute("aria-busy", String(text.value !== shown));
  element("summary").textContent = `${label}, ${scores[label].toFixed(4)}`;
  element("scores").replaceChildren(...Object.entries(scores).map(row));
  element("note").textContent = `Computed in ${Math.round(ms)} ms.`;
}

function onMessage({ data }) {
  if (data.kind === "progress") {
    element("bar").value = data.done / data.total;
    const megabytes = (bytes) => Math.round(bytes / 1e6);
    element("loaded").textContent =
      data.done < data.total ? `${megabytes(data.done)} of ${megabytes(data.total)} MB` : "starting Python";
    return;
  }
  if (data.kind === "ready") {
    isReady = true;
    element("loading").hidden = true;
    element("about").textContent = data.about;
    onInput();
    return;
  }
  isBusy = false;
  if (data.kind === "problem") {
    say(data.problem);
  } else if (text.value.trim()) {
    element("problem").textContent = "";
    if (data.kind === "tokens") {
      showTokens(data);
    } else {
      showAnswer(data);
    }
  }
  next();
}

function start() {
  if (typeof WebAssembly !== "object") {
    say("This browser has no WebAssembly, which Python needs here: try another browser, or a newer one.");
    return;
  }
  element("problem").textContent = "";
  element("loading").hidden = false;
  worker = new Worker("worker.js", { type: "module" });
  worker.onmessage = onMessage;
  worker.onerror = () => say("worker.js cannot be started: check the connection, and load the page again.");
  text.addEventListener("input", onInput);
  for (const example of document.querySelectorAll("#examples button")) {
    example.addEventListener("click", () => {
      text.value = example.textContent;
      onInput();
    });
  }
}

start();
