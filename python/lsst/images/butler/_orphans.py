# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Find files in a repository that no dataset refers to."""

from __future__ import annotations

__all__ = ("find_orphans",)

from lsst.daf.butler import Butler, DatasetType, MissingCollectionError, MissingDatasetTypeError
from lsst.resources import ResourcePath


def find_orphans(butler: Butler, dataset_type: DatasetType, run: str) -> list[ResourcePath]:
    """Return the files of a dataset type in the directory of a run that no dataset refers to.

    A process that is killed while it ingests leaves such files.

    Parameters
    ----------
    butler
        The Butler.
    dataset_type
        The dataset type.
    run
        Name of the run.

    Returns
    -------
    files
        The files, sorted.  Only the directory ``RUN/DATASET_TYPE`` of the
        default file template is searched.
    """
    files: set[ResourcePath] = set()
    for root in butler.get_datastore_roots().values():
        if root is None or root.scheme == "mem":
            continue
        directory = root.join(run, forceDirectory=True).join(dataset_type.name, forceDirectory=True)
        files.update(ResourcePath.findFileResources([directory]) if directory.exists() else ())
    if not files:
        return []
    try:
        refs = butler.query_datasets(dataset_type, run, find_first=False, limit=None, explain=False)
    except (MissingCollectionError, MissingDatasetTypeError):
        refs = []
    if len(files) == len(refs):
        # The usual case; finding the locations of many datasets is slow.
        return []
    return sorted(files - {butler.getURI(ref) for ref in refs}, key=str)
