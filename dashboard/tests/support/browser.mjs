// Chromium with somebody signed in. Whatever goes wrong in a page without showing fails its test: an error, something that the content
// security policy refused, a request to another host.
import { launchChromium } from '../../../npm/tests/support/chromium.mjs';
import { PASSWORD } from './pennon.mjs';

export const DESKTOP = { width: 1440, height: 900 };
export const PHONE = { width: 390, height: 844 };

export class Browser {
  static async start() {
    const browser = new Browser();
    browser.chromium = await launchChromium();
    return browser;
  }

  /**
   * @param {import('./pennon.mjs').Pennon} pennon
   * @param {object} [options]
   * @param {string} [options.as] whoever is signed in; nobody without
   * @param {object} [options.state] somebody's cookies, from a visit of theirs: signing in is slow on purpose, and its attempts are counted
   * @param {{width: number, height: number}} [options.size]
   * @param {'light' | 'dark'} [options.theme]
   */
  async visit(pennon, { as, state, size = DESKTOP, theme = 'light' } = {}) {
    const context = await this.chromium.newContext({ viewport: size, colorScheme: theme, reducedMotion: 'reduce', baseURL: pennon.url, locale: 'en-GB', timezoneId: 'UTC', storageState: state });
    context.setDefaultTimeout(15_000);
    if (as) {
      const headers = { 'sec-fetch-site': 'same-origin', origin: pennon.url };
      const answer = await context.request.post('/auth/sign-in', { data: { email: as, password: PASSWORD }, headers });
      if (!answer.ok()) throw new Error(`signing in as ${as}: ${answer.status()} ${await answer.text()}`);
    }
    const page = await context.newPage();
    return new Visit(pennon, context, page);
  }

  async end() {
    await this.chromium.close();
  }
}

/** One person's page. */
export class Visit {
  #wrong = [];

  constructor(pennon, context, page) {
    this.pennon = pennon;
    this.context = context;
    this.page = page;
    page.on('pageerror', (error) => this.#wrong.push(`uncaught: ${error.stack ?? error}`));
    page.on('console', (message) => {
      // That the server refused something is told by the page; the console has it once more.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) this.#wrong.push(`console: ${message.text()}`);
    });
    page.on('request', (request) => {
      const { protocol, origin } = new URL(request.url());
      if (protocol !== 'data:' && protocol !== 'blob:' && origin !== pennon.url) this.#wrong.push(`a request to ${request.url()}`);
    });
  }

  /** Opens an address of the dashboard, and waits until what it shows has come. */
  async open(path) {
    await this.page.goto(path);
    await this.settled();
  }

  /** Until nothing is being loaded: pages mark what waits. */
  async settled() {
    const { page } = this;
    await page.locator('main h1, main h2').first().waitFor();
    await page.waitForFunction(() => document.querySelectorAll('[aria-busy="true"], .loading').length === 0);
    await page.evaluate(() => document.fonts.ready);
  }

  /** Ends the visit, and fails when something has gone wrong without showing. */
  async end() {
    await this.context.close();
    if (this.#wrong.length > 0) throw new Error(`in the page:\n${this.#wrong.join('\n')}`);
  }
}
