"""Inputs that nobody meant: valid ones with something changed, and ones without any grammar."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from random import Random
from typing import Any

_BYTES = (
    0,
    1,
    9,
    10,
    13,
    0x1E,
    0x1F,
    0x20,
    0x22,
    0x27,
    0x2D,
    0x2E,
    0x30,
    0x39,
    0x5B,
    0x5D,
    0x7B,
    0x7D,
    0x7F,
    0x80,
    0xFF,
)
_NUMBERS = (
    "0",
    "-1",
    "1",
    "9" * 19,
    "9" * 40,
    "-" + "9" * 25,
    "1e999",
    "1e-999",
    "0.5",
    "2147483648",
    "NaN",
    "00",
    "1_0",
)
_WORDS = (
    "",
    "null",
    "true",
    "[]",
    "{}",
    '""',
    "'",
    '"',
    "\\u0000",
    "\\ud800",
    "é",
    "\U0001f600",
    "--",
    "/*",
    ";",
    "(" * 30,
)
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, -(2**70), 1e308, -0.0, 0.5, "", "a", "events", "9" * 30, "\ud800",
    [], {}, [None], [[]], {"a": 1}, [1, 2, 3], ["a", "a"], {"": {}},
)  # fmt: skip
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?")
_STRING = re.compile(rb'"[^"]*"')
_LONGEST = 1 << 20


def bytes_like(random: Random, seeds: Sequence[bytes]) -> bytes:
    """One of the seeds with one to four changes, or in one of twenty cases bytes of no grammar at all."""
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    data = bytearray(random.choice(seeds))
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        data = _changed(random, data, seeds)
    return bytes(data[:_LONGEST])


def text_like(random: Random, seeds: Sequence[str]) -> str:
    """The same of text; what is no UTF-8 is replaced, since no text can hold it."""
    return bytes_like(random, [seed.encode() for seed in seeds]).decode("utf-8", "replace")


def value_like(random: Random, value: Any) -> Any:
    """A value of JSON with one to three of its parts replaced, taken away or repeated."""
    for _ in range(random.choice((1, 1, 2, 3))):
        value = _value_changed(random, json.loads(json.dumps(value)))
    return value


def _value_changed(random: Random, value: Any) -> Any:
    """Changes one part: the deeper, the rarer."""
    if isinstance(value, dict) and value and random.random() < 0.85:
        key = random.choice(list(value))
        if random.random() < 0.1:
            del value[key]
        elif random.random() < 0.1:
            value[random.choice(("x", "", "name", key + " "))] = random.choice(_VALUES)
        else:
            value[key] = _value_changed(random, value[key])
        return value
    if isinstance(value, list) and value and random.random() < 0.85:
        at = random.randrange(len(value))
        kind = random.random()
        if kind < 0.1:
            del value[at]
        elif kind < 0.2:
            value.insert(at, value[at])
        else:
            value[at] = _value_changed(random, value[at])
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and random.random() < 0.4:
        return value * random.choice((-1, 2, 1e6, 0.5)) + random.choice((0, 1, -1))
    return random.choice(_VALUES)


def _changed(random: Random, data: bytearray, seeds: Sequence[bytes]) -> bytearray:
    size = len(data)
    at = random.randrange(size + 1)
    end = min(size, at + random.choice((1, 1, 2, 4, 8, 64)))
    kind = random.randrange(10)
    if kind == 0 and size:  # a bit
        data[at % size] ^= 1 << random.randrange(8)
    elif kind == 1 and size:
        data[at % size] = random.choice(_BYTES)
    elif kind == 2:
        data[at:at] = bytes(random.choice(_BYTES) for _ in range(random.randrange(1, 9)))
    elif kind == 3:
        del data[at:end]
    elif kind == 4:
        data[at:at] = data[at:end] * random.choice((1, 2, 50))
    elif kind == 5:
        other = random.choice(seeds)
        start = random.randrange(len(other) + 1)
        data[at:end] = other[start : start + random.choice((1, 8, 64, 512))]
    elif kind == 6:
        del data[at:]
    elif kind == 7:
        _replaced(random, data, _NUMBER, random.choice(_NUMBERS).encode())
    elif kind == 8:
        _replaced(random, data, _STRING, random.choice(_WORDS).encode())
    else:
        data[at:end] = random.choice(_WORDS).encode() * random.choice((1, 1, 200))
    return data


def _replaced(random: Random, data: bytearray, pattern: re.Pattern[bytes], by: bytes) -> None:
    """Put something in the place of one match near a random one."""
    start = random.randrange(len(data) + 1)
    found = pattern.search(data, start) or pattern.search(data)
    if found is not None:
        data[found.start() : found.end()] = by
