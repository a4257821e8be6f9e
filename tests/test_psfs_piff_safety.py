# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""A file with a Piff PSF runs no code of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsst.images.errors import ArchiveReadError
from lsst.images.psfs._piff_record import PiffRecord, build_piff  # private: the parsed pickle of a PSF

pytest.importorskip("piff")


def record(interp: str) -> PiffRecord:
    """What a simple PSF of pixels writes, with an interpolant of our choice."""
    model = PiffRecord(structs={"model": {"type": "PixelGrid", "scale": 0.2, "size": 5, "interp": interp}})
    model.structs["piff"] = {"type": "Simple", "outliers": 0, "chisq": 0.0, "last_delta_chisq": 0.0, "dof": 0}
    return model


@pytest.mark.parametrize(
    "attack",
    [
        "__import__('pathlib').Path({path!r}).touch()",
        "open({path!r}, 'w')",
        "galsim.Lanczos(open({path!r}, 'w'))",
        "[open({path!r}, 'w') for _ in (1,)]",
        "(lambda: open({path!r}, 'w'))()",
        "galsim.fits.write(galsim.Image(1, 1), {path!r})",
        "Lanczos.__init__.__globals__['__builtins__']['open']({path!r}, 'w')",
    ],
)
@pytest.mark.parametrize("place", ["struct", "nested", "list"])
def test_code_in_a_record_is_refused_before_piff_sees_it(tmp_path: Path, attack: str, place: str) -> None:
    marker = tmp_path / "marker"
    bad = record(attack.format(path=str(marker)))
    if place == "nested":
        bad = PiffRecord(objects={"model": bad})
    elif place == "list":
        bad.structs["model"]["interp"] = [bad.structs["model"]["interp"]]  # type: ignore[assignment]
    with pytest.raises(ArchiveReadError, match="evaluate as code"):
        build_piff(bad)
    assert not marker.exists()


@pytest.mark.parametrize(
    "text",
    [
        "Lanczos(7)",
        "galsim.Lanczos(5, conserve_dc=False)",
        "galsim.Quintic(gsparams=galsim.GSParams(folding_threshold=1e-3))",
    ],
)
def test_interpolants_that_piff_writes_pass(text: str) -> None:
    # Refused or not, this record is too small for a PSF; what matters is why.
    with pytest.raises(ArchiveReadError) as caught:
        build_piff(record(text))
    assert "evaluate as code" not in str(caught.value)
