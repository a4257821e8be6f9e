# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A component that a subclass of VisitImage declares, in every use of components."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lsst.images
import pytest
from helpers import survey_image
from helpers.exposures import BOX, make_visit_arguments, make_visit_image
from helpers.survey_image import SurveyImage
from lsst.images import VisitImage
from lsst.images.errors import CorruptArchiveError
from lsst.images.io import open_archive, read
from lsst.images.plugins import registry

PACKAGE = Path(lsst.images.__file__).parent
TESTS = Path(__file__).parent

MAX_LINES = 8
"""Lines of source that may name one component of a visit image."""


@pytest.fixture(autouse=True)
def plugin() -> Iterator[None]:
    registry.register(survey_image, name="survey")
    yield
    registry.unregister("survey")


def make_survey_image(**changes: Any) -> SurveyImage:
    arguments = {**make_visit_arguments(), "hot_rows": [12, 35], **changes}
    return SurveyImage(arguments.pop("image"), **arguments)


def test_component_constructor_argument_becomes_attribute() -> None:
    assert make_survey_image().hot_rows == [12, 35]
    assert make_survey_image(hot_rows=None).hot_rows == []
    assert "hot_rows" in inspect.signature(SurveyImage).parameters
    assert "hot_rows" not in inspect.signature(VisitImage).parameters


def test_component_invalid_value_raises_type_error() -> None:
    with pytest.raises(TypeError, match="expected integers"):
        make_survey_image(hot_rows=["first"])


def test_component_unknown_name_raises_type_error() -> None:
    with pytest.raises(TypeError, match=r"unexpected keyword arguments \['hot_columns'\].*'hot_rows'"):
        make_survey_image(hot_columns=[3])


def test_component_assignment_raises_attribute_error() -> None:
    image = make_survey_image()
    with pytest.raises(AttributeError, match="'hot_rows' of SurveyImage cannot be set"):
        image.hot_rows = [3]  # type: ignore[misc]  # the assignment is the test
    with pytest.raises(AttributeError, match="'hot_rows' of SurveyImage cannot be deleted"):
        del image.hot_rows


def test_component_has_the_docstring_of_its_declaration() -> None:
    assert SurveyImage.hot_rows.__doc__ == "Rows with hot pixels (`list`)."


def test_component_copy_is_independent() -> None:
    image = make_survey_image()
    copy = image.copy()
    assert type(copy) is SurveyImage and copy.psf is image.psf
    copy.hot_rows.append(39)
    assert image.hot_rows == [12, 35]


def test_component_slice_applies_its_subset_rule() -> None:
    part = make_survey_image().absolute[10:20, 20:60]
    assert type(part) is SurveyImage and part.hot_rows == [12]


@pytest.mark.parametrize("extension", [".fits", ".json"])
def test_component_survives_a_file_whole_and_alone(extension: str, tmp_path: Path) -> None:
    image = make_survey_image()
    path = tmp_path / f"survey{extension}"
    image.write(path)
    whole = read(path)
    assert type(whole) is SurveyImage and whole.hot_rows == [12, 35] and whole.psf == image.psf
    assert read(path, bbox=BOX.absolute[12:20, 20:60]).hot_rows == [12, 35]
    with open_archive(path) as reader:
        assert "hot_rows" in reader.component_names
        assert reader.get_component("hot_rows") == [12, 35]


def test_component_invalid_in_a_file_raises_only_when_used(tmp_path: Path) -> None:
    path = tmp_path / "survey.json"
    make_survey_image().write(path)
    path.write_text(path.read_text().replace('"hot_rows":[12,35]', '"hot_rows":["first"]'))
    image = read(path)
    assert image.psf == make_survey_image().psf
    with pytest.raises(CorruptArchiveError, match="hot_rows|integer"):
        _ = image.hot_rows


def test_component_appears_in_the_report() -> None:
    assert "hot_rows: 2 rows" in str(make_survey_image().describe())


def test_component_is_decoded_from_legacy_files(shared_data: Path) -> None:
    path = shared_data / "afw" / "exposure_visit_like.fits"
    rows = SurveyImage.read_legacy(path, component="hot_rows")
    image = SurveyImage.read_legacy(path)
    assert type(image) is SurveyImage and image.hot_rows == rows
    detector = SurveyImage.read_legacy(path, component="detector")
    assert rows == [detector.bbox.y.start, detector.bbox.y.stop - 1]


def test_component_is_a_component_of_the_storage_class() -> None:
    components = registry.storage_classes()["SurveyImage"].components
    visit = registry.storage_classes()["VisitImage"].components
    assert components["hot_rows"] == "StructuredDataList" and "hot_rows" not in visit
    assert visit["psf"] == components["psf"] == "PointSpreadFunction"


# In a process of its own, because a Butler reads its configuration once.
BUTLER_SCRIPT = """
import sys
from pathlib import Path
from helpers import survey_image
from helpers.repository import DATA_ID, new_repo
from lsst.images.plugins import registry
registry.register(survey_image, name="survey")
from lsst.images.butler import write_config
if sys.argv[1] == "config":
    write_config("config")
else:
    from test_components import make_survey_image
    butler = new_repo(Path("repo"), survey="SurveyImage")
    butler.put(make_survey_image(), "survey", DATA_ID)
    assert type(butler.get("survey", DATA_ID)).__name__ == "SurveyImage"
    assert butler.get("survey.hot_rows", DATA_ID) == [12, 35]
    assert butler.get("survey.psf", DATA_ID) == make_survey_image().psf
    components = butler.get("survey.components", DATA_ID, parameters={"components": ["hot_rows"]})
    assert components == {"hot_rows": [12, 35]}
    print("read the component")
"""


def test_component_can_be_read_from_a_butler(tmp_path: Path) -> None:
    pytest.importorskip("lsst.daf.butler")
    path = [str(TESTS), *filter(None, sys.path)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path)}
    command = [sys.executable, "-c", BUTLER_SCRIPT]
    subprocess.run([*command, "config"], cwd=tmp_path, env=environment, check=True)
    environment["DAF_BUTLER_CONFIG_PATH"] = str(tmp_path / "config")
    result = subprocess.run([*command, "use"], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "read the component" in result.stdout


@pytest.mark.parametrize("name", ["photometric_scaling", "summary_stats"])
def test_component_is_named_in_few_lines_of_source(name: str) -> None:
    lines = [
        f"{path.relative_to(PACKAGE)}:{number}"
        for path in sorted(PACKAGE.rglob("*.py"))
        # Helpers for tests compare components one by one.
        if path.relative_to(PACKAGE).parts[0] != "tests"
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if name in line.split("#")[0]
    ]
    if name == "photometric_scaling":
        assert 0 < len(lines) <= MAX_LINES, lines
    files = {line.partition(":")[0] for line in lines}
    assert {"_exposures/_visit_image.py", "models/_visit_image.py", "legacy/_components.py"} <= files


def test_visit_image_rejects_the_component_of_its_subclass() -> None:
    arguments = make_visit_arguments()
    with pytest.raises(TypeError, match="hot_rows"):
        VisitImage(arguments.pop("image"), hot_rows=[1], **arguments)
    assert make_visit_image().psf is not None
