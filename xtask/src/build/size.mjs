// What WebAssembly modules weigh on disk and on the wire, and for one with names, what its parts weigh.
//
// node size.mjs NAMED MODULE..: NAMED is the first module with names.
import { readFileSync } from 'node:fs';
import { brotliCompressSync, gzipSync } from 'node:zlib';

/** Sections by their number, as the WebAssembly specification has them. */
const CUSTOM = 0, IMPORT = 2, CODE = 10, DATA = 11;
/** In a name section: the part that names functions. */
const FUNCTION_NAMES = 1;

class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.at = 0;
  }

  /** An unsigned LEB128. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.bytes[this.at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  }

  take(length) {
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  text() {
    return new TextDecoder().decode(this.take(this.number()));
  }

  get ended() {
    return this.at >= this.bytes.length;
  }
}

function sections(module) {
  const reader = new Reader(module.subarray(8));
  const found = new Map();
  while (!reader.ended) {
    const number = reader.number();
    const content = new Reader(reader.take(reader.number()));
    found.set(number === CUSTOM ? content.text() : number, content);
  }
  return found;
}

/** How many functions are imported: the numbers of the module's own come behind. */
function importedFunctions(section) {
  let count = 0;
  if (!section) return count;
  for (let left = section.number(); left > 0; left -= 1) {
    section.text();
    section.text();
    const kind = section.number();
    if (kind === 0) {
      section.number();
      count += 1;
    } else if (kind === 1) {
      section.number();
      limits(section);
    } else if (kind === 2) {
      limits(section);
    } else {
      section.number();
      section.number();
    }
  }
  return count;
}

function limits(section) {
  const bounded = section.number();
  section.number();
  if (bounded & 1) section.number();
}

function functionNames(section) {
  const names = new Map();
  while (section && !section.ended) {
    const kind = section.number();
    const part = new Reader(section.take(section.number()));
    if (kind !== FUNCTION_NAMES) continue;
    for (let left = part.number(); left > 0; left -= 1) names.set(part.number(), part.text());
  }
  return names;
}

/** The part of the program that a function belongs to. */
function partOf(name) {
  const plain = name.replaceAll('\\20', ' ').replaceAll('\\', '');
  const path = /(pennon_core::(?:evaluate::\w+|\w+(?:::\w+)?)|pennon_wasm|dlmalloc|siphasher|sha1|wasm_bindgen)/.exec(plain);
  if (path) return path[1].replace(/::(?=[A-Z{]).*/, '');
  if (/evaluator_|__wbg|__wbindgen/.test(plain)) return 'pennon_wasm';
  if (/unicode|to_lower/.test(plain)) return 'core::unicode';
  if (/fmt|panic/.test(plain)) return 'panics and formatting';
  return 'the rest of core and alloc';
}

function parts(module) {
  const found = sections(module);
  const first = importedFunctions(found.get(IMPORT));
  const names = functionNames(found.get('name'));
  if (names.size === 0) throw new Error('the module has no names: it was stripped too early');
  const sizes = new Map();
  const functions = [];
  const code = found.get(CODE);
  const count = code.number();
  for (let index = 0; index < count; index += 1) {
    const size = code.number();
    code.take(size);
    const name = names.get(first + index) ?? '?';
    functions.push([size, name]);
    const part = partOf(name);
    sizes.set(part, (sizes.get(part) ?? 0) + size);
  }
  sizes.set('data', found.get(DATA)?.bytes.length ?? 0);
  return { sizes: [...sizes].sort((a, b) => b[1] - a[1]), functions: functions.sort((a, b) => b[0] - a[0]) };
}

const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`.padStart(12);
const [named, ...modules] = process.argv.slice(2);
const title = (path) => path.split('/').slice(-4).join('/');
console.log(`${''.padEnd(56)}${'raw'.padStart(12)}${'gzip'.padStart(12)}${'brotli'.padStart(12)}`);
for (const path of modules) {
  const bytes = readFileSync(path);
  // Quality as servers use it for files that never change.
  console.log(title(path).padEnd(56) + kib(bytes.length) + kib(gzipSync(bytes, { level: 9 }).length) + kib(brotliCompressSync(bytes).length));
}
console.log(`\n${title(modules[0])} by part, raw`);
const { sizes, functions } = parts(readFileSync(named));
for (const [part, size] of sizes) console.log(`  ${part.padEnd(54)}${kib(size)}`);
if (process.env.PENNON_SIZE_FUNCTIONS) for (const [size, name] of functions) console.log(`  ${String(size).padStart(7)} ${name}`);
