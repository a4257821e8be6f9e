# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Access to stored images: deferred reads, transfers, kinds of datastores, ingest, cutouts."""

from __future__ import annotations

import contextlib
import copy
import inspect
import pickle
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest
from helpers.calls import record_opens
from helpers.repository import (
    BOX,
    DATA_ID,
    DATA_IDS,
    FULL,
    INSTRUMENT,
    assert_same_pixels,
    make_image,
    new_repo,
    register,
)
from lsst.daf.butler import Butler, Config, DatasetRef, StorageClassFactory
from lsst.images import MaskedImage, io
from lsst.images.butler import (
    ImagesDelegate,
    ingest_images,
    iter_cutouts,
    read_cutouts,
    register_dataset_types,
)
from lsst.images.errors import InvalidParameterError, NoOverlapError, PluginError
from lsst.resources import ResourcePath

TYPES = {"mi": "MaskedImageV2", "im": "ImageV2", "ma": "MaskV2"}


@pytest.fixture(scope="module")
def images() -> list[MaskedImage]:
    return [make_image(seed) for seed in range(len(DATA_IDS))]


def fill(butler: Butler, images: list[MaskedImage]) -> list[DatasetRef]:
    return [butler.put(image, "mi", data_id) for image, data_id in zip(images, DATA_IDS, strict=True)]


@pytest.fixture(scope="module")
def butler(tmp_path_factory, images) -> Butler:
    """A repository that no test changes."""
    butler = new_repo(tmp_path_factory.mktemp("access") / "repo", **TYPES)
    fill(butler, images)
    return butler


# Deferred handles.


def test_deferred_handle_returns_whole_box_and_component(butler, images):
    handle = butler.getDeferred("mi", DATA_ID)
    assert_same_pixels(handle.get(), images[0])
    assert_same_pixels(handle.get(parameters={"bbox": BOX}), images[0][BOX])
    assert handle.get(component="mask", parameters={"bbox": BOX}) == images[0].mask[BOX]
    assert handle.get(component="bbox") == FULL


def test_deferred_handle_parameters_of_get_override_earlier_ones(butler, images):
    handle = butler.getDeferred("mi", DATA_ID, parameters={"bbox": BOX})
    assert handle.get().bbox == BOX
    smaller = BOX.padded(-5)
    assert_same_pixels(handle.get(parameters={"bbox": smaller}), images[0][smaller])


def test_deferred_handle_of_component_returns_component(butler, images):
    assert butler.getDeferred("mi.variance", DATA_ID).get(parameters={"bbox": BOX}) == images[0].variance[BOX]


def test_deferred_handle_pickled_returns_same_pixels(butler, images):
    handle = pickle.loads(pickle.dumps(butler.getDeferred("mi", DATA_ID)))
    assert_same_pixels(handle.get(parameters={"bbox": BOX}), images[0][BOX])


def test_image_pickled_or_copied_keeps_pixels_and_dataset(butler, images):
    back = butler.get("mi", DATA_ID, parameters={"bbox": BOX})
    for duplicate in (pickle.loads(pickle.dumps(back)), copy.deepcopy(back)):
        assert_same_pixels(duplicate, images[0][BOX])
        assert duplicate.projection == back.projection
        assert duplicate.butler_dataset.id == butler.find_dataset("mi", DATA_ID).id


# Storage class conversions.


def test_get_with_storage_class_returns_its_type_or_fails(butler, images):
    back = butler.get("mi", DATA_ID, storageClass="MaskedImageV2")
    assert_same_pixels(back, images[0])
    with pytest.raises(ValueError, match="ImageV2"):
        butler.get("mi", DATA_ID, storageClass="ImageV2")


# Transfers between repositories.


@pytest.mark.parametrize("transfer", ["copy", "hardlink"])
def test_transfer_from_keeps_ids_pixels_and_dataset(butler, images, tmp_path, transfer):
    other = new_repo(tmp_path / "other", **TYPES)
    refs = butler.query_datasets("mi")
    other.transfer_from(butler, refs, transfer=transfer)
    for ref, image in zip(sorted(refs), images, strict=True):
        back = other.get(ref)
        assert_same_pixels(back, image)
        assert back.butler_dataset.id == ref.id


def test_export_and_import_keeps_pixels(butler, images, tmp_path):
    (tmp_path / "export").mkdir()
    with butler.export(directory=str(tmp_path / "export"), filename="export.yaml", transfer="copy") as export:
        export.saveDatasets(butler.query_datasets("mi", with_dimension_records=True))
    root = tmp_path / "imported"
    Butler.makeRepo(str(root))
    other = Butler.from_config(str(root), writeable=True)
    other.import_(
        directory=str(tmp_path / "export"), filename=str(tmp_path / "export" / "export.yaml"), transfer="copy"
    )
    for data_id, image in zip(DATA_IDS, images, strict=True):
        assert_same_pixels(other.get("mi", data_id, collections="run"), image)
        assert other.get("mi.image", data_id, collections="run", parameters={"bbox": BOX}) == image.image[BOX]


def test_ingest_zip_serves_whole_boxes_and_cutouts(butler, images, tmp_path):
    archive = butler.retrieve_artifacts_zip(butler.query_datasets("mi"), destination=tmp_path)
    other = new_repo(tmp_path / "other", **TYPES)
    other.ingest_zip(archive, transfer="copy")
    for data_id, image in zip(DATA_IDS, images, strict=True):
        assert_same_pixels(other.get("mi", data_id, collections="run"), image)
        assert other.get("mi.mask", data_id, collections="run", parameters={"bbox": BOX}) == image.mask[BOX]
    refs = other.query_datasets("mi", "run")
    cutouts = read_cutouts(other, [(ref, BOX) for ref in sorted(refs)])
    for cutout, image in zip(cutouts, images, strict=True):
        assert_same_pixels(cutout.image, image[BOX])


def test_retrieve_artifacts_returns_readable_files(butler, images, tmp_path):
    found = butler.retrieveArtifacts(butler.query_datasets("mi"), f"{tmp_path}/out/", transfer="copy")
    assert len(found) == len(images)
    ids = {str(ref.id) for ref in butler.query_datasets("mi")}
    assert {str(MaskedImage.read(uri).butler_dataset.id) for uri in found} == ids


# Kinds of datastores.


@pytest.fixture(scope="module")
def configured() -> None:
    """Skip unless storage classes have delegates, which the released configuration does not define."""
    if StorageClassFactory().getStorageClass("MaskedImageV2").delegateClass is not ImagesDelegate:
        # test_butler_config.py runs this module in a process with the configuration of this package.
        pytest.skip("the Butler configuration of this package is not active in this process")


@pytest.fixture(scope="module")
def in_memory(tmp_path_factory, images, configured) -> Butler:
    config = Config({"datastore": {"cls": "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"}})
    butler = new_repo(tmp_path_factory.mktemp("memory") / "repo", config=config, **TYPES)
    fill(butler, images)
    return butler


@pytest.fixture(scope="module")
def chained(tmp_path_factory, images, configured) -> Butler:
    file = {"cls": "lsst.daf.butler.datastores.fileDatastore.FileDatastore"}
    config = Config(
        {
            "datastore": {
                "cls": "lsst.daf.butler.datastores.chainedDatastore.ChainedDatastore",
                "datastores": [
                    {"cls": "lsst.daf.butler.datastores.inMemoryDatastore.InMemoryDatastore"},
                    {**file, "root": "<butlerRoot>/first", "records": {"table": "first_records"}},
                    {**file, "root": "<butlerRoot>/second", "records": {"table": "second_records"}},
                ],
            }
        }
    )
    butler = new_repo(tmp_path_factory.mktemp("chained") / "repo", config=config, **TYPES)
    fill(butler, images)
    return butler


@pytest.fixture(scope="module")
def disassembled(tmp_path_factory, images) -> Butler:
    config = Config({"datastore": {"composites": {"default": True}}})
    butler = new_repo(tmp_path_factory.mktemp("composites") / "repo", config=config, **TYPES)
    fill(butler, images)
    return butler


KINDS = ["butler", "in_memory", "chained", "disassembled"]
"""Fixtures of one kind of datastore each."""


@pytest.fixture(params=KINDS)
def any_butler(request) -> Butler:
    return request.getfixturevalue(request.param)


def test_get_any_datastore_returns_whole_and_box(any_butler, images):
    assert_same_pixels(any_butler.get("mi", DATA_ID), images[0])
    assert_same_pixels(any_butler.get("mi", DATA_ID, parameters={"bbox": BOX}), images[0][BOX])


@pytest.mark.parametrize(
    "bbox", [None, BOX, (slice(130, 170), slice(240, 300))], ids=["whole", "box", "slices"]
)
@pytest.mark.parametrize("component", ["image", "mask", "variance"])
def test_get_any_datastore_returns_planes(any_butler, images, component, bbox):
    parameters = {} if bbox is None else {"bbox": bbox}
    whole = getattr(images[0], component)
    found = any_butler.get(f"mi.{component}", DATA_ID, parameters=parameters)
    assert found == (whole if bbox is None else whole[BOX])


@pytest.mark.parametrize("component", ["bbox", "unit", "sky_projection"])
def test_get_any_datastore_returns_components_without_pixels(any_butler, images, component):
    assert any_butler.get(f"mi.{component}", DATA_ID) == getattr(images[0], component)


def test_get_any_datastore_returns_several_components(any_butler, images):
    parameters = {"components": ["mask", "unit"], "bbox": BOX}
    found = any_butler.get("mi.components", DATA_ID, parameters=parameters)
    assert found.keys() == {"mask", "unit"}
    assert found["mask"] == images[0].mask[BOX] and found["unit"] == images[0].unit


def test_read_cutouts_any_datastore_returns_pixels(any_butler, images):
    refs = sorted(any_butler.query_datasets("mi"))
    requests = [(ref, box) for box in (BOX, BOX.padded(-10)) for ref in refs]
    found = read_cutouts(any_butler, requests, component="image")
    for cutout, (ref, box) in zip(found, requests, strict=True):
        assert cutout.ref == ref
        assert cutout.image == images[refs.index(ref)].image[box]


def test_get_any_datastore_sets_butler_dataset(any_butler):
    ref = any_butler.find_dataset("mi", DATA_ID)
    assert any_butler.get("mi", DATA_ID, parameters={"bbox": BOX}).butler_dataset.id == ref.id


def test_put_into_memory_leaves_object_unchanged(in_memory, images):
    assert all(image.butler_dataset is None for image in images)


# Concurrent reads.


def get_box(arguments):
    """Read a box and return the sum of its pixels; runs in a worker process."""
    root, data_id = arguments
    butler = Butler.from_config(root, collections="run")
    return butler.get("mi.image", data_id, parameters={"bbox": BOX}).array.sum(dtype=np.float64)


def test_get_from_several_processes_returns_same_pixels(butler, images):
    root = butler._config.configDir.ospath
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        sums = list(pool.map(get_box, [(root, data_id) for data_id in DATA_IDS]))
    assert sums == [image.image[BOX].array.sum(dtype=np.float64) for image in images]


def test_get_from_several_threads_returns_same_pixels(butler, images):
    handles = [butler.getDeferred("mi", data_id) for data_id in DATA_IDS] * 5
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda handle: handle.get(parameters={"bbox": BOX}), handles))
    for number, image in enumerate(found):
        assert_same_pixels(image, images[number % len(images)][BOX])


# Formats, recipes and the cache.


@pytest.mark.parametrize("format", ["fits", "json", "sdf"])
def test_get_any_format_returns_boxes_and_components(tmp_path, images, format):
    if format == "sdf":
        pytest.importorskip("h5py")
    formatter = {"formatter": "lsst.images.formatters.GenericFormatter", "parameters": {"format": format}}
    config = Config({"datastore": {"formatters": {"MaskedImageV2": formatter}}})
    butler = new_repo(tmp_path / "repo", config=config, **TYPES)
    ref = butler.put(images[0], "mi", DATA_ID)
    assert butler.getURI(ref).getExtension() == f".{format}"
    assert_same_pixels(butler.get(ref), images[0])
    assert butler.get(ref.makeComponentRef("mask"), parameters={"bbox": BOX}) == images[0].mask[BOX]
    assert butler.get(ref).butler_dataset.id == ref.id


def test_recipe_lossy16_quantizes_image_and_keeps_mask(tmp_path, images):
    formatter = {"formatter": "lsst.images.formatters.GenericFormatter", "parameters": {"recipe": "lossy16"}}
    config = Config({"datastore": {"formatters": {"MaskedImageV2": formatter}}})
    butler = new_repo(tmp_path / "repo", config=config, **TYPES)
    back = butler.get(butler.put(images[0], "mi", DATA_ID))
    assert back.mask == images[0].mask
    difference = back.image.array - images[0].image.array
    # The quantization step is a sixteenth of the noise, whose standard deviation is 5.
    assert 0 < np.abs(difference).max() <= 5 / 16


def test_get_local_file_does_not_use_the_cache(tmp_path, images):
    config = Config(
        {"datastore": {"cached": {"cacheable": {"MaskedImageV2": True}, "root": str(tmp_path / "cache")}}}
    )
    butler = new_repo(tmp_path / "repo", config=config, **TYPES)
    ref = butler.put(images[0], "mi", DATA_ID)
    # The Butler caches remote files only.
    assert_same_pixels(butler.get(ref), images[0])
    assert not list((tmp_path / "cache").rglob("*.fits"))


# Dataset type presets and ingest.


def test_register_dataset_types_twice_registers_once(tmp_path):
    butler = new_repo(tmp_path / "repo")
    assert register_dataset_types(butler, ["template_detector"]) == {"template_detector": True}
    assert register_dataset_types(butler, ["template_detector"]) == {"template_detector": False}
    found = butler.get_dataset_type("template_detector")
    assert found.storageClass_name == "MaskedImageV2" and set(DATA_ID) <= set(found.dimensions.names)
    with pytest.raises(PluginError, match="calexpp.*calexp"):
        register_dataset_types(butler, ["calexpp"])


@pytest.fixture
def exported(butler, tmp_path) -> list[ResourcePath]:
    """Copies of the files of a run, outside any repository."""
    return butler.retrieveArtifacts(butler.query_datasets("mi"), f"{tmp_path}/files/", transfer="copy")


@pytest.mark.parametrize("transfer", ["copy", "direct", "symlink"])
def test_ingest_images_reads_data_ids_from_files(tmp_path, exported, images, transfer):
    butler = new_repo(tmp_path / "repo", **TYPES)
    steps = []
    report = ingest_images(
        butler, [tmp_path / "files"], "mi", "u/me", transfer=transfer, advance=steps.append
    )
    assert (len(report.ingested), report.skipped, report.failed) == (len(images), [], {})
    assert sum(steps) == len(images)
    for data_id, image in zip(DATA_IDS, images, strict=True):
        assert_same_pixels(butler.get("mi", data_id, collections="u/me"), image)


def test_ingest_images_after_interruption_continues(tmp_path, exported, monkeypatch):
    butler = new_repo(tmp_path / "repo", **TYPES)
    monkeypatch.setattr("lsst.images.butler._ingest.BATCH_SIZE", 1)

    def interrupt(steps: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest_images(butler, exported, "mi", "u/me", transfer="copy", advance=interrupt)
    assert len(butler.query_datasets("mi", "u/me", explain=False)) == 1
    report = ingest_images(butler, exported, "mi", "u/me", transfer="copy")
    assert (len(report.ingested), len(report.skipped), report.failed) == (len(exported) - 1, 1, {})


def test_ingest_images_dry_run_reports_and_changes_nothing(tmp_path, exported):
    butler = new_repo(tmp_path / "repo", **TYPES)
    report = ingest_images(butler, exported, "mi", "u/me", dry_run=True)
    assert sorted(file.data_id["detector"] for file in report.ingested) == [d["detector"] for d in DATA_IDS]
    assert "u/me" not in butler.collections.query("*")


def test_ingest_images_with_bad_files_ingests_the_others(tmp_path, exported):
    bad = exported[0]
    bad.write(bad.read()[:4000])
    duplicate = exported[1].dirname().join("duplicate.fits")
    duplicate.transfer_from(exported[1], transfer="copy")
    other_type = exported[1].dirname().join("plane.fits")
    make_image().image.write(other_type)
    butler = new_repo(tmp_path / "repo", **TYPES)
    report = ingest_images(butler, [tmp_path / "files"], "mi", "u/me", transfer="copy")
    assert [file.uri for file in report.ingested] == exported[2:]
    assert report.failed.keys() == {bad, other_type, duplicate, exported[1]}
    assert "MaskedImage" in report.failed[other_type]
    assert f"is also the data ID of {duplicate}" in report.failed[exported[1]]
    assert f"is also the data ID of {exported[1]}" in report.failed[duplicate]


def test_ingest_images_with_data_id_function_uses_file_names(tmp_path, images):
    butler = new_repo(tmp_path / "repo", **TYPES)
    for number, image in enumerate(images, start=1):
        image.write(tmp_path / f"frame-{number}.fits")

    def from_name(uri: ResourcePath) -> dict[str, int | str]:
        return {**DATA_ID, "detector": int(uri.updatedExtension("").basename().rpartition("-")[2])}

    files = sorted(tmp_path.glob("frame-*.fits"))
    partial = ingest_images(butler, files, "mi", "u/me", data_id=INSTRUMENT)
    assert not partial.ingested and all(
        "Cannot determine the value of detector and visit" in reason for reason in partial.failed.values()
    )
    report = ingest_images(butler, files, "mi", "u/me", transfer="copy", data_id=from_name)
    assert len(report.ingested) == len(images) and not report.failed
    assert_same_pixels(butler.get("mi", DATA_IDS[2], collections="u/me"), images[2])


def test_ingest_images_legacy_calexp_uses_its_header(tmp_path, shared_data):
    calexp = shared_data / "legacy" / "calexp" / "cfht_calexp-849375-12.fits.fz"
    root = tmp_path / "repo"
    Butler.makeRepo(str(root))
    butler = Butler.from_config(str(root), writeable=True)
    register(butler, calexp="MaskedImageV2")
    (reason,) = ingest_images(butler, [calexp], "calexp", "u/me", transfer="direct").failed.values()
    assert "instrument" in reason and "--transfer-dimensions" in reason
    no_band = ingest_images(butler, [calexp], "calexp", "u/me", transfer="direct", transfer_dimensions=True)
    assert "band" in no_band.failed[ResourcePath(calexp)]
    report = ingest_images(
        butler, [calexp], "calexp", "u/me", transfer="direct", transfer_dimensions=True, data_id={"band": "r"}
    )
    (file,) = report.ingested
    assert dict(file.data_id.required) == {"instrument": "MegaPrime", "detector": 12, "visit": 849375}
    full = butler.get("calexp.bbox", file.data_id, collections="u/me")
    part = butler.get("calexp", file.data_id, collections="u/me", parameters={"bbox": full.padded(-1000)})
    assert part.bbox == full.padded(-1000)
    (cutout,) = read_cutouts(butler, [(file.ref, full.padded(-1000))], component="mask")
    assert cutout.image == part.mask


# Cutouts.


def test_read_cutouts_box_beyond_edge_is_clipped_or_fails(butler, images):
    ref = butler.find_dataset("mi", DATA_ID)
    larger = BOX.padded(100)
    (cutout,) = read_cutouts(butler, [(ref, larger)], clip=True)
    assert_same_pixels(cutout.image, images[0][larger.intersection(FULL)])
    assert cutout.image.butler_dataset.id == ref.id
    with pytest.raises(ValueError, match="y="):
        read_cutouts(butler, [(ref, larger)], keep_errors=False)


def test_read_cutouts_keep_errors_returns_the_other_cutouts(butler, images):
    refs = sorted(butler.query_datasets("mi"))
    outside = type(BOX).factory[0:5, 0:5]
    requests = [(refs[0], BOX), (refs[0], outside), (refs[1], BOX)]
    with pytest.raises(NoOverlapError):
        read_cutouts(butler, requests, keep_errors=False)
    found = read_cutouts(butler, requests)
    assert [isinstance(c.error, NoOverlapError) for c in found] == [False, True, False]
    assert_same_pixels(found[2].image, images[1][BOX])
    assert {number for number, _ in iter_cutouts(butler, requests)} == {0, 1, 2}


def test_read_cutouts_of_butler_and_io_have_the_same_defaults():
    signatures = map(inspect.signature, (io.read_cutouts, read_cutouts, iter_cutouts))
    defaults = [
        {p.name: p.default for p in signature.parameters.values() if p.kind is p.KEYWORD_ONLY}
        for signature in signatures
    ]
    assert defaults[1] == defaults[2]
    common = defaults[0].keys() & defaults[1].keys()
    assert common == {"planes", "fill", "clip", "keep_errors"}
    assert all(defaults[0][name] == defaults[1][name] for name in common)


def test_read_cutouts_of_a_dataset_equals_cutouts_of_its_file(butler):
    ref = butler.find_dataset("mi", DATA_ID)
    boxes = [BOX, BOX.padded(100), type(BOX).factory[0:5, 0:5], "nonsense"]
    for options in ({}, {"clip": True}, {"fill": "NO_DATA"}, {"planes": ("image", "mask")}, {"planes": None}):
        found = read_cutouts(butler, [(ref, box) for box in boxes], **options)
        expected = io.read_cutouts(butler.getURI(ref), boxes, **options)
        assert [c.where for c in found] == boxes and {c.ref for c in found} == {ref}
        assert [c.bbox for c in found] == [c.bbox for c in expected]
        assert [type(c.error) for c in found] == [type(c.error) for c in expected]
        for a, b in zip(found, expected, strict=True):
            assert type(a) is type(b) is io.Cutout and type(a.image) is type(b.image)
            if isinstance(a.image, MaskedImage):
                assert_same_pixels(a.image, b.image)
            else:
                assert a.image == b.image


@pytest.mark.parametrize("options", [{"clip": True, "fill": "BAD"}, {"component": "image", "planes": None}])
def test_read_cutouts_contradictory_options_raise(butler, options):
    with pytest.raises(InvalidParameterError, match="are given"):
        read_cutouts(butler, [(butler.find_dataset("mi", DATA_ID), BOX)], **options)


def test_read_cutouts_several_of_one_file_opens_it_once(butler):
    refs = butler.query_datasets("mi")
    requests = [(ref, BOX.padded(-n)) for n in range(10) for ref in refs]
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(record_opens(butler.getURI(ref).ospath)) for ref in refs]
        assert len(read_cutouts(butler, requests, component="image")) == 10 * len(refs)
    assert [len(names) for names in opened] == [1] * len(refs)
