// Reads an AsyncAPI document from standard input, prints what is wrong with it or with its examples
// as JSON lines, and exits with 1 if anything is an error.
import { readFileSync } from 'node:fs';

import { Parser } from '@asyncapi/parser';
import Ajv from 'ajv';
import addFormats from 'ajv-formats';

const ERROR = 0;

const ajv = new Ajv({ strict: false });
addFormats(ajv);

function* wrongExamples(document) {
  for (const message of document.allMessages()) {
    const isValid = ajv.compile(message.payload().json());
    for (const [place, example] of message.examples().all().entries()) {
      if (isValid(example.payload())) continue;
      const path = `${message.name()}.examples.${place}`;
      yield { severity: ERROR, path, message: ajv.errorsText(isValid.errors) };
    }
  }
}

const { document, diagnostics } = await new Parser().parse(readFileSync(0, 'utf8'));
const found = diagnostics.map(({ severity, path, message }) => ({
  severity,
  path: path.join('.'),
  message,
}));
if (document !== undefined) found.push(...wrongExamples(document));
for (const one of found) console.log(JSON.stringify(one));
const isValid = document !== undefined && found.every(({ severity }) => severity !== ERROR);
process.exit(isValid ? 0 : 1);
