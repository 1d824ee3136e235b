#!/usr/bin/env python3
"""Packs the UCI Japanese Vowels data set into japanese_vowels.bin, which the crate embeds.

    python3 make_japanese_vowels.py JapaneseVowels_TRAIN.ts JapaneseVowels_TEST.ts japanese_vowels.bin

The two .ts files come from the PyPI package aeon (see README.md). Needs only Python 3.9. The output is a zlib stream of:

    u8        coefficients per frame (12)
    u16       training utterances, little endian
    u16       test utterances
    2 bytes   per utterance, training first, in the order of the files: speaker (0..8), frames
    3 planes  with one byte per value: the low, the middle and the high byte of each code

Values have at most six decimals in the text, so a value is a whole number of millionths. A code is
the difference to the same coefficient one frame earlier (the first frame: to zero), in millionths, folded to
non-negative numbers: 0, -1, 1, -2, ... become 0, 1, 2, 3, .... Codes are ordered by coefficient, then
by utterance, then by frame.
"""

import sys
import zlib
from fractions import Fraction


def utterances(path):
    """Pairs of speaker (0..8) and coefficients [F][T] in millionths."""
    found = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            line = line.strip()
            if not line or line.startswith(("#", "@")):
                continue
            *coefficients, speaker = line.split(":")
            rows = [[millionths(text) for text in row.split(",")] for row in coefficients]
            assert len(rows) == 12 and len({len(row) for row in rows}) == 1, line[:60]
            found.append((int(speaker) - 1, rows))
    return found


def millionths(text):
    value = Fraction(text) * 1_000_000
    assert value.denominator == 1, f"{text} has more than six decimals"
    return int(value)


def codes(sets):
    for coefficient in range(12):
        for _, rows in sets:
            previous = 0
            for value in rows[coefficient]:
                difference = value - previous
                previous = value
                yield 2 * difference if difference >= 0 else -2 * difference - 1


def main(train_path, test_path, output_path):
    train, test = utterances(train_path), utterances(test_path)
    both = train + test
    packed = bytearray([12])
    packed += len(train).to_bytes(2, "little") + len(test).to_bytes(2, "little")
    for speaker, rows in both:
        packed += bytes([speaker, len(rows[0])])
    words = [code.to_bytes(3, "little") for code in codes(both)]
    for plane in range(3):
        packed += bytes(word[plane] for word in words)
    compressed = zlib.compress(bytes(packed), 9)
    with open(output_path, "wb") as output:
        output.write(compressed)
    print(f"{output_path}: {len(train)} + {len(test)} utterances, {len(words)} values, {len(compressed)} bytes")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
