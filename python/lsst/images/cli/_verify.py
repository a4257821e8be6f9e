# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images verify``: find damaged files."""

from __future__ import annotations

__all__ = ("verify",)

import json

import click

from ..butler import verify_file
from ..butler._messages import count
from ._inputs import FILES, files_argument


@click.command("verify", help=f"Read whole files and report damage.\n\n{FILES}")
@files_argument
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def verify(files: tuple[str, ...], as_json: bool) -> None:
    """Read whole files and report damage."""
    found = []
    for file in files:
        problems = verify_file(file)
        found.append({"file": file, "problems": problems})
        if not as_json:
            click.echo(f"{file}: {'; '.join(problems) or 'good'}")
    if as_json:
        click.echo(json.dumps(found, indent=2))
    if damaged := sum(bool(item["problems"]) for item in found):
        verb = "is" if damaged == 1 else "are"
        raise click.ClickException(f"{damaged} of {count(len(files), 'file')} {verb} damaged.")
