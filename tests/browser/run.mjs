// Run a Python script under Pyodide in Node, with distilnp from its wheel, and print the script's answer.
//
// node run.mjs PYODIDE WHEEL SCRIPT QUESTION
//
// PYODIDE is the folder of the npm package, and QUESTION a file of JSON. The script finds its content in the
// variable `question`, and leaves JSON in the variable `answer`.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const [folder, wheel, script, question] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${folder}/pyodide.mjs`));
const text = readFileSync(question, "utf8");
try {
  const python = await loadPyodide({ indexURL: folder });
  if (JSON.parse(text).needs_numpy) {
    await python.loadPackage("numpy", { messageCallback() {} });
  }
  python.unpackArchive(new Uint8Array(readFileSync(wheel)), "whl");
  python.globals.set("question", text);
  python.runPython(readFileSync(script, "utf8"));
  process.stdout.write(`\n${python.globals.get("answer")}\n`);
} catch (error) {
  // Node would print the line that raised, which is a megabyte of Pyodide.
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
