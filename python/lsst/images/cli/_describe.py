# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images describe``: describe the content of files."""

from __future__ import annotations

__all__ = ("describe",)

import json

import click

from ..butler._describe import describe_or_error, facts_as_text
from ..butler._messages import count
from ._inputs import FILES, files_argument


@click.command("describe", help=f"Describe the content of files without reading pixels.\n\n{FILES}")
@files_argument
@click.option("--read", is_flag=True, help="Read the whole file including pixels, and describe the object.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def describe(files: tuple[str, ...], read: bool, as_json: bool) -> None:
    """Describe the content of files; damaged files do not prevent describing the others."""
    described = [describe_or_error(file, read=read) for file in files]
    if as_json:
        click.echo(json.dumps(described, indent=2))
    else:
        click.echo("\n\n".join(facts_as_text(facts) for facts in described))
    if failed := sum("error" in facts for facts in described):
        raise click.ClickException(f"{failed} of {count(len(files), 'file')} could not be described.")
