# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Results of `bench_fits.py` for each release: comparison, and the tables in the documentation.

``python tests/benchmarks/track.py check NEW.json [OLD.json]``
    Compare ratios with those of the newest release; fail if one is more than 20 % lower.
``python tests/benchmarks/track.py tables``
    Write the table of the newest release into ``README.md`` and ``doc/performance.rst``.

A ratio is the time of another library divided by ours, both in the same run. It depends much less on the
computer and on its load than a time. To record a release, write its results to
``tests/benchmarks/results/VERSION.json`` with ``bench_fits.py --json``.
"""

from __future__ import annotations

__all__ = ("compare", "main", "newest", "readme_table", "rst_table")

import argparse
import json
import sys
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests" / "benchmarks" / "results"

MAX_LOSS = 0.2
"""Largest accepted decrease of a ratio, as a fraction."""

JOBS = {
    "whole, row tiles": "read whole, row tiles",
    "whole, our file": "read whole, square tiles",
    "box 256x256, row tiles": "box 256 x 256, row tiles",
    "box 256x256, our file": "box 256 x 256, square tiles",
    "100 boxes 64x64, our file": "100 boxes 64 x 64 in one call",
    "write whole": "write whole",
}
"""Names of the jobs of the benchmark, in the order of the table, and in the documentation."""

CODECS = {"GZIP_2": "lossless (GZIP_2)", "RICE_1 dithered": "lossy (RICE_1, dithered)"}

RIVALS = {
    "astropy, row tiles": "astropy with row tiles",
    "astropy, our file": "astropy",
    "ours, whole": "whole read",
    "codecs alone": "decoding only",
}
"""Names of rivals in the documentation, if they differ."""

BEGIN, END = "begin table of bench_fits", "end table of bench_fits"


class Job(TypedDict):
    """Result of one job."""

    ours: float
    """Our time in milliseconds."""
    ratios: dict[str, float]
    """Time of each rival divided by ours."""


Results = dict[str, Job]


def newest() -> Path:
    """Return the file of the newest release."""
    return max(RESULTS.glob("*.json"), key=lambda path: [int(part) for part in path.stem.split(".")])


def load(path: Path) -> Results:
    """Read results."""
    found: Results = json.loads(path.read_text())
    return found


def compare(new: Results, old: Results) -> list[str]:
    """Return a line for each ratio that is too low.

    Parameters
    ----------
    new, old
        Results of two runs.

    Returns
    -------
    lost
        Texts; empty if no ratio decreased by more than `MAX_LOSS`.
    """
    lost = []
    for name, job in old.items():
        for rival, ratio in job["ratios"].items():
            found = new.get(name, {"ours": 0.0, "ratios": {}})["ratios"].get(rival)
            if found is not None and found < (1 - MAX_LOSS) * ratio:
                lost.append(f"{name}: {rival} {found:.2f}x, was {ratio:.2f}x")
    return lost


def digits(number: float) -> str:
    """Return a number with one decimal if it is below 10."""
    return f"{number:.{1 if number < 10 else 0}f}"


def cells(job: Job) -> tuple[str, str]:
    """Return the texts of our time and of the ratios."""
    ratios = [f"{RIVALS.get(name, name)} {digits(ratio)}x" for name, ratio in job["ratios"].items()]
    return f"{digits(job['ours'])} ms", ", ".join(ratios)


def rows(results: Results) -> list[list[str]]:
    """Return the rows of the table: operation, and time and ratios for each codec."""
    table = [["operation", *(text for codec in CODECS.values() for text in (codec, "ratio"))]]
    for job, title in JOBS.items():
        found = [results.get(f"{job}, {codec}") for codec in CODECS]
        table.append([title, *(text for result in found for text in (cells(result) if result else ("", "")))])
    return table


def readme_table(results: Results) -> str:
    """Return the table in Markdown.

    Parameters
    ----------
    results
        Results of a run.

    Returns
    -------
    text
        The lines of the table.
    """
    lines = ["| " + " | ".join(row) + " |" for row in rows(results)]
    lines.insert(1, "|" + "---|" * (1 + 2 * len(CODECS)))
    return "\n".join(lines)


def rst_table(results: Results) -> str:
    """Return the table in reStructuredText.

    Parameters
    ----------
    results
        Results of a run.

    Returns
    -------
    text
        The lines of a ``list-table``.
    """
    lines = [".. list-table::", "   :header-rows: 1", ""]
    for row in rows(results):
        lines += [f"   {'*' if i == 0 else ' '} - {cell}".rstrip() for i, cell in enumerate(row)]
    return "\n".join(lines)


def replace(path: Path, table: str, write: bool) -> bool:
    """Replace the text between the two marks of a file; return whether it differed."""
    text = path.read_text()
    start = text.index("\n", text.index(BEGIN)) + 1
    end = text.rindex("\n", 0, text.index(END)) + 1
    changed = f"{text[:start]}\n{table}\n\n{text[end:]}"
    if write:
        path.write_text(changed)
    return changed != text


def write_tables(*, write: bool = True) -> bool:
    """Write the tables; return whether one differed."""
    results = load(newest())
    places = {ROOT / "README.md": readme_table(results), ROOT / "doc" / "performance.rst": rst_table(results)}
    return any([replace(path, table, write) for path, table in places.items()])


def main() -> int:
    """Run a command; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("command", choices=["check", "tables"])
    parser.add_argument("files", nargs="*", type=Path, help="new and old results")
    options = parser.parse_args()
    if options.command == "tables":
        write_tables()
        return 0
    new, old = [*options.files, newest()][:2]
    lost = compare(load(new), load(old))
    print("\n".join(lost) or f"No ratio is more than {MAX_LOSS:.0%} below {old.stem}.")
    return int(bool(lost))


if __name__ == "__main__":
    sys.exit(main())
