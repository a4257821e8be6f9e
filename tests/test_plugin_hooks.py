# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Each hook is documented with an example, which is executed with a real file."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from click.testing import CliRunner
from helpers.repository import BOX, new_repo
from lsst.images import BoundsError, Box, Image, MaskedImage, VisitImage
from lsst.images._geom import (  # private: the functions that apply the hook register_bounds
    deserialize_bounds,
    serialize_bounds,
)
from lsst.images.butler import config_files, register_dataset_types
from lsst.images.cli import cli
from lsst.images.errors import PluginLoadError, UnsupportedConversionError
from lsst.images.interop import convert_to
from lsst.images.io import open_archive
from lsst.images.plugins import _hookspecs, registry  # private: lists all hooks
from lsst.images.psfs import GaussianPointSpreadFunction
from lsst.images.serialization import ArchiveTree
from lsst.resources import ResourcePath

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "doc" / "examples" / "hooks"
HOOKS = [name for name, value in vars(_hookspecs).items() if hasattr(value, "lsst_images_spec")]


@pytest.fixture
def example(request) -> Iterator[ModuleType]:
    """Register the example of the hook that a test is named after."""
    name = re.fullmatch(r"test_hook_(\w+?)_(?:is|makes|reads|adds|runs)_\w+", request.function.__name__)[1]
    spec = importlib.util.spec_from_file_location(f"hook_example_{name}", EXAMPLES / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    registry.register(module, name=name)
    yield module
    registry.unregister(name)
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def image(shared_data) -> MaskedImage:
    """A calibrated exposure that lsst.afw wrote."""
    return MaskedImage.read_legacy(shared_data / "afw" / "exposure_visit_like_piff.fits")


@pytest.fixture
def file(image, tmp_path) -> Path:
    image.write(tmp_path / "image.fits")
    return tmp_path / "image.fits"


# Documentation.


def test_hook_specifications_are_found() -> None:
    assert len(HOOKS) >= 16


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_documentation_page_includes_example(hook) -> None:
    guide = (ROOT / "doc" / "plugins.rst").read_text()
    assert re.search(rf'^``{hook}``\n"+\n\n\S', guide, re.MULTILINE), "a heading and a text"
    assert f"literalinclude:: examples/hooks/{hook}.py" in guide
    assert f"@hookimpl\ndef {hook}(" in (EXAMPLES / f"{hook}.py").read_text()


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_example_is_tested(hook) -> None:
    tests = {name: value for name, value in globals().items() if name.startswith(f"test_hook_{hook}_")}
    assert any("example" in inspect.signature(test).parameters for test in tests.values())


@pytest.mark.parametrize("hook", HOOKS)
def test_hook_docstring_describes_all_arguments(hook) -> None:
    function = getattr(_hookspecs, hook)
    text = inspect.getdoc(function)  # without the indent, which Python 3.13 strips itself
    for argument in inspect.signature(function).parameters:
        assert re.search(rf"^{argument}$", text, re.MULTILINE)


# Declaration hooks.


def test_hook_register_datasets_makes_a_type_writable(example, tmp_path) -> None:
    for name in ("flag.fits", "flag.json"):
        example.Flag("clouds").write(tmp_path / name)
        assert example.Flag.read(tmp_path / name).reason == "clouds"


def test_hook_register_bounds_makes_psf_bounds_writable(example, tmp_path) -> None:
    disc = example.Disc(20.0, 30.0, 5.5)
    psf = GaussianPointSpreadFunction(2.0, disc, 11)
    for name in ("psf.fits", "psf.json"):
        psf.write(tmp_path / name)
        bounds = GaussianPointSpreadFunction.read(tmp_path / name).bounds
        assert type(bounds) is example.Disc
        assert (bounds.center, bounds.radius) == (disc.center, disc.radius)
    with pytest.raises(BoundsError):
        psf.compute_kernel_image(x=24.0, y=34.0)
    wide, narrow = Box.factory[0:100, 0:100], Box.factory[0:100, 0:20]
    assert disc.intersection(wide) is wide.intersection(disc) is disc
    half = narrow.intersection(disc)
    assert half.contains(x=[19.0, 21.0], y=30.0).tolist() == [True, False]
    again = deserialize_bounds(serialize_bounds(half).model_dump())
    assert again.contains(x=[19.0, 21.0], y=30.0).tolist() == [True, False]


def test_hook_register_storage_classes_is_in_butler_configuration(example) -> None:
    files = config_files()
    assert "SmallImage" in files["storageClasses.yaml"]
    assert re.search(
        r"SmallImage:\n.*formatter:.*GenericFormatter\n\s+parameters:\n\s+format: json",
        files["datastores/fileDatastore.yaml"],
    )


def test_hook_register_dataset_types_is_registered_in_butler(example, image, tmp_path) -> None:
    assert registry.dataset_types()["sky_frame"].storage_class == "ImageV2"
    butler = new_repo(tmp_path / "repo")
    register_dataset_types(butler, ["sky_frame"])
    dataset_type = butler.get_dataset_type("sky_frame")
    assert dataset_type.storageClass_name == "ImageV2"
    assert {"instrument", "detector", "physical_filter"} <= set(dataset_type.dimensions.names)


def test_hook_register_containers_makes_a_format(example, image, tmp_path) -> None:
    image = image.image[BOX]
    image.write(tmp_path / "image.surveyjson")
    assert (tmp_path / "image.surveyjson").read_bytes().lstrip().startswith(b"{")
    assert Image.read(tmp_path / "image.surveyjson") == image


class FlagModel(ArchiveTree, schema="my_survey.flag", version="2.0.0"):
    """Version 2 of the model in the example of register_datasets."""

    reason: str


def test_hook_register_migrations_is_used_by_read(example, tmp_path) -> None:
    step = registry.migrations()["my_survey.flag", 1]
    assert step.function({"why": "clouds"}) == {"reason": "clouds"}
    tree = {"schema_version": "1.0.0", "why": "clouds"}
    assert FlagModel.model_validate(tree).reason == "clouds"


def test_hook_register_legacy_decoders_reads_an_archived_psf(example, shared_data, tmp_path) -> None:
    data = (shared_data / "afw/exposure_visit_like.fits").read_bytes()
    (tmp_path / "survey.fits").write_bytes(data.replace(b"GaussianPsf", b"MySurveyPsf"))
    psf = VisitImage.read_legacy(tmp_path / "survey.fits", component="psf")
    assert isinstance(psf, GaussianPointSpreadFunction)
    assert VisitImage.read_legacy(tmp_path / "survey.fits").psf == psf


def test_hook_register_commands_adds_a_command(example, image, tmp_path) -> None:
    plane = image.image[BOX]
    plane.write(tmp_path / "sky.fits")
    result = CliRunner().invoke(cli, ["sky-level", str(tmp_path / "sky.fits")])
    assert (result.exit_code, result.output) == (0, f"{np.median(plane.array):.2f}\n")


# First-result hooks.


def test_hook_parse_bbox_makes_a_box_from_a_name(example, file) -> None:
    guider = example.REGIONS["guider"]
    assert MaskedImage.read(file, bbox="guider").bbox == guider
    with open_archive(file) as reader:
        assert reader.get_component("mask", bbox="guider").bbox == guider


def test_hook_guess_container_is_used_for_unrecognized_files(example, image, tmp_path) -> None:
    image = image.image[BOX]
    image.write(tmp_path / "image.json")
    unknown = tmp_path / "image.unknown"
    unknown.write_bytes(b"\n" * 100 + (tmp_path / "image.json").read_bytes())
    assert Image.read(unknown) == image


def test_hook_read_component_makes_a_component(example, image, file) -> None:
    with open_archive(file) as reader:
        found = reader.get_component("signal_to_noise", bbox=BOX)
    cut = image[BOX]
    assert found.bbox == BOX
    assert np.array_equal(found.array, cut.image.array / np.sqrt(cut.variance.array))


def test_hook_convert_to_makes_a_galsim_image(example, image) -> None:
    galsim = pytest.importorskip("galsim")
    image = image.image
    converted = convert_to(image, galsim.Image)
    assert (converted.bounds.xmin, converted.bounds.ymin) == (image.bbox.x.start, image.bbox.y.start)
    np.testing.assert_array_equal(converted.array, image.array)
    with pytest.raises(UnsupportedConversionError, match=r"PositionD.*convert_to\(\)"):
        convert_to(image, galsim.PositionD)


def test_hook_convert_from_legacy_is_used_by_from_legacy(example, image) -> None:
    converted = Image.from_legacy(example.OldImage(image.image.array[:2, :3], (10, 20)))
    assert converted.bbox == Box.factory[20:22, 10:13]
    np.testing.assert_array_equal(converted.array, image.image.array[:2, :3])


def test_hook_convert_to_legacy_is_used_by_registry(example, image) -> None:
    image = image.image[BOX]
    old = registry.convert_to_legacy(image, survey=True)
    assert old.corner == (BOX.x.start, BOX.y.start) and np.array_equal(old.pixels, image.array)


def test_hook_read_legacy_reads_old_files(example, image, tmp_path) -> None:
    pixels = image.image[BOX].array
    np.save(tmp_path / "old.npy", pixels)
    assert np.array_equal(Image.read_legacy(ResourcePath(tmp_path / "old.npy")).array, pixels)


def test_hook_describe_is_shown_by_command(example, image, tmp_path) -> None:
    plane = image.image[BOX]
    plane.write(tmp_path / "sky.fits")
    result = CliRunner().invoke(cli, ["describe", "--read", str(tmp_path / "sky.fits")])
    assert f"Image with median {np.median(plane.array):.1f}" in result.output


# Notification hooks.


def test_hook_after_read_runs_after_every_read(example, file) -> None:
    MaskedImage.read(file, bbox=BOX)
    with open_archive(file) as reader:
        reader.get_component("mask")
    assert [component for _, component, _ in example.used] == [None, "mask"]
    assert all(str(file) in uri for uri, _, _ in example.used)


def test_hook_before_write_adds_metadata_to_the_file_only(example, image, tmp_path) -> None:
    image = image.image
    before = dict(image.metadata)
    image.write(tmp_path / "image.fits")
    assert Image.read(tmp_path / "image.fits").metadata == {**before, "survey": "mine", "container": "fits"}
    assert image.metadata == before


# Errors.


class Misspelt:
    @staticmethod
    def parse_boxes(value):
        return None


Misspelt.parse_boxes.lsst_images_impl = dict.fromkeys(
    ("hookwrapper", "wrapper", "optionalhook", "tryfirst", "trylast"), False
) | {"specname": None}


def test_registry_register_unknown_hook_raises_plugin_load_error() -> None:
    with pytest.raises(PluginLoadError, match="parse_boxes"):
        registry.register(Misspelt, name="misspelt")
