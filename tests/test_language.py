# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Check that code, tests and documentation use standard terms instead of private vocabulary.

`TERMS` lists the expressions that are not used, with the term to write instead. `EXCEPTIONS` lists
legitimate uses.

``python tests/test_language.py`` prints every use that no exception covers.
"""

from __future__ import annotations

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
    Allowed("", "say", r"\btell\(", "method of binary streams"),
    Allowed("_mask.py", "is no", "There is no data for this pixel", "description stored in files"),
    Allowed("_from_nddata.py", "say", "which does not say why", "description stored in files"),
    Allowed("test_io_containers.py", "is none", "def test_get_component_absent_value_is_none", "value None"),
    Allowed(r"^\.ci/coverage$|^pyproject", "branch", r"gcov|^branch = true", "settings of gcov and coverage"),
    Allowed(r"^\.ci/run$", "tail", r"\| tail -n", "the command tail"),
)


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


def is_covered(use: Use) -> bool:
    """Return whether any exception covers a use."""
    return any(is_allowed(use, exception) for exception in EXCEPTIONS)


@pytest.fixture(scope="module")
def uses() -> list[Use]:
    return list(find_uses())


@pytest.mark.parametrize("term", TERMS)
def test_private_term_is_not_used(term: str, uses: list[Use]) -> None:
    found = [use for use in uses if use.term == term and not is_covered(use)]
    places = [f"{use.path}:{use.number}: {use.line}" for use in found]
    assert not places, f"Write {TERMS[term].instead!r} instead of {term!r}: {places}"


@pytest.mark.parametrize("exception", EXCEPTIONS, ids=lambda e: f"{e.term}: {e.reason}")
def test_exception_is_still_needed(exception: Allowed, uses: list[Use]) -> None:
    assert any(is_allowed(use, exception) for use in uses)


@pytest.mark.parametrize("text", ["a stranger's type", "test_a_stranger_is_read", "Strangers."])
def test_private_term_is_found_in_prose_and_identifiers(text: str) -> None:
    assert PATTERNS["stranger"].search(text)


def main() -> None:
    """Print all uses that no exception covers."""
    for use in sorted(find_uses()):
        if not is_covered(use):
            print(f"{use.term}: {use.path}:{use.number}: {use.line:.100}")


if __name__ == "__main__":
    main()
