# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find damage in stored files."""

from __future__ import annotations

__all__ = ("verify_dataset", "verify_file")

from lsst.daf.butler import Butler, DatasetRef
from lsst.resources import ResourcePath, ResourcePathExpression

from ..errors import ImagesError, NotAnArchiveError
from ..fits import verify
from ..io import open_archive
from ..legacy import open_legacy
from ..serialization._deferred import available
from ._provenance import check_identity

FITS_SIGNATURE = b"SIMPLE  ="
"""First bytes of a FITS file; FITS standard 4.0, section 4.4.1.1."""


def verify_file(path: ResourcePathExpression, *, ref: DatasetRef | None = None) -> list[str]:
    """Read a whole file; of a FITS file, also check structure and checksums.

    Parameters
    ----------
    path
        File of any container, or of `lsst.afw`.
    ref
        Dataset that the file should hold, or `None` to accept any content.

    Returns
    -------
    problems
        Description of each problem; an empty list for an undamaged file.
    """
    uri = ResourcePath(path, forceDirectory=False)
    pytype = None if ref is None else ref.datasetType.storageClass.pytype
    problems: list[str] = []
    try:
        if uri.read(len(FITS_SIGNATURE)) == FITS_SIGNATURE:
            problems += map(str, verify(uri).findings)
        try:
            with open_archive(uri, pytype, partial=False) as reader:
                if ref is not None:
                    check_identity(available(reader.butler_info), ref, uri)
                reader.get_tree()
                reader.read()
        except NotAnArchiveError:
            with open_legacy(uri, partial=False) as old:
                old.read()
    except (ImagesError, OSError) as err:
        problems.append(f"{type(err).__name__}: {err}")
    return problems


def verify_dataset(butler: Butler, ref: DatasetRef) -> list[str]:
    """Check the files of a dataset.

    Parameters
    ----------
    butler
        Butler of the dataset.
    ref
        The dataset.

    Returns
    -------
    problems
        Description of each problem; an empty list for an undamaged file.
    """
    try:
        primary, components = butler.getURIs(ref)
    except FileNotFoundError as err:
        return [f"FileNotFoundError: {err}"]
    uris = [*components.values(), *([] if primary is None else [primary])]
    try:
        # Also compares the size of the file with the recorded size.
        butler.get(ref)
    except (OSError, ValueError, RuntimeError) as err:
        return [f"{type(err).__name__}: {err}"]
    local = [uri for uri in uris if uri.scheme != "mem" and not uri.fragment and not components]
    return [problem for uri in local for problem in verify_file(uri, ref=ref)]
