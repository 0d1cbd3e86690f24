// Python in a worker: fetch Pyodide, NumPy and distilnp, start them, and answer the page.
//
// settings.json, which build.py writes, names the files. Those of other servers have a hash, and the browser
// refuses any other content. Pyodide then fetches its own files once more, and gets them from the cache.

class Problem extends Error {}

let answers = null;

function address(url) {
  return new URL(url, self.location.href).href;
}

async function fetched(file, onBytes) {
  const name = file.url.split("/").at(-1);
  let response;
  try {
    // With a hash, this waits for the whole file.
    response = await fetch(address(file.url), file.integrity ? { integrity: file.integrity } : {});
    if (!response.ok) throw new Error(`status ${response.status}`);
    const content = new Uint8Array(file.bytes);
    let end = 0;
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (end + part.value.length > content.length) throw new Error("it is too long");
      content.set(part.value, end);
      end += part.value.length;
      onBytes(part.value.length);
    }
    if (end !== content.length) throw new Error("it is too short");
    return content;
  } catch (error) {
    throw new Problem(
      `${name} cannot be fetched whole (${error.message}): check the connection, and load the page again.`,
    );
  }
}

async function start() {
  let settings;
  try {
    settings = await (await fetch(address("settings.json"))).json();
  } catch {
    throw new Problem("settings.json cannot be fetched: make the page with docs/browser/build.py.");
  }
  const files = settings.files;
  const total = files.reduce((sum, file) => sum + file.bytes, 0);
  let done = 0;
  const contents = await Promise.all(
    files.map((file) =>
      fetched(file, (n) => {
        done += n;
        self.postMessage({ kind: "progress", done, total });
      }),
    ),
  );
  const content = (use) => contents[files.findIndex((file) => file.use === use)];

  const { loadPyodide } = await import(address(`${settings.pyodide}pyodide.mjs`));
  const python = await loadPyodide({ indexURL: address(settings.pyodide) });
  python.unpackArchive(content("numpy"), "whl");
  python.unpackArchive(content("package"), "zip", {
    extractDir: python.runPython("import site; site.getsitepackages()[0]"),
  });
  const source = new TextDecoder().decode(content("script"));
  python.globals.set("model", settings.model);
  python.runPython(source, { filename: "answers.py" });
  answers = { tokens: python.globals.get("tokens"), answer: python.globals.get("answer") };
  self.postMessage({ kind: "ready", about: `${python.globals.get("about")}, Pyodide ${python.version}.` });
}

function inWords(error) {
  if (error instanceof Problem) return error.message;
  // The last line of a traceback is the exception.
  const line = String(error.message ?? error).trim().split("\n").at(-1);
  return `Python stopped: ${line}`;
}

self.onmessage = ({ data: { kind, text } }) => {
  try {
    self.postMessage({ kind, text, ...JSON.parse(answers[kind](text)) });
  } catch (error) {
    self.postMessage({ kind: "problem", problem: inWords(error) });
  }
};

try {
  await start();
} catch (error) {
  self.postMessage({ kind: "problem", problem: inWords(error) });
}
