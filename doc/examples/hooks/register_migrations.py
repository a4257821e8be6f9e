# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A step from major version 1 of a schema to 2, on raw JSON."""

from lsst.images.plugins import Migration, hookimpl


def to_2(tree: dict) -> dict:
    """Version 1 said ``why``."""
    tree["reason"] = tree.pop("why")
    return tree


@hookimpl
def register_migrations():
    """Say which trees the step takes."""
    return [Migration(schema="my_survey.flag", from_major=1, function=to_2)]
