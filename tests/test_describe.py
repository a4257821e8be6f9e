# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reports about objects, as text, in terminals and in notebooks."""

from __future__ import annotations

import dataclasses
import io
from pathlib import Path
from typing import Any

import astropy.time
import astropy.units as u
import numpy as np
import pytest
import rich.console
from helpers.exposures import make_obs_info, make_visit_image
from lsst.images import (
    ICRS,
    BackgroundMap,
    Box,
    ColorImage,
    Describable,
    DescribableMixin,
    DescribeOptions,
    FieldRole,
    GeneralFrame,
    Image,
    MaskedImage,
    MaskPlane,
    MaskSchema,
    ObservationSummaryStats,
    Projection,
    Report,
    ReportField,
    ReportTable,
    ReportValueGroup,
    Transform,
)
from lsst.images.describe import describe, make_report
from lsst.images.fields import ChebyshevField, ProductField
from lsst.images.io import open_archive, read
from lsst.images.plugins import hookimpl, registry
from lsst.images.psfs import GaussianPointSpreadFunction

BOX = Box.factory[10:14, 20:26]
SCHEMA = MaskSchema([MaskPlane("BAD", "[y=0:4] <b>bad</b>"), None, MaskPlane("HOT", "Hot.")])


def labels(report: Report) -> list[str]:
    return [field.label for field in report.fields if field.role.in_display]


def shown(obj: Any) -> str:
    """Return the text of a report in a terminal."""
    console = rich.console.Console(file=io.StringIO(), width=200)
    console.print(obj)
    return console.file.getvalue()  # type: ignore[attr-defined]  # a StringIO


@pytest.fixture
def projection() -> Projection[Any]:
    step = np.deg2rad(0.2 / 3600.0)
    mapping = Transform.affine(GeneralFrame(unit=u.pix), ICRS, [[step, 0, 0.5], [0, step, 0.0], [0, 0, 1]])
    return Projection(mapping)


@pytest.fixture
def masked(projection: Projection[Any]) -> MaskedImage:
    result = MaskedImage(
        Image(np.arange(24.0).reshape(4, 6), start=BOX.start, unit=u.nJy),
        mask_schema=SCHEMA,
        projection=projection,
    )
    result.mask.set("HOT", result.image.array > 20)
    return result


# Reports themselves.


def test_field_role_determines_output_form() -> None:
    assert [(role.in_repr, role.in_display) for role in (FieldRole.ARG, FieldRole.REPR_ONLY)] == [
        (True, True),
        (True, False),
    ]
    assert not FieldRole.DERIVED.in_repr and FieldRole.DERIVED.in_display


def test_describe_options_for_child_excludes_names() -> None:
    options = DescribeOptions(detail=True, exclude=frozenset({"a"}))
    assert options.for_child("b", "c") == DescribeOptions(detail=True, exclude=frozenset({"b", "c"}))
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.brief = True  # type: ignore[misc]  # that is the test


@pytest.mark.parametrize(
    ("report", "as_repr", "as_str"),
    [
        (Report("T"), "<T>", "T()"),
        (Report("T", summary="of 3"), "<T: of 3>", "of 3"),
        (Report("T", summary="T of 3"), "<T of 3>", "T of 3"),
        (
            Report(
                "T",
                fields=[
                    ReportField("a", 1, positional=True),
                    ReportField("b", "x", "pix"),
                    ReportField("c", 2, repr_value="two", role=FieldRole.REPR_ONLY),
                    ReportField("d", 3),
                    ReportField("e", 4, role=FieldRole.DERIVED),
                ],
            ),
            "T(1, b='x', c=two, d=3)",
            "T(1, x pix, 2)",
        ),
    ],
)
def test_report_formats_as_repr_and_line(report: Report, as_repr: str, as_str: str) -> None:
    assert report.to_repr() == as_repr and report.to_str() == as_str


def test_report_forms_contain_same_content() -> None:
    report = Report(
        "T",
        title="A title",
        fields=[ReportField("box", "[y=0:4]"), ReportField("hidden", 7, role=FieldRole.REPR_ONLY)],
        value_groups=[ReportValueGroup([(f"value{n}", n) for n in range(40)])],
        tables=[ReportTable("Rows", ["name", "n"], [["[red]x", 1], ["<y>", 20]])],
        children={
            "part": Report("Part", fields=[ReportField("size", 3, "m")]),
            "short": Report("Short", summary="two words", inline=True),
        },
    )
    text = str(report)
    assert text.splitlines()[:2] == ["A title", "  box: [y=0:4]"]
    assert text.splitlines()[-3:] == ["  part (Part)", "    size: 3 m", "  short: two words"]
    assert "  Rows\n    name    n\n    [red]x  1\n    <y>     20" in text
    assert "value0=0  value1=1" in text and max(map(len, text.splitlines())) <= 102
    assert "hidden" not in text
    terminal = shown(report)
    for piece in ("A title", "box: [y=0:4]", "[red]x", "value39=39", "part (Part)", "short: two words"):
        assert piece in terminal
    page = report._repr_html_()
    assert "&lt;y&gt;" in page and "<y>" not in page and "hidden" not in page
    assert all(piece in page for piece in ("A title", "[red]x", "value39=39", "part (Part)", "3 m"))


def test_report_html_prints_nothing(masked: MaskedImage, capsys: pytest.CaptureFixture[str]) -> None:
    page = masked._repr_html_()
    assert "Set pixels" in page and "&lt;b&gt;bad" in page
    assert capsys.readouterr() == ("", "")


# Built-in types.


def test_masked_image_report_shows_shared_fields_once(masked: MaskedImage) -> None:
    report = masked.describe()
    assert labels(report) == ["bbox"] and report.to_str() == str(masked)
    assert list(report.children) == ["image", "mask", "variance", "sky_projection"]
    for name in ("image", "mask", "variance"):
        assert "bbox" not in labels(report.children[name])
        assert "sky_projection" not in report.children[name].children
    assert [field.value for field in report.children["image"].fields if field.label == "unit"] == [u.nJy]
    assert "schema" in report.children["mask"].children
    assert "[y=10:14, x=20:26]" in shown(masked)


def test_mask_report_detail_counts_pixels(masked: MaskedImage) -> None:
    (table,) = masked.describe().children["mask"].children["schema"].tables
    assert table.title == "Mask planes" and table.columns == ("Bit", "Index", "Mask", "Name", "Description")
    assert [row[0:4] for row in table.rows] == [(0, 0, "0x1", "BAD"), (2, 0, "0x4", "HOT")]
    (table,) = masked.describe(detail=True).children["mask"].children["schema"].tables
    assert table.columns[-1] == "Set pixels" and [row[-1] for row in table.rows] == [0, 3]
    assert SCHEMA.describe(detail=True).tables[0].columns[-1] == "Description"


def test_image_report_detail_ignores_non_finite_pixels() -> None:
    image = Image(np.array([[1.0, np.nan], [5.0, np.inf]]))
    values = {field.label: field.value for field in image.describe(detail=True).fields}
    assert (values["min"], values["max"]) == ("1", "5") and "min" not in labels(image.describe())
    assert Image(np.full((2, 2), np.nan)).describe(detail=True).fields[-1].value == "nan"


@pytest.mark.parametrize("keyword", ["brief", "exclude"])
def test_report_exclude_omits_sections(masked: MaskedImage, keyword: str) -> None:
    if keyword == "brief":
        assert not masked.describe(brief=True).children and not masked.mask.describe(brief=True).children
        return
    report = masked.describe(exclude=("mask", "bbox", "sky_projection"))
    assert list(report.children) == ["image", "variance"] and labels(report) == []


def test_color_image_report_has_fields() -> None:
    image = ColorImage(np.zeros((2, 3, 3), dtype=np.uint8))
    assert labels(image.describe()) == ["bbox", "dtype"] and image.describe().to_repr() == repr(image)


def test_projection_report_has_position_and_scale(projection: Projection[Any]) -> None:
    report = projection.describe()
    assert report.title == "ICRS coordinates" and report.to_repr() == repr(projection)
    assert labels(report) == ["origin pixel", "Nominal pixel scale", "fits_wcs"]
    report = projection.describe(Box.factory[0:11, 0:21], exclude=("fits_wcs",))
    assert labels(report) == ["center pixel", "Image extent", "Nominal pixel scale"]
    (corners,) = report.tables
    assert corners.columns == ("x", "y", "RA", "Dec", "RA (°)", "Dec (°)")
    assert [row[:2] for row in corners.rows] == [(-0.5, -0.5), (-0.5, 10.5), (20.5, 10.5), (20.5, -0.5)]
    expected = np.rad2deg(0.5) - 0.5 * 0.2 / 3600.0
    assert float(corners.rows[0][4]) == pytest.approx(expected, abs=1e-6)
    assert not any(field.role is FieldRole.ARG for field in report.fields)


@pytest.mark.parametrize("declination", [0.3, np.pi / 2])
def test_projection_report_shows_both_pixel_scales_at_pole(declination: float) -> None:
    import astropy.wcs

    wcs = astropy.wcs.WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crpix, wcs.wcs.crval = [1, 1], [30.0, np.rad2deg(declination)]
    wcs.wcs.cdelt = [-0.2 / 3600, 0.3 / 3600]
    report = Projection.from_fits_wcs(wcs, GeneralFrame(unit=u.pix)).describe()
    (text,) = [field.value for field in report.fields if field.label == "Nominal pixel scales"]
    # At the pole itself, the direction of right ascension is arbitrary.
    assert {"0.20", "0.30"} == {part.split()[-2] for part in text.split(";")}
    if declination < 1:
        assert text == "Right ascension 0.20 arcsec; Declination 0.30 arcsec"


def test_transform_field_and_psf_reports_have_fields(projection: Projection[Any]) -> None:
    transform = projection.pixel_to_sky_transform
    assert labels(transform.describe()) == ["in_frame", "out_frame", "in_bounds", "out_bounds", "mapping"]
    assert transform.describe().to_repr() == repr(transform)
    field = ChebyshevField(BOX, np.array([[1.0, 0.5], [0.1, 0.0]]), unit=u.nJy)
    assert labels(field.describe()) == ["bounds", "order", "unit"] and field.describe().to_repr() == repr(
        field
    )
    product = ProductField([field, field]).describe()
    assert list(product.children) == ["0", "1"] and labels(product.children["0"]) == ["order", "unit"]
    psf = GaussianPointSpreadFunction(2.0, bounds=BOX, stamp_size=7)
    assert labels(psf.describe()) == ["bounds", "kernel_bbox"]
    assert psf.describe().type_name == "GaussianPointSpreadFunction"


def test_background_report_marks_subtracted_background() -> None:
    field = ChebyshevField(BOX, np.ones((1, 1)))
    backgrounds = BackgroundMap()
    assert backgrounds.describe().to_str() == "no backgrounds"
    backgrounds.add("sky", field, "The sky.", is_subtracted=True)
    backgrounds.add("fringe", field)
    report = backgrounds.describe()
    assert report.inline and report.to_str() == "sky (subtracted), fringe"
    assert labels(report.children["sky"])[:2] == ["subtracted", "description"]
    assert labels(report.children["fringe"])[0] == "bounds"


def test_summary_stats_report_omits_unset_values() -> None:
    stats = ObservationSummaryStats(zeroPoint=31.5, psfSigma=2.0, raCorners=(1, 2, 3, 4))
    report = stats.describe()
    (group,) = report.value_groups
    values = dict(group.values)
    assert group.role is FieldRole.DERIVED and values["zeroPoint"] == "31.5" and "ra" not in values
    assert list(values) == sorted(values) and labels(report) == ["raCorners"]
    (field,) = stats.describe(brief=True).fields
    assert field.label == "statistics set" and field.value.endswith(f" of {len(stats.statistics())}")


# Whole files.


@pytest.mark.parametrize("name", ["visit_image.sdf", "cell_coadd.fits"])
def test_real_image_reports_have_all_sections(shared_data: Path, name: str) -> None:
    path = shared_data / "examples" / name
    if path.suffix == ".sdf":
        pytest.importorskip("h5py")
    image = read(path)
    report = image.describe(detail=True)
    assert {"image", "mask", "variance", "sky_projection", "psf", "backgrounds"} <= set(report.children)
    assert "Set pixels" in str(report) and report.children["backgrounds"].inline
    if name == "visit_image.sdf":
        expected = ["instrument", "name", "id", "type", "serial", "bbox"]
        assert labels(report.children["detector"]) == expected
        assert "physical_filter: r_57" in str(report)
        return
    assert {"mask_fractions", "noise_realizations", "aperture_corrections"} <= set(labels(report))
    assert "mask_fractions: rejected" in str(report)
    assert "noise_realizations: 2 images (dtype float32)" in str(report)
    facts = {field.label: field.value for field in report.children["provenance"].fields}
    assert list(facts) == ["instrument", "physical_filter", "input images", "day_obs", "cells", "per cell"]
    assert facts["input images"] == "4 from 4 visits" and facts["day_obs"] == "20250520 - 20250521"
    assert not image.provenance.describe(brief=True).fields


def test_report_unreadable_component_shows_error(shared_data: Path) -> None:
    from lsst.images.errors import ArchiveReadError

    image = read(shared_data / "examples" / "cell_coadd.fits")
    image._psf = ArchiveReadError("damaged on the way")
    report = image.describe(detail=True)
    assert report.children["psf"].to_str() == "unreadable: damaged on the way"
    assert "input images: 4" in str(report)


# Other types.


class Bare(DescribableMixin):
    pass


class Ruler(DescribableMixin):
    def __init__(self, length: float) -> None:
        self.length = length

    def _describe(self, options: DescribeOptions, /) -> Report:  # type: ignore[override]
        fields = [ReportField("length", self.length, "m")]
        if options.detail:
            fields.append(ReportField("marks", 1000, role=FieldRole.DERIVED))
        return Report("Ruler", fields=fields)


def test_describe_uses_describe_method() -> None:
    ruler = Ruler(1.5)
    assert repr(ruler) == "Ruler(length=1.5)" and str(ruler) == "Ruler(1.5 m)"
    assert "marks" not in str(ruler.describe()) and "marks: 1000" in shown(ruler)
    assert "marks" in ruler._repr_html_() and labels(ruler.describe(exclude=["length"])) == []
    assert repr(Bare()) == "<Bare>"


def test_describable_protocol_matches_types_with_describe() -> None:
    assert isinstance(Ruler(1.0), Describable) and isinstance(SCHEMA, Describable)
    assert isinstance(Image(np.zeros((2, 2))), Describable) and not isinstance(3, Describable)


def test_describe_other_object_uses_str() -> None:
    assert describe(3).to_str() == "3" and describe(3).to_repr() == "<int: 3>"
    assert make_report(BOX).to_str() == str(BOX)


class Opinionated:
    """A plugin that describes some images."""

    @hookimpl
    def describe(self, obj: Any, options: DescribeOptions) -> Any:
        if isinstance(obj, Image) and obj.unit is None:
            return Report("Image", summary=f"plain, detail={options.detail}", inline=True)
        return "two\nlines" if isinstance(obj, Ruler) else None


class Mute:
    """An object whose str and repr raise."""

    def __str__(self) -> str:
        raise OverflowError("no calendar has\nthis date")

    __repr__ = __str__


SILENCE = "Mute that cannot be shown: OverflowError: no calendar has"


def test_describe_error_in_str_is_reported() -> None:
    report = describe(Mute())
    assert report.to_repr().startswith(f"<{SILENCE}") and SILENCE in str(report)
    assert SILENCE in report._repr_html_() and SILENCE in shown(report)


def test_report_value_with_failing_str_shows_error() -> None:
    report = Report(
        "Thing",
        fields=(ReportField("first", Mute(), "m"), ReportField("second", 2)),
        value_groups=(ReportValueGroup([("third", Mute())]),),
        tables=(ReportTable("Table", ("fourth",), [(Mute(),)]),),
    )
    for text in (str(report), report._repr_html_(), shown(report)):
        assert text.count(SILENCE) == 3 and "second" in text
    assert SILENCE in report.to_repr() and "second=2" in report.to_repr()


def test_report_repr_is_the_text_of_the_report() -> None:
    # Interpreters other than notebooks show the result of describe() by its repr.
    report = describe(Image(0.0, shape=(3, 4)))
    assert repr(report) == str(report) and "float64" in repr(report)


NO_DATE = astropy.time.Time(1e20, format="jd", scale="tai")


@pytest.mark.parametrize("kind", ["image", "mask", "variance", "whole", "masked image"])
def test_report_obs_info_with_invalid_date_shows_error(kind: str, tmp_path: Path) -> None:
    obs_info = make_obs_info(datetime_begin=NO_DATE)
    visit = make_visit_image(obs_info=obs_info)
    obj = {"whole": visit, "masked image": visit.as_masked_image()}.get(kind) or getattr(visit, kind)
    obj.write(tmp_path / "dated.json")
    found = read(tmp_path / "dated.json")
    for image in (obj, found):
        report = describe(image.obs_info)
        assert "ObservationInfo that cannot be shown: ErfaError: " in str(report)
        assert "cannot be shown" in report._repr_html_() and "cannot be shown" in repr(report)
        # The str of the third-party type leaves a state in which its repr raises.
        assert repr(image) and str(image) and image._repr_html_() and shown(image)
        assert str(image.describe(detail=True))
    assert found.obs_info == obs_info
    with open_archive(tmp_path / "dated.json") as reader:
        tree = reader.get_tree()
        assert describe(tree.obs_info) and repr(tree) and describe(tree).to_str()


def test_describe_file_with_invalid_date_reports_error(tmp_path: Path) -> None:
    butler = pytest.importorskip("lsst.images.butler", reason="lsst-daf-butler is not installed")
    make_visit_image(obs_info=make_obs_info(datetime_begin=NO_DATE)).write(tmp_path / "dated.json")
    facts = butler.describe_file(tmp_path / "dated.json", read=True)
    assert "datetime_begin Time that cannot be shown: ErfaError" in facts
    assert "instrument TestCam" in facts and "exposure_time 30.0 s" in facts and "sky_projection" in facts


def test_describe_hook_uses_first_result() -> None:
    registry.register(Opinionated(), name="opinionated")
    try:
        plain = MaskedImage(Image(np.zeros((2, 2))), mask_schema=SCHEMA)
        assert plain.describe(detail=True).children["image"].to_str() == "plain, detail=True"
        assert "dtype" in labels(Image(np.zeros((2, 2)), unit=u.nJy).describe())
        assert Ruler(1.0).describe().to_str() == "two\nlines"
        assert str(Ruler(1.0)) == "Ruler(1.0 m)"
    finally:
        registry.unregister("opinionated")
    assert "dtype" in labels(Image(np.zeros((2, 2))).describe())


@pytest.mark.parametrize(
    ("text", "plain", "html"),
    [
        (
            "**sky [SUBTRACTED]**; also: fringe",
            "sky [SUBTRACTED]; also: fringe",
            "<strong>sky [SUBTRACTED]</strong>;",
        ),
        ("an *odd* <one>", "an odd <one>", "an <em>odd</em> &lt;one&gt;"),
        ("a lone * and electron**2, adu**2", "a lone * and electron**2, adu**2", "electron**2, adu**2"),
    ],
)
def test_report_emphasis_markup_is_shown_in_html_only(text: str, plain: str, html: str) -> None:
    child = Report("Part", summary=text, inline=True, emphasis_markup=True)
    report = Report("Whole", title=text, children={"part": child}, emphasis_markup=True)
    assert str(report).splitlines() == [plain, f"  part: {plain}"]
    assert child.to_str() == plain and child.to_repr() == f"<Part: {plain}>"
    assert report._repr_html_().count(html) == 2
    literal = Report("Whole", title=text)
    assert str(literal) == text and literal._repr_html_().count("*") == text.count("*")
