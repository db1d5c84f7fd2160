#!/usr/bin/env python3
"""Makes golden.json: 10,000 units and their buckets (evaluation.md sections 4.2 and 4.4).

SipHash-2-4 is written here from its paper (Aumasson and Bernstein, SipHash: a fast short-input PRF, 2012), on its own: no code of
Pennon's is used. Run `python3 core/spec/buckets/generate.py`; the same file comes out. With `--openssl` every bucket is also compared
with what OpenSSL 3 computes (`openssl mac SIPHASH`), one process each, which takes minutes.
"""

import json
import subprocess
import sys
from pathlib import Path

MASK = (1 << 64) - 1


def rotate(word, bits):
    return (word << bits | word >> (64 - bits)) & MASK


def rounds(v, count):
    for _ in range(count):
        v[0] = (v[0] + v[1]) & MASK
        v[1] = rotate(v[1], 13) ^ v[0]
        v[0] = rotate(v[0], 32)
        v[2] = (v[2] + v[3]) & MASK
        v[3] = rotate(v[3], 16) ^ v[2]
        v[0] = (v[0] + v[3]) & MASK
        v[3] = rotate(v[3], 21) ^ v[0]
        v[2] = (v[2] + v[1]) & MASK
        v[1] = rotate(v[1], 17) ^ v[2]
        v[2] = rotate(v[2], 32)


def siphash(key, message):
    """Section 2 of the paper: two rounds for each word, four at the end."""
    k0, k1 = (int.from_bytes(key[at : at + 8], "little") for at in (0, 8))
    v = [
        k0 ^ 0x736F6D6570736575,
        k1 ^ 0x646F72616E646F6D,
        k0 ^ 0x6C7967656E657261,
        k1 ^ 0x7465646279746573,
    ]
    whole = len(message) // 8 * 8
    words = [message[at : at + 8] for at in range(0, whole, 8)]
    words.append(message[whole:].ljust(7, b"\0") + bytes([len(message) % 256]))
    for word in words:
        number = int.from_bytes(word, "little")
        v[3] ^= number
        rounds(v, 2)
        v[0] ^= number
    v[2] ^= 0xFF
    rounds(v, 4)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def bytes_of(unit):
    """A string in UTF-8, an integer in decimal."""
    return str(unit).encode("utf-8")


class Random:
    """SplitMix64 (Steele, Lea and Flood, 2014): the same numbers whatever the version of Python."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9 & MASK
        z = (z ^ z >> 27) * 0x94D049BB133111EB & MASK
        return z ^ z >> 31

    def below(self, bound):
        return self.next() % bound

    def pick(self, pool):
        return pool[self.below(len(pool))]

    def text(self, pool, length):
        return "".join(self.pick(pool) for _ in range(length))


HEX = "0123456789abcdef"
LETTERS = "abcdefghijklmnopqrstuvwxyz"
ASCII = "".join(chr(code) for code in range(0x20, 0x7F))
NAMES = "ada ben cleo dora emil finn gwen hugo iris jan kim lars mia nora otto paul rosa sven tim ute".split()
# Of two, three and four bytes, composed and decomposed, right to left, joined.
WIDE = ["ä", "ß", "é", "e\u0301", "ñ", "Ж", "λ", "א", "ع", "あ", "漢", "한", "ไ", "€", "\u200d", "\ufeff", "\U00010348", "𝔘"]
EMOJI = ["🚩", "😀", "👍🏽", "👩‍🚀", "🏳️‍🌈", "🇪🇺", "❤️", "1️⃣", "\U0001fae0"]
CONTROL = ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\u0085", "\u2028", " ", "\u00a0", "\\", '"', "/"]
LARGEST = 2**53


def units(random):
    """Each shape, and how many of it."""
    ends = [0, 1, -1, 9, 10, -10, 2**31 - 1, 2**31, -(2**31), 2**32, LARGEST, -LARGEST, LARGEST - 1, 1 - LARGEST]
    shapes = [
        (1_000, lambda n: n),
        (500, lambda n: str(1_000 + n)),
        (300, lambda n: -1 - n),
        (14, lambda n: ends[n]),
        (386, lambda n: (1 if random.below(2) else -1) * random.below(LARGEST + 1)),
        (2_000, lambda n: "-".join(random.text(HEX, length) for length in (8, 4, 4, 4, 12))),
        (1_500, lambda n: f"{random.pick(NAMES)}.{random.text(LETTERS, 5)}{random.below(100)}@example.{random.pick(['com', 'org', 'net'])}"),
        (1_000, lambda n: random.text(HEX, 24)),
        (800, lambda n: random.pick(NAMES) + random.text(LETTERS, 3 + n % 3)),
        # Each length to 100 bytes: every number of bytes behind the last whole word, many times.
        (300, lambda n: random.text(ASCII, 1 + n % 100)),
        (1_200, lambda n: "".join(random.pick(WIDE) for _ in range(1 + random.below(20)))),
        (600, lambda n: "".join(random.pick(EMOJI) for _ in range(1 + random.below(6)))),
        (300, lambda n: random.pick(CONTROL) + random.text(ASCII, 2 + random.below(8)) + random.pick(CONTROL)),
        # 256 and more: the length counts modulo 256.
        (100, lambda n: random.text(LETTERS, 200 + 5 * n)),
    ]
    return [make(number) for count, make in shapes for number in range(count)]


def by_openssl(key, message):
    command = ["openssl", "mac", "-binary", "-macopt", f"hexkey:{key.hex()}", "-macopt", "size:8", "SIPHASH"]
    answer = subprocess.run(command, input=message, stdout=subprocess.PIPE, check=True)
    return int.from_bytes(answer.stdout, "little")


def main():
    # Appendix A of the paper.
    assert siphash(bytes(range(16)), bytes(range(15))) == 0xA129CA6149BE45E5
    random = Random(2012)
    salts = [bytes(range(16)), bytes(16), b"\xff" * 16]
    salts += [b"".join(random.next().to_bytes(8, "little") for _ in range(2)) for _ in range(17)]
    cases = []
    for number, unit in enumerate(units(random)):
        salt = number % len(salts)
        bucket = siphash(salts[salt], bytes_of(unit)) >> 32
        if "--openssl" in sys.argv:
            assert by_openssl(salts[salt], bytes_of(unit)) >> 32 == bucket, (salts[salt].hex(), unit)
        cases.append([salt, unit, bucket])
    assert len(cases) == 10_000
    assert len({(salt, bytes_of(unit)) for salt, unit, _ in cases}) > 9_950
    lines = ",\n".join(json.dumps(case, ensure_ascii=True, separators=(",", ":")) for case in cases)
    salts = json.dumps([salt.hex() for salt in salts])
    text = f'{{"salts":{salts},\n"cases":[\n{lines}\n]}}\n'
    Path(__file__).with_name("golden.json").write_text(text, encoding="utf-8")
    print(f"{len(cases)} cases, {len(text)} bytes")


main()
