# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Version and C extension; everything else is declared in ``pyproject.toml``."""

from __future__ import annotations

import os
import sysconfig
from typing import Any

from setuptools import Extension, setup

SOURCES = "python/lsst/images/fits/_tiles"

# The version of a source tree without git and without tags. The first number is the major version of
# lsst-daf-butler that this package follows.
BASE_VERSION = "30.2026.4800"


def version_from_tag(version: Any) -> str:
    """Return the version of a commit: that of its tag, or a post-release of the last tag.

    Versions of commits are no pre-releases, because ``pip`` does not accept a pre-release where
    another package requires ``lsst-images>=30``.
    """
    tag = version.tag if str(version.tag) > "0.0" else BASE_VERSION
    return str(tag) if version.exact else f"{tag}.post{version.distance}"


# One wheel per platform serves Python 3.11 and later; free-threaded builds have no stable ABI.
STABLE_ABI = not sysconfig.get_config_var("Py_GIL_DISABLED")

# With LSST_IMAGES_COMPILED=0, a wheel without the extension is built, for platforms without another one.
COMPILED = os.environ.get("LSST_IMAGES_COMPILED") != "0"

setup(
    use_scm_version={
        "version_scheme": version_from_tag,
        "fallback_version": BASE_VERSION,
    },
    ext_modules=[
        Extension(
            "lsst.images.fits._tiles._tile_loops",
            sources=[
                f"{SOURCES}/{name}.c"
                for name in (
                    "_tile_loops",
                    "_tile_loops_deflate",
                    "_tile_loops_noise",
                    "_tile_loops_quantize",
                    "_tile_loops_rice",
                    "_tile_loops_scale",
                    "_tile_loops_shuffle",
                )
            ],
            depends=[f"{SOURCES}/_tile_loops.h", f"{SOURCES}/_tile_loops_dither.h"],
            define_macros=[("Py_LIMITED_API", "0x030B0000")] if STABLE_ABI else [],
            py_limited_api=STABLE_ABI,
            # If it cannot be compiled, libraries are used instead, with identical results.
            optional=True,
            # Disable FMA contraction so that results are bit-identical to the Python implementation.
            # No debug information, which would contain the path of the build and make wheels differ.
            extra_compile_args=["-O3", "-g0", "-std=c11", "-ffp-contract=off", "-fvisibility=hidden"],
        )
    ]
    if COMPILED
    else [],
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE_ABI and COMPILED else {},
)
