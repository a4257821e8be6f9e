# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Table archives of legacy files: objects by identifier, components, catalogs, stamps."""

from __future__ import annotations

import dataclasses
import gzip
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.legacy_archives import data_files, table, write_archive
from lsst.images import Box
from lsst.images.errors import (
    ArchiveReadError,
    CorruptArchiveError,
    ImagesError,
    InvalidComponentError,
    NotAnArchiveError,
    SchemaVersionError,
)
from lsst.images.fits import BytesSource, FitsFile
from lsst.images.legacy.afw_archive import (
    LegacyArchive,
    LegacyOpaque,
    open_cell_coadd,
    open_exposure_catalog,
    open_legacy_fits,
    open_stamps,
    read_backgrounds,
)
from lsst.images.plugins import hookimpl, registry

KERNEL = {"dimensions": ("2J", [[3, 3]]), "center": ("2J", [[1, 1]]), "image": ("9D", [np.eye(3).ravel()])}


def archive_of(*objects: Any, **options: Any) -> LegacyArchive:
    found = LegacyArchive.find(FitsFile.open(write_archive(objects, **options)))
    assert found is not None
    return found


def product(number: int, *factors: int) -> Any:
    return number, "ProductBoundedField", [table({"id": ("J", list(factors))})]


def constant(number: int, value: float) -> Any:
    box = {
        f"bbox_{end}_{axis}": ("J", [0 if end == "min" else -1]) for end in ("min", "max") for axis in "xy"
    }
    columns = {"order_x": ("J", [0]), **box, "coefficients": ("1D", [value])}
    return number, "ChebyshevBoundedField", [table(columns)]


def decode_everything(path: Path) -> tuple[int, list[Exception]]:
    errors: list[Exception] = []
    with open_legacy_fits(path) as file:
        archive = LegacyArchive.find(file)
        if archive is None:
            return 0, []
        for number in archive.entries:
            try:
                archive.get(number)
            except Exception as err:
                errors.append(err)
        return len(archive.entries), errors


def test_archive_get_every_real_file_decodes_or_raises_named_error(shared_data: Path) -> None:
    total, refused, missing_archives = 0, {}, []
    for path in data_files(shared_data):
        try:
            count, errors = decode_everything(path)
        except CorruptArchiveError as err:
            missing_archives.append((path.name, str(err)))
            continue
        total += count
        if errors:
            refused[path.name] = errors
    assert total > 1500
    # This file has a newer version.
    assert list(refused) == ["visitInfo-version-999999.fits"]
    assert isinstance(refused["visitInfo-version-999999.fits"][0], SchemaVersionError)
    # This handmade file refers to an archive that is missing.
    assert [name for name, _ in missing_archives] == ["synthetic_afw_visit_rice.fits"]
    assert "AR_HDU = 5" in missing_archives[0][1]


def test_read_index_old_and_new_column_names_are_read() -> None:
    for old in (False, True):
        archive = archive_of(constant(1, 2.5), product(2, 1, 1), old=old)
        assert archive.get(2).evaluate(0.0, 0.0) == 6.25


def test_archive_get_shared_object_is_decoded_once() -> None:
    archive = archive_of(constant(1, 2.0), product(2, 1, 1), product(3, 1))
    assert archive.get(2).factors[0]() is archive.get(3).factors[0]()


def test_archive_get_identifier_zero_returns_none() -> None:
    archive = archive_of(constant(1, 2.0))
    assert archive.get(0) is None
    assert not archive.reference(0)
    assert archive.reference(0)() is None


def test_archive_get_unknown_identifier_error_names_number_of_objects() -> None:
    with pytest.raises(InvalidComponentError, match="no object 7; it has 1"):
        archive_of(constant(1, 2.0)).get(7)


def test_archive_root_object_without_table_is_decoded() -> None:
    archive = archive_of((1, "IdentityTransmissionCurve", []))
    assert archive.root().sample(0.0, 0.0, np.array([4000.0, 5000.0])).tolist() == [1.0, 1.0]


def test_archive_root_unknown_class_returns_opaque_rows() -> None:
    archive = archive_of(
        (1, "SurveySpecificThing", [table({"a": ("J", [4, 5]), "b": ("1QB", [b"xy", b""])})])
    )
    found = archive.root()
    assert isinstance(found, LegacyOpaque)
    assert found.entry.class_name == "SurveySpecificThing"
    assert found.entry.module == "module"
    assert [row.integer("a") for row in found.tables[0]] == [4, 5]
    assert [row.blob("b") for row in found.tables[0]] == [b"xy", b""]


def test_hook_register_legacy_decoders_adds_and_replaces_decoders(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    module = SimpleNamespace(
        decode=lambda archive, entry, tables: (entry.class_name, tables[0].one().integer("a"))
    )
    monkeypatch.setitem(sys.modules, "survey_decoders", module)

    class Plugin:
        @hookimpl
        def register_legacy_decoders(self) -> dict[str, str]:
            return dict.fromkeys(("SurveySpecificThing", "Polygon"), "survey_decoders:decode")

    registry.register(Plugin(), name="survey")
    try:
        thing = [table({"a": ("J", [4])})]
        archive = archive_of((1, "SurveySpecificThing", thing), (2, "Polygon", [table({"a": ("J", [5])})]))
        assert archive.get(1) == ("SurveySpecificThing", 4)
        assert archive.get(2) == ("Polygon", 5)
    finally:
        registry.unregister("survey")


def test_archive_get_damaged_object_raises_named_error_and_others_are_read() -> None:
    bad = {**KERNEL, "dimensions": ("2J", [[3, 4]])}
    archive = archive_of((1, "FixedKernel", [table(bad)]), (2, "FixedKernel", [table(KERNEL)]))
    with pytest.raises(CorruptArchiveError) as caught:
        archive.get(1)
    message = str(caught.value)
    for part in (archive.file.name, "object 1", "FixedKernel", "9 pixels for a kernel of shape (4, 3)"):
        assert part in message
    assert archive.get(2).image.tolist() == np.eye(3).tolist()


def test_archive_component_damaged_adds_note_with_name() -> None:
    archive = archive_of((1, "GaussianPsf", [table({"sigma": ("D", [2.0])})]), cards={"PSF_ID": 1})
    with pytest.raises(CorruptArchiveError) as caught:
        archive.component("psf")
    assert any("component 'psf'" in note for note in caught.value.__notes__)
    assert archive.component("SKYWCS") is None


def test_archive_get_third_party_decoder_error_becomes_corrupt_archive_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(registry, "legacy_decoders", lambda: {"Thing": "math:sqrt"})
    with pytest.raises(CorruptArchiveError, match="Thing, cannot be read: TypeError"):
        archive_of((1, "Thing", [])).get(1)


def test_archive_get_reference_cycle_raises_corrupt_archive_error() -> None:
    archive = archive_of(
        (1, "Footprint", [table({"id": ("J", [2])})]), (2, "Footprint", [table({"id": ("J", [1])})])
    )
    with pytest.raises(CorruptArchiveError, match="contain themselves: 1 > 2 > 1"):
        archive.get(1)


def test_archive_get_missing_table_raises_corrupt_archive_error() -> None:
    data = bytearray(write_archive([constant(1, 2.0)]))
    file = FitsFile.open(bytes(data[: file_size_without_last_hdu(bytes(data))]))
    archive = LegacyArchive.find(file)
    assert archive is not None
    with pytest.raises(CorruptArchiveError, match="has no HDU 2"):
        archive.get(1)


def file_size_without_last_hdu(data: bytes) -> int:
    with FitsFile.open(data) as file:
        return list(file)[-1].header_address


def test_archive_components_new_keywords_override_old_ones(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/calib/imsim_flat_R11-S20.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        # CALIB_ID of this file is text from the raw image.
        assert archive.components == {"DETECTOR": 1}
    pointers = archive_of(cards={"PSF_ID": 1, "HIERARCH ARCHIVE_ID_PSF": 2, "HIERARCH ARCHIVE_ID_MINE": 3})
    assert pointers.components == {"PSF": 2, "MINE": 3}


def test_archive_find_file_without_archive_returns_none(shared_data: Path) -> None:
    for name in ("afw/imageF.fits", "afw/maskedimage.fits", "legacy/raw/lsstcam_raw_R22-S21.fits"):
        with open_legacy_fits(shared_data / name) as file:
            assert LegacyArchive.find(file) is None


def test_archive_component_empty_archive_returns_none(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "afw/exposure_bare.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        assert dict(archive.entries) == {}
        assert archive.component("PSF") is None


def test_archive_remote_file_prefetches_archive_in_one_request(shared_data: Path) -> None:
    class RemoteBytes(BytesSource):
        remote = True

        def __init__(self, data: bytes) -> None:
            super().__init__(data, "remote")
            self.ahead: list[tuple[int, int]] = []

        def prefetch(self, ranges: Any) -> None:
            self.ahead.extend(ranges)

    data = (shared_data / "afw/exposure_visit_like.fits").read_bytes()
    source = RemoteBytes(data)
    with FitsFile.open(source) as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        for name in archive.components:
            archive.component(name)
        start = file.hdu(4).data_address
    assert source.ahead == [(start, len(data) - start)]


def test_open_legacy_fits_gzip_file_is_decompressed(shared_data: Path, tmp_path: Path) -> None:
    packed = shared_data / "legacy/calexp/obs_base_calexp_oldest.fits.gz"
    with open_legacy_fits(packed) as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        assert archive.component("PSF").sigma > 0
    data = packed.read_bytes()
    with pytest.raises(CorruptArchiveError, match="truncated"):
        open_legacy_fits(data[: len(data) // 2])
    with pytest.raises(CorruptArchiveError, match="not a valid gzip stream"):
        open_legacy_fits(data[:5000] + bytes(100) + data[5100:])
    with pytest.raises(NotAnArchiveError):
        open_legacy_fits(gzip.compress(b"something else"))


def test_exposure_catalog_is_readable_after_file_is_closed(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/visitsummary/visitSummary_1176.fits") as file:
        catalog = open_exposure_catalog(file)
    assert len(catalog) == 103
    row = catalog[-1]
    assert row.component("psf") is None
    assert row.component("visit_info").instrument_label == "HSC"
    assert row.bbox == Box.factory[0:4176, 0:2048]
    assert row["visit"] == 1176
    assert row["physical_filter"] == row["physical_filter"].strip()
    assert catalog.column("band").tolist() == [record["band"] for record in catalog]
    assert "wcs" not in catalog.names and "bbox_min_x" not in catalog.names
    with pytest.raises(InvalidComponentError, match="Column 'wcs' does not exist"):
        catalog.column("wcs")


def test_exposure_catalog_old_versions_are_read(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/afw/exposure_catalog_v1.fits") as file:
        old = open_exposure_catalog(file)
        assert [record.component("photo_calib").mean > 0 for record in old if record.reference("photo_calib")]
        assert {type(record.component("psf")) for record in old} <= {LegacyOpaque, type(None)}
        assert set(old.names) == {"id", "a", "b"}
    with open_legacy_fits(shared_data / "legacy/afw/version-1-ExposureCatalog.fits") as file:
        oldest = open_exposure_catalog(file)
        corrections = oldest[0].component("ap_corr_map")
        assert all(math.isfinite(float(corrections[name].evaluate(1.0, 1.0))) for name in corrections)


def test_open_exposure_catalog_other_file_raises_not_an_archive_error(shared_data: Path) -> None:
    for name in ("afw/exposure_visit_like.fits", "afw/imageF.fits"):
        with open_legacy_fits(shared_data / name) as file, pytest.raises(NotAnArchiveError):
            open_exposure_catalog(file)


@pytest.mark.parametrize("opener", [open_cell_coadd, open_stamps, read_backgrounds])
def test_openers_other_file_raise_error_with_file_name(opener: Any, shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "afw/exposure_bare.fits") as file:
        with pytest.raises(NotAnArchiveError, match="exposure_bare"):
            opener(file)


def test_open_stamps_returns_cards_of_each_stamp(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "legacy/stamps/R04_SW0_donutStamps.fits") as file:
        stamps = open_stamps(file)
        assert stamps.class_name == "lsst.ts.wep.task.DonutStamps.DonutStamps"
        assert [stamp.metadata["CENT_X"] for stamp in stamps.stamps] == [2800.0, 2501.0]
        assert [stamp.image.read_image().shape for stamp in stamps.stamps] == [(160, 160)] * 2
        assert stamps.stamps[1].mask is not None and stamps.stamps[1].mask.ver == 2


def test_read_backgrounds_reads_three_hdus_per_background(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "afw/obj_background.fits") as file:
        first, second = read_backgrounds(file)
    assert first.bbox == second.bbox == Box.factory[2000:2400, 1000:1512]
    assert (first.image.shape, second.image.shape) == ((8, 8), (5, 6))
    assert (first.interpolation, first.approximation) == ("AKIMA_SPLINE", "UNKNOWN")
    with open_legacy_fits(shared_data / "legacy/calexp/cfht_bkgd-849375-12.fits") as file:
        backgrounds = read_backgrounds(file)
    assert [b.approximation for b in backgrounds] == ["CHEBYSHEV"] * 4
    assert backgrounds[0].order == (6, 6)


def test_records_assignment_raises_frozen_instance_error(shared_data: Path) -> None:
    with open_legacy_fits(shared_data / "afw/exposure_visit_like.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        with pytest.raises(dataclasses.FrozenInstanceError):
            archive.component("PSF").sigma = 1.0


def test_archive_errors_are_images_errors_and_read_errors() -> None:
    assert issubclass(CorruptArchiveError, ArchiveReadError)
    with pytest.raises(ImagesError):
        archive_of((1, "Detector", [table({"name": ("3A", ["abc"])})])).get(1)
