# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Decoders of archived classes that do not occur in the real files, on handmade tables."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.testing as npt
import pytest
import starlink.Ast
from helpers.legacy_archives import archive_of, ast_text, box, chebyshev, table, wcs, write_archive
from lsst.images import Box
from lsst.images.errors import CorruptArchiveError, SchemaVersionError
from lsst.images.fits import FitsFile
from lsst.images.legacy.afw_archive import (
    filter_label_from_cards,
    open_cell_coadd,
    photo_calib_from_cards,
    visit_info_from_cards,
)


def test_decode_sky_wcs_with_fits_approximation_returns_both_texts() -> None:
    text = f"1 SkyWcs 1 {ast_text(starlink.Ast.UnitMap(2))}".encode()
    columns = {"wcs": ("1QB()", [text]), "approx": ("1QB()", [text])}
    found = archive_of((1, "SkyWcs", [table(columns)])).get(1)
    assert found.fits_approximation_text == found.ast_text
    assert found.ast_text.startswith("Begin UnitMap")


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        (b"2 SkyWcs 0 Begin UnitMap\nEnd UnitMap", SchemaVersionError, "version '2'"),
        (b"1 SkyWcs 0", CorruptArchiveError, "is not AST text"),
        (b"", CorruptArchiveError, "empty"),
        (b"1 SkyWcs 0 Begin \xff", CorruptArchiveError, "not ASCII"),
    ],
)
def test_decode_sky_wcs_newer_or_damaged_text_raises_error(text: bytes, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        archive_of((1, "SkyWcs", [table({"wcs": ("1QB()", [text])})])).get(1)


@pytest.mark.parametrize("name", ["TransformPoint2ToPoint2", "TransformPoint2ToSpherePoint"])
def test_decode_transform_all_point_types_are_read(name: str) -> None:
    blob = f"1 {name} {ast_text(starlink.Ast.ZoomMap(2, 3.0))}".encode()
    found = archive_of((1, name, [table({"bytes": ("1QB()", [blob])})])).get(1)
    assert found.class_name == name
    assert "Zoom = 3" in found.ast_text


def test_decode_transform_field_evaluates_mapping_to_one_number() -> None:
    mapping = starlink.Ast.PolyMap([[2.0, 1.0, 1.0, 0.0], [3.0, 1.0, 0.0, 1.0]], None)
    assert (mapping.Nin, mapping.Nout) == (2, 1)
    blob = f"1 TransformPoint2ToGeneric {ast_text(mapping)}".encode()
    columns = {**box(0, 0, 9, 9), "frameSet": ("1QB()", [blob])}
    found = archive_of((1, "TransformBoundedField", [table(columns)])).get(1)
    npt.assert_allclose(found.evaluate([1.0, 2.0], [5.0, 7.0]), [17.0, 25.0])


def test_decode_pixel_area_applies_scaling() -> None:
    columns = {**box(0, 0, 9, 9), "wcs": ("J", [2]), "scaling": ("D", [10.0])}
    found = archive_of((1, "PixelAreaBoundedField", [table(columns)]), wcs(2)).get(1)
    npt.assert_allclose(found.evaluate(0.0, 0.0), 10 * 1e-8 * math.cos(0.5), rtol=1e-6)


def test_decode_coadd_field_is_weighted_mean_of_covering_fields() -> None:
    head = {**box(0, 0, 99, 99), "coaddWcs": ("J", [2]), "default": ("D", [-1.0])}
    rows = {
        "field": ("J", [4, 5]),
        "wcs": ("J", [2, 3]),
        "validPolygon": ("J", [0, 6]),
        "weight": ("D", [1.0, 3.0]),
    }
    triangle = table({"vertices_x": ("D", [0.0, 50.0, 0.0]), "vertices_y": ("D", [0.0, 0.0, 50.0])})
    field = archive_of(
        (1, "CoaddBoundedField", [table(head, throwOnMissing=[False]), table(rows)]),
        wcs(2),
        wcs(3, dx=10.0),
        chebyshev(4, [2.0], box(0, 0, 30, 30)),
        chebyshev(5, [6.0], box(0, 0, 30, 30)),
        (6, "Polygon", [triangle]),
    ).get(1)
    # Pixel x of the coadd is x + 10 in the second image; the triangle ends at x + y = 50.
    x, y = np.array([5.0, 15.0, 25.0, 60.0, 20.0]), np.array([5.0, 10.0, 10.0, 5.0, 28.0])
    npt.assert_allclose(field.evaluate(x, y), [5.0, 5.0, 2.0, -1.0, 2.0])
    assert field.evaluate(-5.0, 5.0) == 6.0


def test_chebyshev_evaluate_without_box_raises_error_if_not_constant() -> None:
    with pytest.raises(CorruptArchiveError, match="box is empty"):
        archive_of(chebyshev(1, [1.0, 2.0], box(0, 0, -1, -1))).get(1).evaluate(0.0, 0.0)


def test_row_box_old_table_reads_pair_columns() -> None:
    columns = {
        "order_x": ("J", [0]),
        "bbox_min": ("2J", [[1, 2]]),
        "bbox_max": ("2J", [[10, 20]]),
        "coefficients": ("1D", [1.0]),
    }
    found = archive_of((1, "ChebyshevBoundedField", [table(columns)])).get(1)
    assert found.bbox == Box.factory[2:21, 1:11]


def frame(**more: Any) -> dict[str, Any]:
    return {"dimensions": ("2J", [[5, 3]]), "center": ("2J", [[2, 1]]), **more}


def test_decode_delta_and_analytic_kernel_return_images() -> None:
    archive = archive_of(
        (1, "DeltaFunctionKernel", [table(frame(pixel_x=("J", [4]), pixel_y=("J", [0])))]),
        (2, "AnalyticKernel", [table(frame(kernelfunction=("J", [3])))]),
        (
            3,
            "GaussianFunction2D",
            [table({"sigma1": ("D", [1.0]), "sigma2": ("D", [1.0]), "angle": ("D", [0.3])})],
        ),
        (
            4,
            "DoubleGaussianFunction2D",
            [table({"sigma1": ("D", [1.0]), "sigma2": ("D", [2.0]), "ampl2": ("D", [0.1])})],
        ),
    )
    assert np.argwhere(archive.get(1).image).tolist() == [[0, 4]]
    image = archive.get(2).image
    y, x = np.mgrid[-1:2, -2:3]
    npt.assert_allclose(image, np.exp(-0.5 * (x**2 + y**2)) / (2 * math.pi), rtol=1e-12)
    big = np.arange(-20, 21)
    total = archive.get(4).evaluate(*np.meshgrid(big, big)).sum()
    npt.assert_allclose(total, 1.0, rtol=1e-6)


def test_decode_linear_combination_fixed_amplitudes_are_read() -> None:
    columns = frame(components=("2J", [[2, 2]]), amplitudes=("2D", [[1.0, 2.0]]))
    archive = archive_of(
        (1, "LinearCombinationKernel", [table(columns)]),
        (2, "FixedKernel", [table(frame(image=("15D", [np.arange(15.0)])))]),
    )
    kernel = archive.get(1)
    assert kernel.amplitudes.tolist() == [1.0, 2.0] and kernel.spatial is None
    assert kernel.components[0]().image[2, 4] == 14.0
    columns["amplitudes"] = ("3D", [[1.0, 2.0, 3.0]])
    with pytest.raises(CorruptArchiveError, match="3 weights for 2 kernels"):
        archive_of((1, "LinearCombinationKernel", [table(columns)])).get(1)


@pytest.mark.parametrize("name", ["Bilinear", "Nearest", "Lanczos"])
def test_decode_warping_kernel_returns_name_used_by_coadds(name: str) -> None:
    tables = [table({"order": ("J", [4])})] if name == "Lanczos" else []
    found = archive_of((1, f"{name}WarpingKernel", tables)).get(1)
    assert found.name == {"Lanczos": "lanczos4"}.get(name, name.lower())


def inputs(**more: Any) -> dict[str, Any]:
    rows = 3
    return {
        "wcs": ("J", [2, 3, 4]),
        "psf": ("J", [5] * rows),
        "id": ("K", [1, 2, 3]),
        **box(0, 0, 9, 9, rows),
        **more,
    }


def test_decode_coadd_psf_oldest_version_uses_last_row_as_coadd() -> None:
    found = archive_of((1, "CoaddPsf", [table(inputs(weight=("D", [1.0, 2.0, 0.0])))])).get(1)
    assert found.wcs.id == 4
    assert [record["weight"] for record in found.inputs] == [1.0, 2.0]
    assert found.warping_kernel == "lanczos3"


def test_exposure_catalog_flags_are_columns() -> None:
    rows = table(inputs(detector=("K", [7, 8, 9])), good=[True, False, True])
    found = archive_of((1, "ExposureCatalog", [rows])).get(1)
    # A column of 64-bit integers does not refer to objects.
    assert found.names == ("id", "detector", "good")
    assert found.column("good").tolist() == [True, False, True]
    assert [record["good"] for record in found] == [True, False, True]
    assert found[1]["detector"] == 8 and found[1].reference("detector") is None


SPANS = {"y": ("J", [5, 6]), "x0": ("J", [1, 2]), "x1": ("J", [3, 2])}
PEAKS = {"id": ("J", [1]), "f_x": ("E", [2.5]), "f_y": ("E", [5.5]), "peakValue": ("E", [9.0])}


def test_decode_footprint_all_versions_are_read() -> None:
    heavy = table(
        {"image": ("1QE()", [np.arange(4, dtype="f4")]), "mask": ("1QJ()", [np.zeros(4, dtype="i4")])}
    )
    archive = archive_of(
        (1, "Footprint", [table({"id": ("J", [2])}), table(PEAKS)]),
        (2, "SpanSet", [table(SPANS)]),
        (3, "HeavyFootprintF", [table(SPANS), table(PEAKS), heavy]),
        (
            4,
            "Footprint",
            [table(SPANS), table({"x": ("E", [1.0]), "y": ("E", [2.0]), "value": ("E", [3.0])})],
        ),
    )
    assert archive.get(1).bbox == archive.get(3).bbox == Box.factory[5:7, 1:4]
    assert archive.get(1).spans.area == 4
    assert archive.get(1).peaks.tolist() == [[2.5, 5.5, 9.0]]
    assert archive.get(3).image.tolist() == [0.0, 1.0, 2.0, 3.0] and archive.get(3).variance is None
    assert archive.get(4).peaks.tolist() == [[1.0, 2.0, 3.0]]


def test_decode_coadd_transmission_lists_inputs() -> None:
    numbers = ("wavelengthMin", "wavelengthMax", "throughputAtMin", "throughputAtMax")
    head = {"coaddWcs": ("J", [2]), **{name: ("D", [float(n)]) for n, name in enumerate(numbers)}}
    rows = {name: ("J", [n]) for n, name in enumerate(("transmission", "sensorWcs", "validPolygon"), start=3)}
    corners = {f"bbox_{end}_{axis}": ("D", [1.5]) for end in ("min", "max") for axis in "xy"}
    rows |= {**corners, "weight": ("D", [2.0])}
    found = archive_of((1, "CoaddTransmissionCurve", [table(head), table(rows)])).get(1)
    assert (found.wcs.id, found.wavelength_max, found.at_max) == (2, 1.0, 3.0)
    (element,) = found.elements
    assert (element.transmission.id, element.valid_polygon.id, element.weight) == (3, 5, 2.0)


def stats(text: str) -> Any:
    return archive_of((1, "ExposureSummaryStats", [table({"bytes": ("1QB()", [text.encode()])})])).get(1)


def test_decode_summary_stats_old_and_unknown_names_are_accepted() -> None:
    found = stats("decl: 2.5\nfuture: 7\nraCorners: [1.0, .nan]\nwords: none\nversion: 0\n")
    assert found["dec"] == 2.5 and found["future"] == 7
    assert found["raCorners"][0] == 1.0 and math.isnan(found["raCorners"][1])
    assert "words" not in found


HOSTILE_YAML = [
    "a: !!python/object/apply:os.system ['touch x']",
    "a: !!python/name:os.system",
    "!!python/object/new:os.popen ['ls']",
    "- 1\n- 2\n",
    "a: [" * 5000,
    "a: \x00",
    "base: &a {k: 1}\n" + "".join(f"x{n}: &b{n} {{<<: [*a, *a]}}\n" for n in range(20)),
    "x" * 2_000_000,
]


@pytest.mark.parametrize("text", HOSTILE_YAML, ids=range(len(HOSTILE_YAML)))
def test_decode_summary_stats_malicious_yaml_raises_error_or_is_empty(
    text: str, tmp_path: Any, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    try:
        assert "a" not in stats(text)
    except CorruptArchiveError as err:
        assert "object 1 of the archive, a ExposureSummaryStats" in str(err)
    assert list(tmp_path.iterdir()) == []


def cards_of(**values: Any) -> Any:
    cards = {(f"HIERARCH {k}" if len(k) > 8 else k).replace("_", "-"): v for k, v in values.items()}
    return FitsFile.open(write_archive([], cards=cards)).hdu(0).cards


def test_visit_info_from_cards_date_not_in_tai_raises_error() -> None:
    with pytest.raises(CorruptArchiveError, match="expected TAI"):
        visit_info_from_cards(cards_of(DATE_AVG="2024-01-01T00:00:00", TIMESYS="UTC", BORE_RA=10.0))
    with pytest.raises(CorruptArchiveError, match="is not a valid date"):
        visit_info_from_cards(cards_of(DATE_AVG="yesterday", TIMESYS="TAI"))
    # A raw header, which afw did not write.
    raw = visit_info_from_cards(cards_of(DATE_AVG="2024-01-01T00:00:00", TIMESYS="UTC", EXPTIME=30))
    assert raw is not None and (raw.tai_ns, raw.date, raw.exposure_time) == (None, None, 30.0)
    assert visit_info_from_cards(cards_of(OBJECT="COSMOS")) is None


def test_visit_info_from_cards_old_utc_date_is_converted_to_tai() -> None:
    found = visit_info_from_cards(cards_of(TIME_MID="2015-01-01T00:00:00.000000000Z", EXPTIME=30.0))
    assert found is not None
    # TAI - UTC was 35 s.
    assert found.tai_ns == 1_420_070_400_000_000_000 + 35_000_000_000


@pytest.mark.parametrize(
    ("name", "expected"),
    [("r", ("r", None)), ("HSC-I", (None, "HSC-I")), ("N921", ("N921", None)), ("_unknown_", None)],
)
def test_filter_label_from_cards_separates_bands_from_physical_filters(name: str, expected: Any) -> None:
    found = filter_label_from_cards(cards_of(FILTER=name))
    assert (None if found is None else (found.band, found.physical)) == expected


def test_photo_calib_from_cards_uncalibrated_image_returns_none() -> None:
    assert photo_calib_from_cards(cards_of(FLUXMAG0=0.0, FLUXMAG0ERR=0.0)) is None
    assert photo_calib_from_cards(cards_of(FLUXMAG0="none")) is None
    assert photo_calib_from_cards(cards_of(OBJECT="COSMOS")) is None


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        (
            "PhotoCalib",
            {"calibrationMean": ("D", [1.0]), "calibrationErr": ("D", [1.0]), "version": ("J", [2])},
        ),
        ("Detector", {"name": ("3A", ["abc"]), "version": ("J", [3])}),
    ],
)
def test_decoders_newer_version_raises_schema_version_error(name: str, columns: Any) -> None:
    with pytest.raises(SchemaVersionError, match="this release reads up to"):
        archive_of((1, name, [table(columns)])).get(1)


@pytest.mark.parametrize(("version", "known"), [("0.9", True), ("1.0", False), ("2.3", False), ("x", False)])
def test_open_cell_coadd_newer_version_raises_schema_version_error(version: str, known: bool) -> None:
    hdu = table({"cell_id": ("2I", [[0, 0]])})
    sizes = dict.fromkeys(("GRCELL", "OCELL", "GRSHAPE", "PSFSIZE", "GRMIN"), 1)
    for prefix, size in sizes.items():
        hdu.header[f"{prefix}1"] = hdu.header[f"{prefix}2"] = size
    for corner in ("11", "12", "21", "22"):
        hdu.header[f"INBBOX{corner}"] = 1
    hdu.header["VERSION"] = version
    import io

    from astropy.io import fits

    stream = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(stream)
    file = FitsFile.open(stream.getvalue())
    if known:
        assert open_cell_coadd(file).version == (0, 9)
    else:
        with pytest.raises(SchemaVersionError, match="reads versions from 0.1 to below 1.0"):
            open_cell_coadd(file)
