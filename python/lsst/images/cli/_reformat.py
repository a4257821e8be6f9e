# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Command ``lsst-images reformat``: write files in another container."""

from __future__ import annotations

__all__ = ("reformat",)

import warnings
from typing import Any

import click

from lsst.resources import ResourcePath

from ..errors import ImagesError, LossyConversionWarning, NotAnArchiveError
from ..io import open_archive, write
from ..serialization._deferred import available
from ._convert import format_option, name_targets, output_option
from ._inputs import files_argument


@click.command("reformat")
@files_argument
@output_option
@format_option
@click.option("--overwrite", is_flag=True, help="Replace new files that exist.")
def reformat(files: tuple[str, ...], output: str, extension: str, overwrite: bool) -> None:
    """Write files of this package in another container.

    FILE is a path or URI; containers are FITS, NDF, JSON and those of plugins. Metadata and Butler
    information are kept; header cards of FITS and NDF files are kept where the new container can
    store them. A file that cannot be written does not prevent writing the others.
    """
    failed = 0
    pairs = name_targets(files, output, extension)
    for source, target in pairs:
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", LossyConversionWarning)
                name = _reformat(source, target, overwrite=overwrite)
            click.echo(f"{source} -> {target} ({name})")
            for warning in caught:
                if issubclass(warning.category, LossyConversionWarning):
                    click.echo(f"  {warning.message}")
        except NotAnArchiveError as err:
            failed += 1
            click.echo(f"{source}: {err} Use 'lsst-images convert' for files of lsst.afw.", err=True)
        except (ImagesError, OSError) as err:
            failed += 1
            click.echo(f"{source}: {type(err).__name__}: {err}", err=True)
    if failed:
        raise click.ClickException(f"{failed} of {len(pairs)} files could not be written.")


def _reformat(source: str, target: str, *, overwrite: bool) -> str:
    """Read one file and write it; return the name of its type."""
    with open_archive(source, partial=False) as reader:
        obj: Any = reader.read()
        butler_info: Any = available(reader.butler_info)
        container = reader.archive.CONTAINER
    external = len(getattr(getattr(obj, "metadata", None), "external", ()))
    if external and ResourcePath(target, forceDirectory=False).getExtension() == ".json":
        warnings.warn(
            f"{external} header cards of the {container} file are not written: JSON files cannot store them.",
            LossyConversionWarning,
            stacklevel=2,
        )
    write(obj, target, butler_info=butler_info, overwrite=overwrite)
    return type(obj).__name__
