# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Put and get images, masks and projections, with the configuration released with the Butler."""

from __future__ import annotations

import astropy.units as u
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from astropy.io import fits
from helpers import repository
from helpers.repository import BOX, DATA_ID, FULL, assert_same_pixels, make_image
from lsst.daf.butler import Config, DatasetProvenance
from lsst.images import ICRS, Box, MaskedImage, Projection
from lsst.images.serialization import open_archive


@pytest.fixture(scope="module")
def projection() -> Projection:
    return repository.projection()


@pytest.fixture(scope="module")
def masked_image() -> MaskedImage:
    return make_image()


@pytest.fixture
def butler(make_butler, masked_image):
    butler = make_butler(mi="MaskedImageV2", im="ImageV2", ma="MaskV2", sky="SkyProjection")
    butler.put(masked_image, "mi", DATA_ID)
    butler.put(masked_image.image, "im", DATA_ID)
    butler.put(masked_image.mask, "ma", DATA_ID)
    butler.put(masked_image.projection, "sky", DATA_ID)
    return butler


def test_get_masked_image_equals_the_object_put(butler, masked_image):
    back = butler.get("mi", DATA_ID)
    assert_same_pixels(back, masked_image)
    assert back.metadata == masked_image.metadata
    assert back.projection == masked_image.projection


def test_get_image_mask_and_projection_equal_the_objects_put(butler, masked_image):
    assert butler.get("im", DATA_ID) == masked_image.image
    assert butler.get("ma", DATA_ID) == masked_image.mask
    assert butler.get("sky", DATA_ID) == masked_image.projection


class AfwBox:
    """Accessors of the bounds of ``lsst.geom.Box2I``."""

    def getBeginX(self):
        return BOX.x.start

    def getEndX(self):
        return BOX.x.stop

    def getBeginY(self):
        return BOX.y.start

    def getEndY(self):
        return BOX.y.stop


@pytest.mark.parametrize(
    "bbox", [BOX, (slice(130, 170), slice(240, 300)), AfwBox()], ids=["Box", "slices", "Box2I"]
)
@pytest.mark.parametrize("name", ["mi", "mi.image", "mi.mask", "mi.variance", "im", "ma"])
def test_get_with_bbox_of_any_type_equals_slice(butler, name, bbox):
    whole = butler.get(name, DATA_ID)
    part = butler.get(name, DATA_ID, parameters={"bbox": bbox})
    assert part.bbox == BOX
    if isinstance(part, MaskedImage):
        assert_same_pixels(part, whole[BOX])
    else:
        assert part == whole[BOX]
    assert part.projection == whole.projection is not None


def test_get_with_sky_circle_returns_enclosing_box(butler, projection):
    center = projection.pixel_to_sky(x=270.0, y=150.0)
    radius = 2.0 * u.arcsec
    part = butler.get("mi.image", DATA_ID, parameters={"bbox": (center, radius)})
    y, x = np.mgrid[FULL.y.start : FULL.y.stop, FULL.x.start : FULL.x.stop]
    inside = projection.pixel_to_sky(x=x, y=y).separation(center) <= radius
    rows, columns = np.nonzero(inside)
    # The box contains all pixels in the circle, and at most one more row or column on each side.
    assert part.bbox.contains(
        Box.factory[y[rows.min(), 0] : y[rows.max(), 0] + 1, x[0, columns.min()] : x[0, columns.max()] + 1]
    )
    assert part.bbox.area <= (np.ptp(rows) + 3) * (np.ptp(columns) + 3)


def test_get_with_galactic_circle_returns_the_box_of_the_icrs_circle(butler, projection):
    center = projection.pixel_to_sky(x=270.0, y=150.0)
    boxes = [
        butler.get("mi.mask", DATA_ID, parameters={"bbox": (c, 2.0 * u.arcsec)}).bbox
        for c in (center, SkyCoord(center).galactic)
    ]
    assert boxes[0] == boxes[1]


@pytest.mark.parametrize(
    "component, expected",
    [
        ("bbox", lambda m: m.bbox),
        ("unit", lambda m: m.unit),
        ("sky_projection", lambda m: m.projection),
        ("image", lambda m: m.image),
        ("mask", lambda m: m.mask),
        ("variance", lambda m: m.variance),
    ],
)
def test_get_component_equals_attribute(butler, masked_image, component, expected):
    assert butler.get(f"mi.{component}", DATA_ID) == expected(masked_image)


@pytest.mark.parametrize("component", ["image", "mask", "variance"])
def test_get_plane_keeps_projection(butler, masked_image, component):
    assert butler.get(f"mi.{component}", DATA_ID).projection == masked_image.projection


def test_get_components_returns_all_components(butler, masked_image):
    found = butler.get("mi.components", DATA_ID)
    assert found.keys() == {"bbox", "unit", "sky_projection", "image", "mask", "variance"}
    assert found["image"] == masked_image.image
    assert found["unit"] == u.nJy


def test_get_components_with_bbox_cuts_planes_only(butler, masked_image):
    parameters = {"components": ["mask", "unit"], "bbox": BOX}
    found = butler.get("mi.components", DATA_ID, parameters=parameters)
    assert found["mask"] == masked_image.mask[BOX]
    assert found["unit"] == u.nJy


@pytest.mark.parametrize(
    "name, parameters, fragment",
    [
        ("mi.components", {"components": []}, "empty request"),
        ("mi.components", {"components": ["components"]}, "should not be specified"),
        ("mi.components", {"components": ["psf"]}, "psf"),
        ("mi.components", {"components": ["unit"], "bbox": BOX}, "not known to any of the requested"),
        ("mi", {"components": ["image"]}, "should not be specified"),
        ("mi.image", {"bbox": "here"}, "not understood"),
        ("mi", {"bbox": Box.factory[0:10, 0:10]}, "y=0:10"),
    ],
)
def test_get_invalid_parameters_fails_with_reason(butler, name, parameters, fragment):
    with pytest.raises(ValueError, match="Failure from formatter") as caught:
        butler.get(name, DATA_ID, parameters=parameters)
    assert fragment in str(caught.value)


@pytest.mark.parametrize(
    "name, parameters",
    [("mi", None), ("mi", {"bbox": BOX}), ("mi.image", None), ("mi.mask", {"bbox": BOX}), ("im", None)],
)
def test_get_sets_butler_dataset_and_provenance(butler, name, parameters):
    back = butler.get(name, DATA_ID, parameters=parameters)
    ref = butler.find_dataset(name.partition(".")[0], DATA_ID)
    assert back.butler_dataset.id == ref.id
    assert back.butler_dataset.run == "run"
    assert back.butler_provenance.inputs == []


def test_put_with_provenance_stores_it_in_header_and_tree(butler, masked_image):
    source = butler.find_dataset("im", DATA_ID)
    provenance = DatasetProvenance(quantum_id="5d2b6dc6-2aa0-4b51-8b4b-8b3f4a6a4a6e")
    provenance.add_input(source)
    other = {**DATA_ID, "detector": 2}
    ref = butler.put(masked_image, "mi", other, provenance=provenance)
    for back in (butler.get("mi", other), butler.get("mi.variance", other, parameters={"bbox": BOX})):
        assert [i.id for i in back.butler_provenance.inputs] == [source.id]
        assert str(back.butler_provenance.quantum_id) == "5d2b6dc6-2aa0-4b51-8b4b-8b3f4a6a4a6e"
    uri = butler.getURI(ref)
    cards = fits.getheader(uri.ospath)
    assert cards["LSST BUTLER ID"] == str(ref.id)
    assert cards["LSST BUTLER INPUT 0 ID"] == str(source.id)
    with open_archive(uri) as reader:
        assert reader.butler_info["dataset"]["id"] == str(ref.id)


def test_put_of_image_that_was_read_replaces_dataset_id(butler):
    back = butler.get("mi", DATA_ID)
    other = {**DATA_ID, "detector": 2}
    ref = butler.put(back, "mi", other)
    assert butler.get("mi", other).butler_dataset.id == ref.id
    assert "LSST BUTLER ID" not in fits.getheader(butler.getURI(ref).ospath)


def recipe_config(**parameters):
    return Config(
        {
            "datastore": {
                "formatters": {
                    "MaskedImageV2": {
                        "formatter": "lsst.images.formatters.GenericFormatter",
                        "parameters": parameters,
                    }
                }
            }
        }
    )


def test_put_recipe_lossy16_quantizes_image(make_butler, masked_image):
    butler = make_butler(config=recipe_config(recipe="lossy16"), mi="MaskedImageV2")
    ref = butler.put(masked_image, "mi", DATA_ID)
    back = butler.get("mi", DATA_ID)
    assert back.mask == masked_image.mask
    difference = np.abs(back.image.array - masked_image.image.array)
    assert 0 < difference.max() < 1.0
    with fits.open(butler.getURI(ref).ospath, disable_image_compression=True) as hdus:
        assert hdus["IMAGE"].header["ZCMPTYPE"] == "RICE_1"
        assert hdus["MASK"].header["ZCMPTYPE"] == "GZIP_2"
    # astropy decodes the same pixel values.
    with fits.open(butler.getURI(ref).ospath) as hdus:
        np.testing.assert_array_equal(hdus["IMAGE"].data, back.image.array)


def test_put_lossy_dither_seed_depends_on_data_id_only(make_butler, masked_image):
    seeds = []
    for name in ("one", "two"):
        butler = make_butler(name, config=recipe_config(recipe="lossy16"), mi="MaskedImageV2")
        ref = butler.put(masked_image, "mi", DATA_ID)
        with fits.open(butler.getURI(ref).ospath, disable_image_compression=True) as hdus:
            seeds.append(hdus["IMAGE"].header["ZDITHER0"])
    assert seeds[0] == seeds[1]


@pytest.mark.parametrize("format, extension", [("fits", ".fits"), ("json", ".json"), ("sdf", ".sdf")])
def test_put_write_parameter_format_selects_container(make_butler, masked_image, format, extension):
    if format == "sdf":
        pytest.importorskip("h5py")
    butler = make_butler(config=recipe_config(format=format), mi="MaskedImageV2")
    ref = butler.put(masked_image, "mi", DATA_ID)
    assert butler.getURI(ref).getExtension() == extension
    assert_same_pixels(butler.get("mi", DATA_ID), masked_image)
    assert_same_pixels(butler.get("mi", DATA_ID, parameters={"bbox": BOX}), masked_image[BOX])
    assert butler.get("mi.unit", DATA_ID) == u.nJy


@pytest.mark.parametrize(
    "parameters, fragment",
    [
        ({"recipe": "tiny"}, "Invalid recipe 'tiny'"),
        ({"format": "png"}, "'png' is not supported"),
        ({"format": "json", "recipe": "lossy16"}, "cannot be combined"),
    ],
)
def test_put_invalid_write_parameter_leaves_no_dataset(make_butler, masked_image, parameters, fragment):
    butler = make_butler(config=recipe_config(**parameters), mi="MaskedImageV2")
    with pytest.raises(Exception) as caught:
        butler.put(masked_image, "mi", DATA_ID)
    # The Butler wraps exceptions of formatters.
    reasons = f"{caught.value} {caught.value.__cause__}"
    assert fragment in reasons
    assert butler.find_dataset("mi", DATA_ID) is None


def test_deferred_handle_component_with_bbox_equals_slice(butler, masked_image):
    handle = butler.getDeferred("mi", DATA_ID)
    assert handle.get(component="image", parameters={"bbox": BOX}) == masked_image.image[BOX]


def test_get_with_storage_class_returns_its_type(butler, masked_image):
    back = butler.get("mi", DATA_ID, storageClass="MaskedImageV2")
    assert isinstance(back, MaskedImage)
    assert back.projection.sky_frame == masked_image.projection.sky_frame == ICRS
