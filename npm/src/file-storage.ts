import { nodeCrypto, nodeFiles } from './builtin.js';
import { MAX_BODY_BYTES, MAX_HEAD_BYTES, MAX_KEYSET_BYTES, MAX_STORED_KEYSETS } from './limits.js';
import { isOlder, sameBytes, type SnapshotFiles, type SnapshotStorage, type Stored } from './storage.js';

/** A file's start: its format. */
const MAGIC = 'PNF1';

/**
 * How long a process may take to write, until others think that it has ended in the middle; how long they wait, which is longer, but within
 * what a store may take at all; and how long between two looks.
 */
const LOCK_STALE_MS = 1_000;
const LOCK_WAIT_MS = 1_500;
const LOCK_LOOK_MS = 10;

/**
 * Keeps snapshots as files of a folder, for starts without a network. What is read is verified again; a file is replaced as a
 * whole or not at all. Processes may share the folder: they write one after the other, and nothing older over what is newer.
 */
export class FileStorage implements SnapshotStorage {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder || '.';
  }

  async load(name: string): Promise<Stored> {
    const highWater = await read(await this.#path(name, 'mark'));
    const snapshot = await read(await this.#path(name, 'snapshot'));
    return { snapshot: snapshot && unpack(snapshot), highWater };
  }

  async save(name: string, snapshot: SnapshotFiles, highWater: Uint8Array): Promise<void> {
    await this.#alone(name, async () => {
      const held = await read(await this.#path(name, 'mark'));
      if (held && isOlder(highWater, held)) return;
      // The mark first: should the process end in between, a start finds an older snapshot, and refuses it, but never the
      // other way round: one that is older than what was already served.
      await this.#write(await this.#path(name, 'mark'), highWater);
      await this.#write(await this.#path(name, 'snapshot'), pack(snapshot));
    });
  }

  async drop(name: string, head: Uint8Array): Promise<void> {
    await this.#alone(name, async () => {
      const { snapshot } = await this.load(name);
      if (snapshot && sameBytes(snapshot.head, head)) await remove(await this.#path(name, 'snapshot'));
    });
  }

  async forget(name: string): Promise<void> {
    await this.#alone(name, async () => {
      await remove(await this.#path(name, 'snapshot'));
      await remove(await this.#path(name, 'mark'));
    });
  }

  /** While nobody else writes under this name, in whichever process. @throws when somebody does for too long */
  async #alone(name: string, work: () => Promise<void>): Promise<void> {
    const { mkdir, open, stat } = await files();
    const lock = await this.#path(name, 'lock');
    await mkdir(this.#folder, { recursive: true });
    for (const until = Date.now() + LOCK_WAIT_MS; ; ) {
      try {
        await (await open(lock, 'wx', 0o600)).close();
        break;
      } catch (thrown) {
        if (!isCode(thrown, 'EEXIST')) throw thrown;
      }
      const since = await stat(lock).then(({ mtimeMs }) => mtimeMs, Date.now);
      // A clock may have been set back meanwhile.
      if (Math.abs(Date.now() - since) > LOCK_STALE_MS) await remove(lock);
      else if (Date.now() > until) throw new Error(`${lock} is there: another process is writing`);
      else await new Promise((resolve) => setTimeout(resolve, LOCK_LOOK_MS));
    }
    try {
      await work();
    } finally {
      await remove(lock);
    }
  }

  /** Names hold characters that no file name may. */
  async #path(name: string, what: 'mark' | 'snapshot' | 'lock'): Promise<string> {
    const { createHash } = await nodeCrypto();
    return `${this.#folder}/pennon-${createHash('sha256').update(name).digest('hex').slice(0, 32)}.${what}`;
  }

  async #write(path: string, bytes: Uint8Array): Promise<void> {
    const { open, rename } = await files();
    const beside = `${path}.${crypto.randomUUID()}`;
    try {
      const file = await open(beside, 'wx', 0o600);
      try {
        await file.writeFile(bytes);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(beside, path);
    } catch (thrown) {
      await remove(beside);
      throw thrown;
    }
  }
}

async function files(): Promise<typeof import('node:fs/promises')> {
  return (await nodeFiles()).promises;
}

async function remove(path: string): Promise<void> {
  await (await files()).rm(path, { force: true });
}

async function read(path: string): Promise<Uint8Array | undefined> {
  const { readFile } = await files();
  try {
    return new Uint8Array(await readFile(path));
  } catch (thrown) {
    if (isCode(thrown, 'ENOENT')) return undefined;
    throw thrown;
  }
}

function isCode(thrown: unknown, code: string): boolean {
  return (thrown as NodeJS.ErrnoException).code === code;
}

/** The magic, then each part with its length in front: head, body, keysets. */
function pack({ head, body, keysets }: SnapshotFiles): Uint8Array {
  return Buffer.concat([
    Buffer.from(MAGIC),
    ...[head, body, ...keysets].flatMap((part) => {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(part.length);
      return [length, part];
    }),
  ]);
}

/** Nothing for what is no such file. */
function unpack(file: Uint8Array): SnapshotFiles | undefined {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  if (bytes.subarray(0, MAGIC.length).toString('latin1') !== MAGIC) return undefined;
  const parts: Uint8Array[] = [];
  const most = [MAX_HEAD_BYTES, MAX_BODY_BYTES.server];
  for (let at = MAGIC.length; at < bytes.length; ) {
    if (at + 4 > bytes.length || parts.length > MAX_STORED_KEYSETS + 1) return undefined;
    const length = bytes.readUInt32BE(at);
    if (length > (most[parts.length] ?? MAX_KEYSET_BYTES) || at + 4 + length > bytes.length) return undefined;
    parts.push(Uint8Array.from(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  const [head, body, ...keysets] = parts;
  return head && body ? { head, body, keysets } : undefined;
}
