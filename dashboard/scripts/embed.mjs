// Puts the built dashboard where the control plane embeds it, each file also compressed as far as it goes: `embed.mjs FROM TO`.
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';

/** Stays: it is in the repository and says what the folder is. */
const NOTE = 'README.md';
/** Files that are compressed by what they are. */
const COMPRESSED = /\.(?:png|woff2|ico)$/;

const [from, to] = process.argv.slice(2);
if (!from || !to) throw new Error('usage: node embed.mjs FROM TO');
for (const name of await readdir(to)) {
  if (name !== NOTE) await rm(join(to, name), { recursive: true });
}
const files = (await readdir(from, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
for (const file of files) {
  const path = join(file.parentPath ?? file.path, file.name);
  const bytes = await readFile(path);
  const target = join(to, path.slice(join(from, '/').length));
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, bytes);
  if (COMPRESSED.test(path)) continue;
  const brotli = await promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } });
  const gzipped = await promisify(gzip)(bytes, { level: 9 });
  if (brotli.length < bytes.length) await writeFile(`${target}.br`, brotli);
  if (gzipped.length < bytes.length) await writeFile(`${target}.gz`, gzipped);
}
