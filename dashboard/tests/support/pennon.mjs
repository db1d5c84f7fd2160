// The real program on SQLite in a folder of its own, with people to sign in as.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { freePort, startPennon } from '../../../end-to-end/support/programs.mjs';

export const PASSWORD = 'correct horse battery';
export const PROJECT = '/admin/projects/default';
export const OWNER = 'ada@example.com';
export const PUBLISHER = 'pat@example.com';
export const EDITOR = 'eve@example.com';
export const VIEWER = 'vic@example.com';

export class Pennon {
  /**
   * @param {object} [options]
   * @param {object} [options.config] the environment's CONFIG.json instead of the sample's
   * @param {boolean} [options.people] whether the owner and the members exist already
   * @param {Record<string, string>} [options.env] further variables of the program
   */
  static async start({ config, people = true, env = {} } = {}) {
    const pennon = new Pennon();
    pennon.folder = await mkdtemp(join(tmpdir(), 'pennon-dashboard-'));
    const port = await freePort();
    pennon.url = `http://127.0.0.1:${port}`;
    let bootstrap;
    if (config) {
      bootstrap = join(pennon.folder, 'config.json');
      await writeFile(bootstrap, JSON.stringify(config));
    }
    pennon.program = await startPennon(pennon.folder, port, bootstrap ? { bootstrap, env } : { env });
    try {
      pennon.credentials = JSON.parse(await readFile(join(pennon.folder, 'credentials.json'), 'utf8'));
      if (people) await pennon.#people();
    } catch (error) {
      await pennon.end();
      throw error;
    }
    return pennon;
  }

  async #people() {
    await this.post('/auth/setup', { token: this.credentials.adminToken, email: OWNER, name: 'Ada', password: PASSWORD }, {});
    for (const [email, role] of [[PUBLISHER, 'publisher'], [EDITOR, 'editor'], [VIEWER, 'viewer']]) {
      const { invitation } = await this.post('/admin/users', { email });
      await this.post('/auth/invitation', { invitation, password: PASSWORD }, {});
      await this.post(`${PROJECT}/members`, { email, role });
    }
  }

  /** The header of the owner of the instance. */
  bearer() {
    return { authorization: `Bearer ${this.credentials.adminToken}` };
  }

  async ask(method, path, body, headers = this.bearer()) {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    const answer = await fetch(this.url + path, { method, headers: { 'content-type': type, ...headers }, ...sent });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }

  get(path) {
    return this.ask('GET', path);
  }

  post(path, body, headers) {
    return this.ask('POST', path, body, headers);
  }

  /** What a flag does in an environment by now. */
  async configuration(flag, environment = 'production') {
    return (await this.get(`${PROJECT}/environments/${environment}/flags/${flag}`)).configuration;
  }

  async end() {
    await this.program?.end();
    await rm(this.folder, { recursive: true, force: true });
  }
}
