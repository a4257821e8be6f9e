# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A migration from major version 1 of a schema to version 2, on raw JSON."""

from lsst.images.plugins import Migration, hookimpl


def to_2(tree: dict) -> dict:
    """Rename the member ``why`` of version 1 to ``reason``."""
    tree["reason"] = tree.pop("why")
    return tree


@hookimpl
def register_migrations():
    """Declare the schema and version that the function converts."""
    return [Migration(schema="my_survey.flag", from_major=1, function=to_2)]
