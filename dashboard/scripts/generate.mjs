// The types of the admin API, from the snapshot that the control plane's tests keep true. Generated at every build and never committed:
// a page that asks for what the API does not have fails to compile.
import { mkdir, readFile, writeFile } from 'node:fs/promises';

import openapiTypescript, { astToString } from 'openapi-typescript';

const snapshot = new URL('../../control-plane/openapi.json', import.meta.url);
const folder = new URL('../src/generated/', import.meta.url);

const tree = await openapiTypescript(JSON.parse(await readFile(snapshot, 'utf8')), { defaultNonNullable: false });
await mkdir(folder, { recursive: true });
await writeFile(new URL('schema.ts', folder), astToString(tree));
