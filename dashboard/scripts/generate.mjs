// The types of the admin API, from the snapshot that the control plane's tests keep true. Generated at every build and never committed:
// a page that asks for what the API does not have fails to compile.
import { mkdir, readFile, writeFile } from 'node:fs/promises';

import openapiTypescript, { astToString } from 'openapi-typescript';

const snapshot = new URL('../../control-plane/openapi.json', import.meta.url);
const folder = new URL('../src/generated/', import.meta.url);

const document = JSON.parse(await readFile(snapshot, 'utf8'));
for (const operations of Object.values(document.paths)) {
  for (const operation of Object.values(operations)) {
    // Headers are not parameters of single calls: src/api/client.ts sends If-Match with every write that has a version.
    if (operation.parameters) operation.parameters = operation.parameters.filter((parameter) => parameter.in !== 'header');
  }
}
const tree = await openapiTypescript(document, { defaultNonNullable: false });
await mkdir(folder, { recursive: true });
await writeFile(new URL('schema.ts', folder), astToString(tree));
