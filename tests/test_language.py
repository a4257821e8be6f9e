# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Check that code, tests and documentation use standard terms instead of private vocabulary.

`TERMS` lists the expressions that are not used, with the term to write instead. `EXCEPTIONS` lists
legitimate uses. `REMAINING` limits the uses that are still to be replaced; it may only shrink.

``python tests/test_language.py`` prints every use that is counted, and the totals for `REMAINING`.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("python", "doc", "tests", "bin", ".ci", "config", "ups")
FILES = ("README.md", "SConstruct", "pyproject.toml")
SUFFIXES = {"", ".c", ".h", ".md", ".py", ".pyi", ".rst", ".sh", ".table", ".toml", ".yaml"}


class Term(NamedTuple):
    """An expression that is not used."""

    pattern: str
    """Regular expression. Letters around a match are excluded, but not underscores."""
    instead: str


TERMS = {
    "stranger": Term("strangers?", "third-party plugin, plugin type"),
    "baggage": Term("baggage", "passthrough metadata"),
    "door": Term("doors?", "entry point, public API"),
    "road": Term("roads?|ways? in", "access path"),
    "room": Term("rooms?", "package, space"),
    "floor": Term(r"(?<!\.)floors?(?!\()", "layer, minimum"),
    "house": Term("house|tenants?", "architecture, package"),
    "face": Term("faces?", "public API"),
    "tail": Term("tails?", "index block, suffix range, rare codecs"),
    "is none": Term("(?-i:([Ii]s|[Aa]re)[ _]none)", "is invalid, is missing"),
    "is no": Term(r"(is|are)[ _]no[ _](?!longer|more|need)\w+", "is not a"),
    "sky": Term(
        r"skies|(?<=(its|the|any) )sky(?= (is|of|that|which|are)\b)|(?<=whose )sky|stored sky(?! proj)",
        "sky projection, WCS",
    ),
    "branch": Term("branch(es)?", "subtree, field"),
    "stands for": Term("(what|that|which) stands? for|stand-?ins? for|stood for", "placeholder, represents"),
    "nobody": Term("nobody|whoever|foresaw", "unexpected; name the actor"),
    "glance": Term("glances?|borrow(s|ed)?|fetch_ahead|preload", "peek, read into buffer, prefetch"),
    "far": Term("(?<!as )(?<!so )(?<!how )(?<!too )far(?! as)( away)?", "remote"),
    "share out": Term("(share|hand)[ _]out", "partition, distribute"),
    "constants": Term(
        "(?-i:PATIENCE|TRIES|FIRST_PAUSE|(MOST|LEAST|FEW|LARGEST|DEEPEST|FARTHEST|LONGEST|HIGHEST)(_[A-Z]+)?)",
        "MAX_*, MIN_*, *_TIMEOUT",
    ),
    "words": Term("in (the )?words( of)?|has words|words for", "as text"),
    "travel": Term("travels?(led|ling)?", "pickling, copying"),
    "world": Term("worlds?", "test repository"),
    "say": Term("says?|tells?|told", "states, returns, determines, reports"),
    "know": Term("knows?|learns?|hears?", "has, stores, supports"),
}


class Allowed(NamedTuple):
    """A legitimate use of an expression."""

    files: str
    """Regular expression for the path."""
    term: str
    line: str
    """Regular expression for the line."""
    reason: str


EXCEPTIONS = (
    Allowed("", "world", r"pixel_(n_dim|to_world)|world_|_world|pix2world", "API of APE 14 and astropy.wcs"),
    Allowed("", "world", r"[Ww]orld[- ]([Cc]oordinate|axes|axis|values)", "term of the FITS standard"),
    Allowed("transforms", "world", r"world\[", "array of world coordinates"),
    Allowed("", "constants", "pickle.HIGHEST_PROTOCOL", "constant of pickle"),
    Allowed("", "is none", r"\bis_none\b|test_is_none_", "function that compares with None"),
    Allowed(r"^\.ci/run$", "tail", r"\| tail -n", "the command tail"),
)

REMAINING: dict[str, dict[str, int]] = {
    "python": {
        "branch": 121,
        "constants": 15,
        "door": 1,
        "far": 7,
        "floor": 4,
        "glance": 46,
        "is no": 137,
        "is none": 30,
        "know": 62,
        "nobody": 37,
        "road": 1,
        "room": 9,
        "say": 222,
        "sky": 2,
        "stands for": 24,
        "stranger": 2,
        "tail": 52,
        "travel": 1,
        "words": 5,
    },
    "tests": {
        "branch": 117,
        "door": 2,
        "face": 2,
        "far": 72,
        "is no": 54,
        "is none": 5,
        "know": 26,
        "nobody": 16,
        "room": 8,
        "say": 105,
        "sky": 1,
        "stands for": 4,
        "stranger": 54,
        "travel": 16,
        "words": 2,
    },
}
"""Maximum number of uses by top-level folder and term, still to be replaced."""


class Use(NamedTuple):
    """One place where an expression is used."""

    term: str
    path: str
    number: int
    line: str


PATTERNS = {
    name: re.compile(f"(?<![A-Za-z])(?:{term.pattern})(?![A-Za-z])", re.IGNORECASE)
    for name, term in TERMS.items()
}


def text_files() -> Iterator[Path]:
    """Yield the files that are checked: all text files but this one and the generated schemas."""
    yield from (ROOT / name for name in FILES)
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            skipped = {"__pycache__", "_build", "reference", "schemas"} & set(path.parts)
            if path.is_file() and path.suffix in SUFFIXES and not skipped and path != Path(__file__):
                yield path


def find_uses() -> Iterator[Use]:
    """Yield all uses of the expressions, legitimate ones included."""
    for path in text_files():
        relative = path.relative_to(ROOT).as_posix()
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="ignore").splitlines(), 1):
            for term, pattern in PATTERNS.items():
                for _ in pattern.finditer(line):
                    yield Use(term, relative, number, line.strip())


def is_allowed(use: Use, exception: Allowed) -> bool:
    """Return whether an exception covers a use."""
    return bool(
        use.term == exception.term
        and re.search(exception.files, use.path)
        and re.search(exception.line, use.line)
    )


def count(uses: list[Use]) -> dict[str, dict[str, int]]:
    """Return the number of uses that no exception covers, by top-level folder and term."""
    totals: dict[str, collections.Counter[str]] = collections.defaultdict(collections.Counter)
    for use in uses:
        if not any(is_allowed(use, exception) for exception in EXCEPTIONS):
            totals[use.path.split("/")[0]][use.term] += 1
    return {folder: dict(sorted(terms.items())) for folder, terms in sorted(totals.items())}


@pytest.fixture(scope="module")
def uses() -> list[Use]:
    return list(find_uses())


@pytest.mark.parametrize("term", TERMS)
def test_private_term_is_not_used_more_than_allowed(term: str, uses: list[Use]) -> None:
    for folder, terms in count(uses).items():
        limit = REMAINING.get(folder, {}).get(term, 0)
        places = [
            f"{u.path}:{u.number}: {u.line}" for u in uses if u.term == term and u.path.startswith(folder)
        ]
        assert terms.get(term, 0) <= limit, f"Write {TERMS[term].instead!r} instead of {term!r}: {places}"


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda e: f"{e.term}: {e.reason}")
def test_exception_is_still_needed(exception: Allowed, uses: list[Use]) -> None:
    assert any(is_allowed(use, exception) for use in uses)


@pytest.mark.parametrize("text", ["a stranger's type", "test_a_stranger_is_read", "Strangers."])
def test_private_term_is_found_in_prose_and_identifiers(text: str) -> None:
    assert PATTERNS["stranger"].search(text)


def main() -> None:
    """Print all uses that no exception covers, and the totals."""
    uses = list(find_uses())
    for use in sorted(uses):
        if not any(is_allowed(use, exception) for exception in EXCEPTIONS):
            print(f"{use.term}: {use.path}:{use.number}: {use.line:.100}")
    print(count(uses))


if __name__ == "__main__":
    main()
