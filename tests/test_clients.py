# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Calls of public packages that use this one, under the names and spellings that they use."""

from __future__ import annotations

import importlib
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

import astropy.io.fits
import astropy.units as u
import lsst.images
import numpy as np
import pydantic
import pytest
from astropy.coordinates import SkyCoord
from helpers import afw_fakes as afw
from helpers.afw_fakes import install
from lsst.images import (
    YX,
    Box,
    GeneralFrame,
    GeneralizedImage,
    Image,
    ImageSerializationModel,
    Mask,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    Polygon,
)
from lsst.images.cells import CellGrid, CoaddProvenance
from lsst.images.errors import (
    DuplicateRegistrationError,
    LegacyConversionError,
    PluginError,
    UnknownSchemaError,
    UnserializableTypeError,
)
from lsst.images.fields import field_from_legacy_photo_calib
from lsst.images.fits import ExtensionKey, FitsInputArchive, FitsOpaqueMetadata, parse_legacy_bunit
from lsst.images.psfs import PointSpreadFunction
from lsst.images.serialization import ArchiveTree, InputArchive, OutputArchive
from lsst.images.tests import make_random_projection

P = TypeVar("P", bound=pydantic.BaseModel)

BOX = Box.factory[10:15, 20:26]


# A type that is written for the public package: it serializes itself, and its model has class variables.


class Candidate(GeneralizedImage):
    def __init__(self, image: Image, number: int, metadata: Any = None) -> None:
        super().__init__(metadata)
        self.image, self.number = image, number

    @property
    def bbox(self) -> Box:
        return self.image.bbox

    @property
    def sky_projection(self) -> None:
        return None

    def __getitem__(self, bbox: Any) -> Candidate:
        box, _ = self._handle_getitem_args(bbox)
        return self._transfer_metadata(Candidate(self.image[box], self.number), bbox=box)

    def copy(self) -> Candidate:
        return self._transfer_metadata(Candidate(self.image.copy(), self.number), copy=True)

    def serialize(self, archive: OutputArchive) -> CandidateModel:
        image = archive.serialize_direct("image", self.image.serialize)
        return CandidateModel(image=image, number=self.number, metadata=self.metadata)


class CandidateModel(ArchiveTree, Generic[P]):
    SCHEMA_NAME: ClassVar[str] = "test_clients_candidate"
    SCHEMA_VERSION: ClassVar[str] = "1.2.0"
    MIN_READ_VERSION: ClassVar[int] = 1
    PUBLIC_TYPE: ClassVar[type] = Candidate

    image: ImageSerializationModel[P]
    number: int

    def deserialize(self, archive: InputArchive, *, bbox: Box | None = None) -> Candidate:
        image = self.image.deserialize(archive, bbox=bbox)
        return Candidate(image, self.number)._finish_deserialize(self)


@pytest.fixture
def candidate() -> Candidate:
    pixels = np.arange(30, dtype="f4").reshape(5, 6)
    return Candidate(Image(pixels, bbox=BOX, unit=u.nJy), 7, {"note": "x"})


@pytest.mark.parametrize("extension", ["fits", "json", "sdf"])
def test_type_with_own_serialize_is_written_and_read(
    candidate: Candidate, extension: str, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{extension}"
    candidate.write(path)
    part = Box.factory[11:13, 22:25]
    back = Candidate.read(path, bbox=part)
    assert type(lsst.images.serialization.read(path)) is Candidate
    assert back.number == 7 and back.bbox == part and back.metadata == {"note": "x"}
    assert back.image == candidate.image[part]
    with lsst.images.serialization.open(path) as reader:
        assert reader.info.schema_name == "test_clients_candidate"
        assert reader.info.schema_version == "1.2.0"
        assert reader.get_component("image", bbox=part) == candidate.image[part]
    assert back.butler_dataset is None and back.butler_provenance is None


def test_protocol_helpers_share_copy_and_check(candidate: Candidate) -> None:
    part = candidate[Box.factory[11:13, 22:25]]
    part.metadata["note"] = "changed"
    assert candidate.metadata["note"] == "changed"
    copied = candidate.copy()
    copied.metadata["note"] = "own"
    assert candidate.metadata["note"] == "changed"
    assert candidate._handle_getitem_args(...) == (BOX, YX(slice(0, 5), slice(0, 6)))
    assert candidate.local[1:3, 2:4].bbox == Box.factory[11:13, 22:24]
    for wrong in (3, slice(1, 2), (slice(1, 2), slice(1, 2))):
        with pytest.raises(TypeError, match=r"\.local.*\.absolute"):
            candidate._handle_getitem_args(wrong)
    with pytest.raises(IndexError):
        candidate._handle_getitem_args(Box.factory[0:3, 0:3])


def test_generic_model_and_its_parameterized_form_are_one() -> None:
    assert CandidateModel[pydantic.BaseModel] is CandidateModel
    assert CandidateModel.SCHEMA_URL.endswith("/test_clients_candidate-1.2.0")
    assert lsst.images.serialization.class_for_schema("test_clients_candidate") is CandidateModel
    assert lsst.images.serialization.public_type_for_schema("test_clients_candidate") is Candidate


def test_invalid_models_are_refused_when_they_are_declared() -> None:
    for name, version in (("test_clients_x", "1"), ("test clients", "1.0.0"), ("test_clients_x", "one.0.0")):
        with pytest.raises(PluginError, match="three numbers, such as 1.0.0"):

            class Wrong(ArchiveTree):
                SCHEMA_NAME: ClassVar[str] = name
                SCHEMA_VERSION: ClassVar[str] = version

    with pytest.raises(DuplicateRegistrationError, match="already that of"):

        class Other(ArchiveTree):
            SCHEMA_NAME: ClassVar[str] = "test_clients_candidate"
            SCHEMA_VERSION: ClassVar[str] = "1.0.0"


def test_model_without_serialize_is_refused_when_it_is_declared() -> None:
    class Mute(lsst.images.io.Serializable):
        pass

    with pytest.raises(PluginError, match=r"MuteModel.*Mute.*serialize\(\)"):

        class MuteModel(ArchiveTree):
            SCHEMA_NAME: ClassVar[str] = "test_clients_mute"
            SCHEMA_VERSION: ClassVar[str] = "1.0.0"
            PUBLIC_TYPE: ClassVar[type] = Mute

    with pytest.raises(UnserializableTypeError, match="Mute"):
        Mute().write("never.fits")
    assert lsst.images.serialization.class_for_schema("test_clients_mute") is None


PACKAGE = """
from typing import ClassVar
from lsst.images import Image, ImageSerializationModel
from lsst.images.io import Serializable
from lsst.images.serialization import ArchiveTree

class Pair(Serializable):
    def __init__(self, first, second):
        self.first, self.second = first, second

    def serialize(self, archive):
        first = archive.serialize_direct("first", self.first.serialize)
        return PairModel(first=first, second=archive.serialize_direct("second", self.second.serialize))

class PairModel(ArchiveTree):
    SCHEMA_NAME: ClassVar[str] = "client_pair"
    SCHEMA_VERSION: ClassVar[str] = "1.0.0"
    PUBLIC_TYPE: ClassVar[type] = Pair
    first: ImageSerializationModel
    second: ImageSerializationModel

    def deserialize(self, archive):
        return Pair(self.first.deserialize(archive), self.second.deserialize(archive))
"""

ENTRY_POINTS = """[lsst.images.schemas]
client_pair = client_package:PairModel
client_broken = client_package:Absent
client_other = client_package:PairModel
"""


@pytest.fixture
def run_with_package(tmp_path: Path) -> Callable[[str], str]:
    """Return a function that runs a script where a package with entry points is installed."""
    info = tmp_path / "site" / "client_package-1.0.dist-info"
    info.mkdir(parents=True)
    (tmp_path / "site" / "client_package.py").write_text(PACKAGE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: client-package\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)

    def run(script: str) -> str:
        before = f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", before + script.replace("FOLDER", str(tmp_path))],
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_entry_points_declare_schemas_without_importing_them(
    run_with_package: Callable[[str], str],
) -> None:
    run_with_package(
        """
import numpy as np
from client_package import Pair
from lsst.images import Image
Pair(Image(np.ones((3, 4), "f4")), Image(np.zeros((2, 2), "f8"))).write("FOLDER/pair.fits")
"""
    )
    out = run_with_package(
        """
import lsst.images.io, sys
assert "client_package" not in sys.modules
pair = lsst.images.io.read("FOLDER/pair.fits")
print(type(pair).__name__, pair.first.array.sum(), pair.second.array.dtype)
"""
    )
    assert out.split() == ["Pair", "12.0", "float64"]


@pytest.mark.parametrize(
    ("schema", "words"),
    [("client_broken", "cannot be loaded"), ("client_other", "not a serialization model")],
)
def test_invalid_entry_points_are_named(
    schema: str, words: str, run_with_package: Callable[[str], str]
) -> None:
    out = run_with_package(
        f"""
from lsst.images.serialization import class_for_schema
from lsst.images.errors import PluginLoadError
try:
    class_for_schema({schema!r})
except PluginLoadError as err:
    print(err)
"""
    )
    assert words in out and schema in out


# Names in unusual places.


@pytest.mark.parametrize(
    "name",
    """
    lsst.images._cell_grid.CellIJ lsst.images._geom.BoundsError
    lsst.images._transforms._ast.FitsChan lsst.images._transforms._ast.FrameSet
    lsst.images._transforms._ast.StringStream lsst.images.fits._input_archive._READ_CACHE_TYPE
    lsst.images.fits._input_archive.FitsInputArchive lsst.images.serialization.open
    lsst.images.serialization.read lsst.images.cameras.DetectorSerializationModel
    lsst.images.fields.ChebyshevFieldSerializationModel lsst.images.psfs.GaussianPSFSerializationModel
    lsst.images.cells.CellCoaddSerializationModel lsst.images.obs_info_from_legacy
    lsst.images.convolution_kernels.ImageBasisConvolutionKernelSerializationModel
    """.split(),
)
def test_name_can_be_imported_from_its_place(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(importlib.import_module(module), attribute)


def test_ast_channels_read_and_write_fits_cards() -> None:
    from lsst.images._transforms._ast import FitsChan, FrameSet, StringStream  # a client does this

    header = astropy.io.fits.Header()
    header.update(
        {
            "NAXIS": 2,
            "NAXIS1": 100,
            "NAXIS2": 80,
            "CTYPE1": "RA---TAN",
            "CTYPE2": "DEC--TAN",
            "RADESYS": "ICRS",
        }
        | {"CRVAL1": 30.0, "CRVAL2": -20.0, "CRPIX1": 50.0, "CRPIX2": 40.0, "CDELT1": -1e-4, "CDELT2": 1e-4}
    )
    frames = FitsChan(StringStream(header.tostring(endcard=False))).read()
    assert isinstance(frames, FrameSet)
    sky = np.degrees(frames.tran([[50.0], [40.0]])).ravel()
    np.testing.assert_allclose(sky, [30, -20], atol=1e-12)
    sink = StringStream()
    assert FitsChan(sink, "Encoding=FITS-WCS").write(frames) == 1
    again = astropy.io.fits.Header.fromstring(sink.getSinkData(), sep="\n")
    assert again["CTYPE1"] == "RA---TAN" and again["CRVAL2"] == pytest.approx(-20)


def test_input_archive_names_are_those_of_the_public_package(tmp_path: Path) -> None:
    image = Image(np.ones((4, 5), "f4"), bbox=Box.factory[0:4, 0:5])
    for extension in ("fits", "json", "sdf"):
        path = tmp_path / f"a.{extension}"
        image.write(path)
        with lsst.images.serialization.open(path) as reader:
            archive = type(reader.archive)
        assert archive.get_basic_info(path).schema_name == "image"
        with archive.open_tree(path) as (opened, tree, info):
            assert info.schema_name == "image"
            assert tree.deserialize(opened) == image
            assert type(opened.get_tree(type(tree))) is type(tree)
            opened.get_opaque_metadata()


def test_open_tree_of_unknown_schema_is_refused(tmp_path: Path) -> None:
    Image(np.ones((4, 5), "f4")).write(tmp_path / "a.json")
    text = (tmp_path / "a.json").read_text().replace("schemas/image-", "schemas/unheard_of-")
    (tmp_path / "a.json").write_text(text)
    from lsst.images.json import JsonInputArchive

    with (
        pytest.raises(UnknownSchemaError, match="unheard_of"),
        JsonInputArchive.open_tree(tmp_path / "a.json"),
    ):
        pass


class Labelled(lsst.images.io.Serializable):
    """A type that adds cards when it is written, and removes them when it is read."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array

    def serialize(self, archive: OutputArchive) -> LabelledModel:
        def update(header: Any) -> None:
            header["MYCARD"] = (5, "a card")
            header["OTHER"] = 6

        return LabelledModel(array=archive.add_array(self.array, name="data", update_header=update))


class LabelledModel(ArchiveTree):
    SCHEMA_NAME: ClassVar[str] = "test_clients_labelled"
    SCHEMA_VERSION: ClassVar[str] = "1.0.0"
    PUBLIC_TYPE: ClassVar[type] = Labelled

    array: lsst.images.serialization.AnyArrayModel

    def deserialize(self, archive: InputArchive) -> Labelled:
        return Labelled(archive.get_array(self.array, strip_header=lambda header: header.remove("MYCARD")))


def test_update_header_adds_cards_and_strip_header_removes_them(tmp_path: Path) -> None:
    Labelled(np.arange(6.0).reshape(2, 3)).write(tmp_path / "a.fits")
    with astropy.io.fits.open(tmp_path / "a.fits") as hdus:
        assert (hdus["DATA"].header["MYCARD"], hdus["DATA"].header["OTHER"]) == (5, 6)
    back = Labelled.read(tmp_path / "a.fits")
    back.write(tmp_path / "b.fits")
    with astropy.io.fits.open(tmp_path / "b.fits") as hdus:
        assert hdus["DATA"].header["MYCARD"] == 5
    with FitsInputArchive.open(tmp_path / "a.fits") as archive:
        archive.get_tree(LabelledModel).deserialize(archive)
        header = archive.get_opaque_metadata().header(ExtensionKey("DATA"))
        assert "OTHER" in header and "MYCARD" not in header


def test_opaque_metadata_set_from_a_header_is_written(tmp_path: Path) -> None:
    image = MaskedImage(Image(np.ones((4, 5), "f4")), mask_schema=MaskSchema([MaskPlane("A", "a")]))
    opaque = FitsOpaqueMetadata()
    header = astropy.io.fits.Header({"MYKEY": 4, "OTHER": "text"})
    opaque.add_header(header, name="", ver=1)
    image._opaque_metadata = opaque
    assert image._opaque_metadata is opaque
    image.write(tmp_path / "a.fits")
    with astropy.io.fits.open(tmp_path / "a.fits") as hdus:
        assert (hdus[0].header["MYKEY"], hdus[0].header["OTHER"]) == (4, "text")
    assert MaskedImage.read(tmp_path / "a.fits").metadata.external["mykey"] == 4


# Keyword names.


def test_mask_keywords_are_accepted() -> None:
    mask = Mask(0, schema=MaskSchema([MaskPlane("A", "a"), MaskPlane("B", "b")]), bbox=BOX)
    mask.set(plane="B")
    assert mask.get(plane="B").all()
    assert mask.schema.bit(plane="B").mask == 2
    assert mask.schema.interpret(value=mask.array[0, 0]) == ["B"]
    mask.clear(plane="B")
    assert not mask.get("B").any()
    with pytest.raises(TypeError, match="both"):
        mask.get(plane="B", name="B")


def test_region_keywords_are_accepted() -> None:
    square = Polygon.from_box(Box.factory[0:10, 0:10])
    other = Polygon.from_box(Box.factory[5:15, 0:10])
    assert square.union(other=other).area == 150
    assert square.difference(other=other).area == 50

    class Shift:
        def apply_forward(self, *, x: Any, y: Any) -> Any:
            return lsst.images.XY(x + 1, y)

    assert square.transform(transform=Shift()) == Polygon.from_box(Box.factory[0:10, 1:11])


def test_provenance_tables_take_n_rows() -> None:
    assert len(CoaddProvenance.make_empty_input_table(n_rows=3)) == 3
    assert len(CoaddProvenance.make_empty_contribution_table(n_rows=2)) == 2


def test_cell_grid_can_be_dumped() -> None:
    grid = CellGrid(Box.factory[0:20, 10:30], YX(10, 5))
    dumped = grid.model_dump()
    assert dumped["cell_shape"] == {"y": 10, "x": 5}
    assert pydantic.TypeAdapter(CellGrid).validate_python(dumped) == grid


def test_world_to_pixel_has_named_coordinates() -> None:
    projection = make_random_projection(np.random.default_rng(4), GeneralFrame(unit=u.pix), BOX)
    image = Image(np.ones((5, 6), "f4"), bbox=BOX, projection=projection)
    sky = image.astropy_wcs.pixel_to_world(2, 3)
    assert isinstance(sky, SkyCoord)
    pixel = image.astropy_wcs.world_to_pixel(sky)
    assert (pixel.x, pixel.y) == pytest.approx((2, 3))
    assert tuple(pixel) == pytest.approx((2, 3))


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    install(monkeypatch)
    yield


def test_legacy_objects_are_accepted_by_their_own_keywords(stack: None) -> None:
    legacy = afw.PhotoCalib(2.0, 0.1) if hasattr(afw, "PhotoCalib") else None
    if legacy is not None:
        field = field_from_legacy_photo_calib(photo_calib=legacy, bounds=BOX, instrumental_unit=u.adu)
        assert field is not None and field.unit == u.nJy / u.adu
    with pytest.raises(LegacyConversionError):
        PointSpreadFunction.from_legacy(legacy_psf=uuid.uuid4(), bounds=BOX)
    with pytest.raises(TypeError, match="both"):
        PointSpreadFunction.from_legacy(legacy_psf=1, legacy=2, bounds=BOX)


@pytest.mark.parametrize(
    ("text", "unit", "expected"),
    [
        ("ADU", None, u.adu),
        ("ADU2", None, u.adu**2),
        ("ADU**2", u.electron, u.electron**2),
        ("adu", u.electron, u.electron),
        ("ELECTRONS", None, u.electron),
        ("nJy", u.electron, u.nJy),
    ],
)
def test_parse_legacy_bunit(text: str, unit: u.UnitBase | None, expected: u.UnitBase) -> None:
    assert parse_legacy_bunit(text, unit) == expected


def test_parse_legacy_bunit_refuses_other_words_unchanged() -> None:
    with pytest.raises(ValueError, match="GRADUATE"):
        parse_legacy_bunit("GRADUATE")


def test_package_can_be_executed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "lsst.images", "--help"], capture_output=True, text=True, check=True
    )
    assert "describe" in done.stdout
