/**
 * A DepthClient that a test drives: commands come as lines of JSON on standard input, what happens
 * leaves as lines of JSON on standard output. Every command is answered by a line with its `id`.
 */

import { createInterface } from 'node:readline';

import { driven } from './depth-checks.mjs';

const [library] = process.argv.slice(2);
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const target = new EventTarget();
globalThis.addEventListener = target.addEventListener.bind(target);
globalThis.removeEventListener = target.removeEventListener.bind(target);

const commands = driven(await import(library), say, target);
for await (const line of createInterface({ input: process.stdin })) {
  const { id, command, ...fields } = JSON.parse(line);
  // Not awaited: the next command may be what this one waits for.
  Promise.resolve()
    .then(() => commands[command](fields))
    .then((answer) => say({ id, answer: answer ?? null }))
    .catch((error) => say({ id, error: String(error), code: error.code ?? null }));
}
process.exit(0);
