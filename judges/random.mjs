/** What a seed decides: one seed, one world. */
export class Random {
  #state;

  constructor(seed) {
    this.#state = (seed ^ 0x9e3779b9) >>> 0;
    for (let round = 0; round < 4; round += 1) this.bits();
  }

  /** 32 bits (Tommy Ettinger's mulberry32). */
  bits() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let bits = this.#state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return (bits ^ (bits >>> 14)) >>> 0;
  }

  below(limit) {
    return this.bits() % limit;
  }

  percent(share) {
    return this.below(100) < share;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  /** Up to `most` of what `make` makes. */
  list(most, make) {
    return Array.from({ length: this.below(most + 1) }, make);
  }

  /** One of the functions' results. */
  of(...makers) {
    return this.pick(makers)();
  }
}

/** A deep copy through JSON, as a payload travels; `undefined` is left out. */
export const json = (value) => JSON.parse(JSON.stringify(value));

export const WORDS = ['a', 'pro', 'Pro', 'PRO', 'user-1', 'straße', 'STRASSE', 'İstanbul', 'ĸ', 'K', 'é', 'e\u0301', '🚩', 'x y', ' pro', 'pro ', '', 'true', 'false', 'null', 'undefined', '[object Object]', 'a,b'];
export const NUMBERS = [0, -0, 1, -1, 2, 5, 7, 10, 18, 0.5, 1.5, -2.5, 99.9, 100, 1e3, 2 ** 31, -(2 ** 31), 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 1e20, 1e21, 1e300, 1e-7, 0.1 + 0.2, 1700000000000, 1.7e9];
export const NUMERALS = ['0', '-0', '1', '1.0', '01', '+1', '-1', ' 5', '5 ', '\t7\n', '5px', '1e3', '1E3', '.5', '5.', '0x10', '0b11', '1_000', '1,000', 'Infinity', '-Infinity', 'NaN', '', ' ', '99999999999999999999', '0.1', '-2.50', '١'];
export const VERSIONS = ['1.0.0', '1.2.3', '2.0.0', '1.10.0', '1.9.0', '1.2.3-alpha', '1.2.3-alpha.1', '1.2.3-alpha.beta', '1.2.3-1', '1.2.3-10', '1.2.3-9', '1.2.3-0', '1.2.3+build', '1.2.3+other', '1.2.3-rc.1+build', '0.0.0', '10.0.0', '99999.99999.99999', '1.2.3--', '1.2.3-x-y.z'];
export const ODD_VERSIONS = ['1', '2', '1.2', '2.0', '1-beta', '1.2-beta', '1.2+b', 'v1.2.3', 'V1.2.3', 'v1', '=1.2.3', '1.2.3.4', '1.2.', '1..2', '.1.2', '01.2.3', '1.02.3', '1.2.3-01', '1.2.3-', '1.2.3+', '1.2.x', '*', '', 'latest', '-1.2.3', '9007199254740993.0.0', '99999999999999999999.0.0', '1.2.3-99999999999999999999', '1.2.3-9007199254740993', '1.2.3_1'];
export const DATES = ['2024-01-01T00:00:00Z', '2024-01-01T00:00:00.000Z', '2024-01-01T01:00:00+01:00', '2024-02-29T12:34:56.789Z', '1969-12-31T23:59:59Z', '1970-01-01T00:00:00Z', '2023-11-14T22:13:20Z', '2023-11-14T22:13:20.001Z', '2023-12-31T23:30:00-05:30', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59Z', '2000-02-29T00:00:00-00:00'];
export const ODD_DATES = ['2024-01-01', '2024-01-01T00:00:00', '2024-01-01 00:00:00Z', '2024-01-01t00:00:00z', '2024-01-01T00:00Z', '20240101T000000Z', '2024-1-1T00:00:00Z', 'Mon, 01 Jan 2024 00:00:00 GMT', 'January 1, 2024', '1704067200000', '2024-02-30T00:00:00Z', '2023-02-29T00:00:00Z', '2024-13-01T00:00:00Z', '2024-01-32T00:00:00Z', '2024-01-01T24:00:00Z', '2024-01-01T23:59:60Z', '2024-01-01T00:00:00.0001Z', '2024-01-01T00:00:00.9999Z', '2024-01-01T00:00:00.5Z', '2024-01-01T00:00:00+01', '2024-01-01T00:00:00+0100', '2024-01-01T00:00:00+25:00', '2024-01-01T00:00:00.Z', '2024-01-01T00:00:00Zx', ' 2024-01-01T00:00:00Z', '+002024-01-01T00:00:00Z', '-000001-01-01T00:00:00Z', '', 'now', '0000-01-01T00:00:00Z'];
export const PATTERNS = ['^pro', 'o$', '(?i)pro', '.', '^.$', '^..$', '^$', '\\d', '\\w+', '^\\w+$', '\\bpro\\b', '\\s', '^\\S+$', '[a-z]{2,3}', '[^a-z]', 'a|b', '(a|b)+c?', '^(?:user)-\\d+$', '\\.', '^[\\w.+-]+@[\\w-]+\\.[a-z]{2,}$', '\\u00e9', '\\x41', '\\p{L}', '[[:alpha:]]', '(', ')', '[', 'a{', '*', '+a', '?', 'a**', 'a{2,1}', '(?=pro)', '(?!pro)pro', '(?<=a)b', '(a)\\1', '(?<n>a)', '(?P<n>a)', '\\Z', '\\A', '\\z', '\\', '[b-a]', '[\\d-x]', '[]a]', '[^]', '[]', 'é', '[é-ü]', '🚩', '^[🚩]$', '\\/', '\\-', '\\_', '\\0', '\\cA', '$^', 'a$b', '^a^', '\\B', '.*', 'x*', '(?s).', '(?m)^b', '\n', '^\t?', 'K', '(?i)k'];
export const SUBJECTS = ['pro', 'Pro', 'xpro', 'a', 'b', 'aa', 'ab', 'abc', 'A', '', ' ', 'user-12', 'user-', 'ada@example.com', 'é', 'e\u0301', '🚩', '🚩🚩', 'a\nb', '\n', '\r', '\u2028', '\u00a0', '\ufeff', '\v', '1', '42', '١', '_', '-', ']', '[', '\\', 'a.b', 'K', '\u212a', 'ſ', 'ü', 'a{', 'a1', 'pro b'];
