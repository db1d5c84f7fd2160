/**
 * A module of Node itself, when it is first needed. `import` makes a copy of all that it exports, and so loads what nobody asked for:
 * streams with `node:fs`, WebCrypto with `node:crypto`.
 *
 * @param otherwise imports it where it cannot be had without, before Node 20.16
 */
async function builtin<Module>(name: string, otherwise: () => Promise<Module>): Promise<Module> {
  const load = process.getBuiltinModule as ((name: string) => unknown) | undefined;
  return load ? (load(name) as Module) : otherwise();
}

export const nodeCrypto = (): Promise<typeof import('node:crypto')> => builtin('node:crypto', () => import('node:crypto'));
export const nodeFiles = (): Promise<typeof import('node:fs')> => builtin('node:fs', () => import('node:fs'));
