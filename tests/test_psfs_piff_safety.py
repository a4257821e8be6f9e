# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Files with Piff PSFs cannot run code."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsst.images.errors import ArchiveReadError
from lsst.images.psfs._piff_record import PiffRecord, build_piff  # private: the parsed pickle of a PSF
from lsst.images.psfs._piff_safety import refuse_code  # private: fuzzed without a file around it

pytest.importorskip("piff")
galsim = pytest.importorskip("galsim")

ALLOWED = "Lanczos Quintic Cubic Linear Nearest Delta GSParams Gaussian Moffat Kolmogorov VonKarman".split()


def record(interp: str) -> PiffRecord:
    """The record of a simple PixelGrid PSF, with a given interpolant."""
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
def test_piff_record_with_code_raises(tmp_path: Path, attack: str, place: str) -> None:
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
        repr(galsim.Lanczos(11, conserve_dc=False, gsparams=galsim.GSParams(maxk_threshold=1e-4))),
        repr(galsim.Moffat(beta=2.5, fwhm=0.8)),
        repr(galsim.Kolmogorov(fwhm=0.7)),
        repr(galsim.Gaussian(sigma=1.0)),
    ],
)
def test_piff_record_with_interpolants_is_accepted(text: str) -> None:
    # The record is incomplete, so an error is raised in any case; the test checks its message.
    with pytest.raises(ArchiveReadError) as caught:
        build_piff(record(text))
    assert "evaluate as code" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "SincInterpolant()",
        "galsim.SincInterpolant(gsparams=galsim.GSParams())",
        "Lanczos(100000)",
        "Lanczos(-3)",
        "Lanczos(n=1e9)",
        "Lanczos(int=3)",
        "Quintic(gsparams=galsim.GSParams(maximum_fft_size=10**12))",
        "Quintic(gsparams=galsim.GSParams(folding_threshold=1e-300))",
        "galsim.Moffat(1e-9, fwhm=1.0)",
        "galsim.Gaussian(sigma=1e300)",
        "Lanczos(7",
        "Lanczos(7)\x00",
        "Lanczos(7) if True else open('x')",
        "f'{open}'",
        "(" * 500 + ")" * 500,
        "-" * 3000 + "1",
        "1 + " * 2000 + "1",
        "Lánczos(7)",
    ],
)
def test_piff_record_unsafe_or_unparsable_text_is_refused(text: str) -> None:
    with pytest.raises(ArchiveReadError, match="evaluate as code"):
        build_piff(record(text))


@given(st.text(max_size=40) | st.text("()[]{}'\"\\.,=:*+-0189aeglmnopsL \n\t", max_size=60))
def test_piff_record_text_that_passes_is_plain_or_parses(text: str) -> None:
    try:
        refuse_code([text])
    except ArchiveReadError:
        return
    if not set(text) & set("()[]{}'\"\\"):
        return
    tree = ast.parse(text.strip(), mode="eval")
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert called <= {f"{prefix}{name}" for prefix in ("", "galsim.") for name in ALLOWED}
