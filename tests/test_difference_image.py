# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the kernel and the templates of difference images."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
import pytest
from helpers.exposures import make_difference_image, make_kernel, make_template, make_visit_arguments
from helpers.marks import containers
from lsst.images import Box, DifferenceImage, DifferenceImageTemplateInfo, Polygon, VisitImage
from lsst.images.errors import CorruptArchiveError, UnknownSchemaError
from lsst.images.io import open_archive, read

BOX = Box.factory[15:30, 25:50]


def as_json(template: DifferenceImageTemplateInfo) -> str:
    """Return the JSON of a template, in which NaN values are equal."""
    return template.model_dump_json()


@pytest.mark.parametrize(
    "derive",
    [
        lambda d: d[BOX],
        lambda d: d[...],
        lambda d: d.local[2:5, :],
        lambda d: d.copy(),
        lambda d: d.convert_unit(u.nJy),
        lambda d: d.convert_unit(u.nJy, copy="as-needed"),
    ],
)
def test_difference_image_view_shares_kernel_and_templates(derive: Any) -> None:
    difference = make_difference_image()
    derived = derive(difference)
    assert type(derived) is DifferenceImage
    assert derived.kernel is difference.kernel
    assert derived.templates == difference.templates and isinstance(derived.templates, list)


def test_difference_image_copy_has_own_list_of_templates() -> None:
    difference = make_difference_image()
    difference.copy().templates.append(make_template(9))
    assert len(difference.templates) == 2
    difference[BOX].templates.append(make_template(9))
    assert len(difference.templates) == 3


@pytest.mark.parametrize("name", ["kernel", "templates"])
def test_kernel_and_templates_can_be_deleted(name: str) -> None:
    arguments = make_visit_arguments()
    difference = DifferenceImage(arguments.pop("image"), **arguments)
    assert not hasattr(difference, name)
    with pytest.raises(AttributeError, match=name):
        getattr(difference, name)
    value = make_kernel() if name == "kernel" else (make_template(),)
    setattr(difference, name, value)
    assert getattr(difference, name) == (list(value) if isinstance(value, tuple) else value)
    delattr(difference, name)
    assert not hasattr(difference, name) and not hasattr(difference[BOX], name)


def test_difference_image_accepts_sky_projection_alias() -> None:
    arguments = make_visit_arguments()
    arguments["sky_projection"] = arguments.pop("projection")
    difference = DifferenceImage(arguments.pop("image"), **arguments)
    assert difference.projection is difference.sky_projection is not None


def test_template_info_json_keeps_nan() -> None:
    template = make_template()
    text = as_json(template)
    assert '"psf_shape_yy":NaN' in text and '"type":"Polygon"' in text
    back = DifferenceImageTemplateInfo.model_validate_json(text)
    assert np.isnan(back.psf_shape_yy) and isinstance(back.bounds, Polygon)
    assert back.bounds == template.bounds and back.dataset_id == template.dataset_id


@containers
def test_difference_image_file_round_trips(extension: str, tmp_path: Path) -> None:
    difference = make_difference_image()
    path = tmp_path / f"difference{extension}"
    difference.write(path)
    whole = read(path, VisitImage)
    assert type(whole) is DifferenceImage
    assert whole.image == difference.image and whole.mask == difference.mask
    assert whole.kernel == difference.kernel and whole.psf == difference.psf
    assert list(map(as_json, whole.templates)) == list(map(as_json, difference.templates))
    with open_archive(path) as reader:
        assert reader.get_component("kernel") == whole.kernel
        assert list(map(as_json, reader.get_component("templates"))) == list(map(as_json, whole.templates))
        assert reader.get_component("image", bbox=BOX) == whole.image[BOX]
        assert reader.get_component("bounds") == whole.bounds
        masked = reader.get_component("masked_image", bbox=BOX)
        assert masked.variance == whole.variance[BOX] and masked.metadata == whole.metadata
    part = read(path, bbox=BOX)
    assert type(part) is DifferenceImage and part.image == whole.image[BOX] and part.kernel == whole.kernel


def test_write_missing_kernel_and_templates_are_null(tmp_path: Path) -> None:
    path = tmp_path / "difference.json"
    make_difference_image(kernel=None, templates=None).write(path)
    tree = json.loads(path.read_text())
    assert tree["kernel"] is None and tree["templates"] is None
    back = read(path)
    assert not hasattr(back, "kernel") and not hasattr(back, "templates")
    with open_archive(path) as reader:
        assert reader.get_component("kernel") is None and reader.get_component("templates") is None
    # Files written in June 2026 lack the fields.
    del tree["kernel"], tree["templates"]
    path.write_text(json.dumps(tree))
    assert not hasattr(read(path), "kernel")


@pytest.mark.parametrize(
    ("name", "subtree", "error", "fragment"),
    [
        (
            "kernel",
            {"schema_url": "https://x.org/schemas/fourier_kernel-1.0.0"},
            UnknownSchemaError,
            "fourier",
        ),
        ("templates", [{"skymap": "cells"}], CorruptArchiveError, "tract"),
    ],
)
def test_read_invalid_field_raises_only_when_used(
    name: str, subtree: Any, error: type[Exception], fragment: str, tmp_path: Path
) -> None:
    make_difference_image().write(tmp_path / "good.json")
    path = tmp_path / "damaged.json"
    path.write_text(json.dumps({**json.loads((tmp_path / "good.json").read_text()), name: subtree}))
    difference = read(path)
    for image in (difference, difference[BOX], pickle.loads(pickle.dumps(difference))):
        with pytest.raises(error, match=fragment):
            getattr(image, name)
    with open_archive(path) as reader, pytest.raises(error, match=fragment):
        reader.get_component(name)
    difference.write(tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_text())[name] == subtree
