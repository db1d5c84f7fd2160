// A hand that counts: clicks, groups of typing (one field filled in) and keys. What it is not told to do it does not do.
export class Hand {
  clicks = 0;
  typed = 0;
  keys = 0;

  constructor(page) {
    this.page = page;
  }

  async click(locator) {
    this.clicks += 1;
    await locator.click();
  }

  /** Fills one field in, key by key. */
  async type(locator, text) {
    this.typed += 1;
    this.keys += text.length;
    await locator.pressSequentially(text);
  }

  /** Goes on typing where the focus is: after Tab or Enter, for instance. */
  async typeHere(text) {
    this.typed += 1;
    this.keys += text.length;
    await this.page.keyboard.type(text);
  }

  async press(...keys) {
    for (const key of keys) {
      this.keys += 1;
      await this.page.keyboard.press(key);
    }
  }

  /** Chooses in a list of the platform's own: one click for opening it, one for the choice. */
  async choose(locator, value) {
    this.clicks += 2;
    await locator.selectOption(value);
  }
}

/** Journeys as they were made, beside what they may take at most and what they take elsewhere. */
export class Table {
  #rows = [];

  add(journey, hand, most, elsewhere) {
    this.#rows.push({ journey, clicks: hand.clicks, typed: hand.typed, keys: hand.keys, most, elsewhere });
  }

  print() {
    const line = (cells) => console.log(`| ${cells.join(' | ')} |`);
    line(['journey', 'clicks', 'at most', 'Unleash', 'fields typed', 'at most', 'Unleash', 'keys']);
    line(Array(8).fill('---'));
    for (const { journey, clicks, typed, keys, most, elsewhere } of this.#rows) {
      line([journey, clicks, most.clicks, elsewhere?.clicks ?? '', typed, most.typed ?? '', elsewhere?.typed ?? '', keys]);
    }
  }

  /** Sentences about journeys over their budget. */
  over() {
    return this.#rows.flatMap(({ journey, clicks, typed, most }) => [
      ...(clicks > most.clicks ? [`${journey} takes ${clicks} clicks, ${most.clicks} at most`] : []),
      ...(most.typed !== undefined && typed > most.typed ? [`${journey} takes ${typed} fields, ${most.typed} at most`] : []),
    ]);
  }
}
