// Reads an AsyncAPI document from standard input, prints what is wrong with it as JSON lines, and
// exits with 1 if anything is an error.
import { readFileSync } from 'node:fs';

import { Parser } from '@asyncapi/parser';

const ERROR = 0;

const { document, diagnostics } = await new Parser().parse(readFileSync(0, 'utf8'));
for (const { severity, path, message } of diagnostics) {
  console.log(JSON.stringify({ severity, path: path.join('.'), message }));
}
const isValid = document !== undefined && diagnostics.every(({ severity }) => severity !== ERROR);
process.exit(isValid ? 0 : 1);
