# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The option ``--version``: what a report of a defect needs."""

from __future__ import annotations

__all__ = ("print_versions",)

import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

import click

from ..version import __version__

DISTRIBUTIONS = (
    "numpy",
    "astropy",
    "pydantic",
    "lsst-daf-butler",
    "lsst-resources",
    "astro-metadata-translator",
    "starlink-pyast",
    "fitsio",
    "imagecodecs",
    "isal",
    "h5py",
    "piff",
    "matplotlib",
)
"""Distributions whose versions change what this package reads, writes or draws."""


def print_versions(ctx: click.Context, option: click.Parameter, requested: bool) -> None:
    """Write the versions of this package, of Python and of the libraries, and exit.

    Parameters
    ----------
    ctx
        The invocation.
    option
        The option ``--version``.
    requested
        Whether the option was given.
    """
    if not requested or ctx.resilient_parsing:
        return
    compiled = find_spec("lsst.images.fits._tiles._tile_loops") is not None
    click.echo(f"lsst-images, version {__version__}")
    click.echo(f"Python {platform.python_version()} on {platform.system()} {platform.machine()}")
    click.echo(f"C extension: {'compiled' if compiled else 'not compiled'}")
    for name in DISTRIBUTIONS:
        click.echo(f"{name} {_installed_version(name)}")
    ctx.exit()


def _installed_version(distribution: str) -> str:
    """Return the version of a distribution."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "not installed"
