# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Every hook: documented with an example, and the example at work."""

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
from helpers.repository import BOX, make_image
from lsst.images import BoundsError, Box, Image, MaskedImage, VisitImage
from lsst.images._geom import (  # private: the functions that apply the hook register_bounds
    deserialize_bounds,
    serialize_bounds,
)
from lsst.images.butler import config_files
from lsst.images.cli import cli
from lsst.images.errors import PluginLoadError, UnsupportedConversionError
from lsst.images.interop import convert_to
from lsst.images.io import open_archive
from lsst.images.plugins import _hookspecs, registry  # private: lists all hooks
from lsst.images.psfs import GaussianPointSpreadFunction
from lsst.resources import ResourcePath

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "doc" / "examples" / "hooks"
HOOKS = [name for name, value in vars(_hookspecs).items() if hasattr(value, "lsst_images_spec")]


@pytest.fixture
def example(request) -> Iterator[ModuleType]:
    """The example of the hook that a test is named after, registered."""
    name = re.fullmatch(
        r"test_hook_(\w+?)_(?:does|is|makes|reads|adds|hears)_\w+", request.function.__name__
    )[1]
    spec = importlib.util.spec_from_file_location(f"hook_example_{name}", EXAMPLES / f"{name}.py")
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    registry.register(module, name=name)
    yield module
    registry.unregister(name)
    del sys.modules[spec.name]


# The culture.


def test_there_are_hooks() -> None:
    assert len(HOOKS) >= 16


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_documented_with_an_example(hook) -> None:
    guide = (ROOT / "doc" / "plugins.rst").read_text()
    assert re.search(rf'^``{hook}``\n"+\n\n\S', guide, re.MULTILINE), "a heading and a text"
    assert f"literalinclude:: examples/hooks/{hook}.py" in guide
    assert f"@hookimpl\ndef {hook}(" in (EXAMPLES / f"{hook}.py").read_text()


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_is_tested_with_its_example(hook) -> None:
    tests = {name: value for name, value in globals().items() if name.startswith(f"test_hook_{hook}_")}
    assert any("example" in inspect.signature(test).parameters for test in tests.values())


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_docstring_that_names_its_arguments(hook) -> None:
    function = getattr(_hookspecs, hook)
    text = inspect.getdoc(function)  # without the indent, which Python 3.13 strips itself
    for argument in inspect.signature(function).parameters:
        assert re.search(rf"^{argument}$", text, re.MULTILINE)


# Declarations.


def test_hook_register_datasets_makes_a_type_writable(example, tmp_path) -> None:
    for name in ("flag.fits", "flag.json"):
        example.Flag("clouds").write(tmp_path / name)
        assert example.Flag.read(tmp_path / name).reason == "clouds"


def test_hook_register_bounds_makes_a_region_that_everything_can_have(example, tmp_path) -> None:
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


def test_hook_register_storage_classes_is_in_the_configuration(example) -> None:
    files = config_files()
    assert "SmallImage" in files["storageClasses.yaml"]
    assert re.search(
        r"SmallImage:\n.*formatter:.*GenericFormatter\n\s+parameters:\n\s+format: json",
        files["datastores/fileDatastore.yaml"],
    )


def test_hook_register_dataset_types_makes_a_preset(example) -> None:
    assert registry.dataset_types()["sky_frame"].storage_class == "ImageV2"


def test_hook_register_containers_makes_a_format(example, tmp_path) -> None:
    image = make_image().image[BOX]
    image.write(tmp_path / "image.surveyjson")
    assert (tmp_path / "image.surveyjson").read_bytes().lstrip().startswith(b"{")
    assert Image.read(tmp_path / "image.surveyjson") == image


def test_hook_register_migrations_is_known(example) -> None:
    step = registry.migrations()["my_survey.flag", 1]
    assert step.function({"why": "clouds"}) == {"reason": "clouds"}


def test_hook_register_legacy_decoders_reads_an_archived_psf(example, shared_data, tmp_path) -> None:
    data = (shared_data / "afw/exposure_visit_like.fits").read_bytes()
    (tmp_path / "survey.fits").write_bytes(data.replace(b"GaussianPsf", b"MySurveyPsf"))
    psf = VisitImage.read_legacy(tmp_path / "survey.fits", component="psf")
    assert isinstance(psf, GaussianPointSpreadFunction)
    assert VisitImage.read_legacy(tmp_path / "survey.fits").psf == psf


def test_hook_register_commands_adds_a_command(example, tmp_path) -> None:
    Image(np.full((3, 4), 2.5, dtype=np.float32)).write(tmp_path / "sky.fits")
    result = CliRunner().invoke(cli, ["sky-level", str(tmp_path / "sky.fits")])
    assert (result.exit_code, result.output) == (0, "2.50\n")


# Questions.


@pytest.fixture
def file(tmp_path) -> Path:
    make_image().write(tmp_path / "image.fits")
    return tmp_path / "image.fits"


def test_hook_parse_bbox_makes_a_box_of_a_word(example, file) -> None:
    guider = example.REGIONS["guider"]
    assert MaskedImage.read(file, bbox="guider").bbox == guider
    with open_archive(file) as reader:
        assert reader.get_component("mask", bbox="guider").bbox == guider


def test_hook_guess_container_is_asked_when_nothing_fits(example, tmp_path) -> None:
    image = make_image().image[BOX]
    image.write(tmp_path / "image.json")
    unknown = tmp_path / "image.unknown"
    unknown.write_bytes(b"\n" * 100 + (tmp_path / "image.json").read_bytes())
    assert Image.read(unknown) == image


def test_hook_read_component_makes_a_component(example, file) -> None:
    whole = make_image()
    with open_archive(file) as reader:
        found = reader.get_component("signal_to_noise", bbox=BOX)
    cut = whole[BOX]
    assert found.bbox == BOX
    assert np.array_equal(found.array, cut.image.array / np.sqrt(cut.variance.array))


def test_hook_convert_to_makes_a_galsim_image(example) -> None:
    galsim = pytest.importorskip("galsim")
    image = make_image().image
    converted = convert_to(image, galsim.Image)
    assert (converted.bounds.xmin, converted.bounds.ymin) == (image.bbox.x.start, image.bbox.y.start)
    np.testing.assert_array_equal(converted.array, image.array)
    with pytest.raises(UnsupportedConversionError, match=r"PositionD.*convert_to\(\)"):
        convert_to(image, galsim.PositionD)


def test_hook_convert_from_legacy_is_asked(example) -> None:
    image = Image.from_legacy(example.OldImage(np.ones((2, 3)), (10, 20)))
    assert image.bbox == Box.factory[20:22, 10:13]


def test_hook_convert_to_legacy_is_asked(example) -> None:
    image = make_image().image[BOX]
    old = registry.convert_to_legacy(image, survey=True)
    assert old.corner == (BOX.x.start, BOX.y.start) and np.array_equal(old.pixels, image.array)


def test_hook_read_legacy_reads_old_files(example, tmp_path) -> None:
    np.save(tmp_path / "old.npy", np.arange(6.0).reshape(2, 3))
    image = registry.read_legacy(ResourcePath(tmp_path / "old.npy"), Image)
    assert np.array_equal(image.array, [[0, 1, 2], [3, 4, 5]])


def test_hook_describe_is_shown(example, tmp_path) -> None:
    Image(np.full((3, 4), 2.5, dtype=np.float32)).write(tmp_path / "sky.fits")
    result = CliRunner().invoke(cli, ["describe", "--read", str(tmp_path / "sky.fits")])
    assert "Image with median 2.5" in result.output


# Notices.


def test_hook_after_read_hears_of_every_read(example, file) -> None:
    MaskedImage.read(file, bbox=BOX)
    with open_archive(file) as reader:
        reader.get_component("mask")
    assert [component for _, component, _ in example.used] == [None, "mask"]
    assert all(str(file) in uri for uri, _, _ in example.used)


def test_hook_before_write_adds_metadata_to_the_file_alone(example, tmp_path) -> None:
    image = make_image().image
    before = dict(image.metadata)
    image.write(tmp_path / "image.fits")
    assert Image.read(tmp_path / "image.fits").metadata == {**before, "survey": "mine", "container": "fits"}
    assert image.metadata == before


# What goes wrong.


class Misspelt:
    @staticmethod
    def parse_boxes(value):
        return None


Misspelt.parse_boxes.lsst_images_impl = dict.fromkeys(
    ("hookwrapper", "wrapper", "optionalhook", "tryfirst", "trylast"), False
) | {"specname": None}


def test_a_hook_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(PluginLoadError, match="parse_boxes"):
        registry.register(Misspelt, name="misspelt")
