# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Checks of AST text, which protect against crashes of AST."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import starlink.Ast as Ast
from helpers.legacy_archives import data_files
from lsst.images._ast_text import check_ast_text  # private: the check shared by all readers of AST text
from lsst.images.errors import CorruptArchiveError, GeometryError
from lsst.images.legacy.afw_archive import LegacyArchive, open_legacy_fits
from lsst.images.legacy.afw_archive._ast_text import (  # private: the parser without an archive around it
    read_ast,
    read_mapping,
)

FORWARD = [[2.0, 1.0, 1.0, 0.0], [3.0, 2.0, 0.0, 1.0], [3.0, 2.0, 3.0, 0.0]]


def frame_set() -> Any:
    frames = Ast.FrameSet(Ast.Frame(2, "Domain=PIXELS,Label(1)=x"))
    frames.addframe(1, Ast.ZoomMap(2, 2.0), Ast.Frame(2, "Domain=IWC"))
    frames.addframe(1, Ast.ShiftMap([1.0, 2.0]), Ast.SkyFrame("System=FK5,Equinox=2001"))
    frames.removeframe(2)
    return frames


OBJECTS = {
    "FrameSet": frame_set(),
    "UnitMap": Ast.UnitMap(3),
    "ShiftMap": Ast.ShiftMap([1.0, 2.0]),
    "WinMap": Ast.WinMap([0, 0], [1, 1], [2, 3], [4, 5]),
    "full MatrixMap": Ast.MatrixMap([[1.0, 2.0], [3.0, 4.0]]),
    "diagonal MatrixMap": Ast.MatrixMap([1.0, 2.0]),
    "SphMap": Ast.SphMap("UnitRadius=1,PolarLong=1"),
    "WcsMap": Ast.WcsMap(2, Ast.TAN, 1, 2),
    "PolyMap": Ast.PolyMap(FORWARD, FORWARD, "IterInverse=1,NiterInverse=3,TolInverse=0.1"),
    "UnitNormMap": Ast.UnitNormMap([1.0, 2.0]),
    "PermMap": Ast.PermMap([2, 1], [2, 1]),
    "PcdMap": Ast.PcdMap(0.1, [1, 2]),
    "NormMap": Ast.NormMap(Ast.SkyFrame()),
    "series": Ast.CmpMap(Ast.UnitNormMap([0.0, 0.0]), Ast.UnitMap(3), True),
    "parallel": Ast.CmpMap(Ast.ZoomMap(1, 3.0), Ast.ShiftMap([1.0, 2.0]), False),
    "TranMap": Ast.TranMap(Ast.ZoomMap(2, 2.0), Ast.ShiftMap([1.0, 1.0])),
    "MathMap": Ast.MathMap(2, 2, ["a=x", "b=y"], ["x=a", "y=b"]),
    "LutMap": Ast.LutMap([1.0, 2.0, 3.0], 0, 1),
    "CmpFrame": Ast.FrameSet(Ast.CmpFrame(Ast.Frame(1), Ast.SpecFrame())),
}


class Sink:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def astsink(self, line: str) -> None:
        self.lines.append(line)


def written(ast_object: Any, options: str) -> str:
    sink = Sink()
    Ast.Channel(None, sink, options).write(ast_object)
    return "\n".join(sink.lines)


@pytest.mark.parametrize("options", ["Full=-1,Comment=0", "Full=0,Comment=1", "Full=1,Comment=1"])
@pytest.mark.parametrize("name", OBJECTS)
def test_check_ast_text_accepts_all_text_that_ast_writes(name: str, options: str) -> None:
    text = written(OBJECTS[name], options)
    check_ast_text(text)
    assert written(read_ast(text), "Full=-1,Comment=0") == written(OBJECTS[name], "Full=-1,Comment=0")


def texts_of(path: Path) -> list[str]:
    with open_legacy_fits(path) as file:
        archive = LegacyArchive.find(file)
        if archive is None:
            return []
        kinds = ("SkyWcs", "TransformPoint2ToPoint2")
        return [archive.get(number).ast_text for kind in kinds for number in archive.ids(kind)]


def test_check_ast_text_accepts_text_of_every_real_file(shared_data: Path) -> None:
    paths = (p for p in data_files(shared_data) if not p.name.startswith("synthetic"))
    # Decoding a record checks its text.
    assert sum(len(texts_of(path)) for path in paths) > 700


def changed(name: str, old: str, new: str) -> str:
    text = written(OBJECTS[name], "Full=-1,Comment=0")
    assert old in text
    return text.replace(old, new, 1)


DAMAGED = {
    "an unknown member": changed("UnitNormMap", "Ctr1", "Crt1"),
    "a member in the wrong place": changed("UnitNormMap", "Nout = 3", "Ctr3 = 3"),
    "a line of garbage": changed("UnitNormMap", "Nin = 2", "? Nin = 2"),
    "text for a number": changed("UnitNormMap", "Nin = 2", 'Nin = "2"'),
    "a fraction for a number of axes": changed("UnitNormMap", "Nin = 2", "Nin = 2.5"),
    "a huge number of axes": changed("UnitMap", "Nin = 3", "Nin = 2147483647"),
    "no number of axes": changed("UnitMap", "Nin = 3", ""),
    "axes that a class cannot have": changed("SphMap", "Nin = 3", "Nin = 2"),
    "a name that is not that of a class": changed("UnitMap", "UnitMap", "UnjtMap"),
    "an end of something else": changed("UnitMap", "End UnitMap", "End ZoomMap"),
    "no end": changed("UnitMap", "End UnitMap", ""),
    "a wrong base class": changed("UnitMap", "IsA Mapping", "IsA Frame"),
    "a matrix without an element": changed("full MatrixMap", "M2 = 3", ""),
    "an element outside of the matrix": changed("full MatrixMap", "M2 = 3", "M9 = 3"),
    "a matrix of an unknown form": changed("full MatrixMap", '"Full"', '"Fall"'),
    "a power beyond the highest": changed("PolyMap", "PF5 = 3", "PF5 = 4"),
    "a negative power": changed("PolyMap", "PF5 = 3", "PF5 = -3"),
    "more coefficients than promised": changed("PolyMap", "NCF1 = 1", "NCF1 = 0"),
    "an endless iteration": changed("PolyMap", "NiterInv = 3", "NiterInv = 2000000000"),
    "an unknown projection": changed("WcsMap", '"TAN"', '"TEN"'),
    "a projection parameter of a huge axis": changed(
        "WcsMap", 'Type = "TAN"', 'Type = "TAN"\nPV9223372036854775808_3 = 180'
    ),
    "a huge projection parameter": changed("WcsMap", 'Type = "TAN"', 'Type = "TAN"\nPV1_2147483648 = 180'),
    "one axis for two": changed("WcsMap", "Nin = 2", "Nin = 1"),
    "parts that do not follow each other": changed("series", "Nin = 3", "Nin = 2"),
    "parts missing": changed("series", "MapB =", "MapC ="),
    "an axis that is not there": changed("PermMap", "Out1 = 2", "Out1 = 7"),
    "a mapping missing": changed("FrameSet", "Map2 =", "Map3 ="),
    "a frame missing": changed("FrameSet", "Frm2 =", "Frm3 ="),
    "a base that is not there": changed("FrameSet", "Currnt = 2", "Currnt = 3"),
    "a circle of frames": changed("FrameSet", "Lnk2 = 1", "Lnk2 = 2"),
    "a frame of other axes": changed("FrameSet", "Naxes = 2", "Naxes = 3"),
    "an unknown system of the sky": changed("FrameSet", '"FK5"', '"FKK"'),
    "an index that is too high": changed("WinMap", "Sft2", "Sft3"),
    "a frame's member of a frame set": changed(
        "FrameSet", "Nframe = 2", 'AlSys = "ICRS"\nIsA Frame\nNframe = 2'
    ),
    "the same member twice": changed("ShiftMap", "Sft2", "Sft1"),
    "characters that cannot be printed": changed("FrameSet", '"FK5"', '"FK\x005"'),
    "nothing": "",
    "two objects": written(OBJECTS["UnitMap"], "Full=-1,Comment=0") * 2,
    "very deep": "Begin CmpMap\nNin = 1\nIsA Mapping\nMapA =\n" * 500,
}


@pytest.mark.parametrize("damage", DAMAGED)
def test_check_ast_text_damaged_text_raises_named_error(damage: str) -> None:
    with pytest.raises(CorruptArchiveError, match="AST"):
        check_ast_text(DAMAGED[damage])


def mutated(text: str, random: np.random.Generator) -> str:
    """Change a number, lines, or characters of a text."""
    kind = random.integers(0, 4)
    if kind == 0:
        found = list(re.finditer(r"= (-?[\d.e+-]+)", text))
        match = found[random.integers(0, len(found))]
        new = random.choice(
            ["-1", "0", "1", "2", "3", "1000000", "-2147483648", "nan", "1e300", "<bad>", "x"]
        )
        return text[: match.start(1)] + str(new) + text[match.end(1) :]
    lines = text.splitlines()
    if kind == 1:
        lines[random.integers(0, len(lines))] = lines[random.integers(0, len(lines))]
        return "\n".join(lines)
    if kind == 2:
        del lines[random.integers(0, len(lines))]
        return "\n".join(lines)
    characters = list(text)
    for position in random.integers(0, len(text), size=random.integers(1, 6)):
        characters[position] = chr(random.integers(32, 127))
    return "".join(characters)


def test_check_ast_text_mutated_text_does_not_crash_ast(shared_data: Path) -> None:
    names = ("afw/exposure_nonfits_wcs.fits", "legacy/calexp/cfht_calexp-849375-12.fits.fz")
    texts = [text for name in names for text in texts_of(shared_data / name)[:3]]
    texts += [written(found, "Full=-1,Comment=0") for found in OBJECTS.values()]
    random = np.random.default_rng(20260101)
    used = 0
    for n in range(600):
        text = mutated(texts[n % len(texts)], random)
        try:
            check_ast_text(text)
            mapping = read_mapping(text)
            mapping.apply(np.array([3.0, 100.0]), np.array([4.0, 5.0]))
            mapping.apply(np.array([0.3, 1.0]), np.array([0.4, 0.5]), forward=False)
            used += 1
        except (CorruptArchiveError, GeometryError) as err:
            assert str(err)
    assert used > 50


@pytest.mark.parametrize("character", ["\u00e9", "\ud800", "\x00", "\r", "\x7f", "\u2028"])
@pytest.mark.parametrize("place", ["comment", "title", "first line", "last line"])
def test_ast_text_character_outside_printable_ascii_is_refused(character: str, place: str) -> None:
    lines = written(OBJECTS["FrameSet"], "Full=1,Comment=1").splitlines()
    if place == "comment":
        lines[2] += f" # {character}"
    elif place == "title":
        index = next(n for n, line in enumerate(lines) if "Title" in line)
        lines[index] = f'    Title = "{character}"'
    else:
        lines[0 if place == "first line" else -1] += character
    with pytest.raises(CorruptArchiveError, match="printable ASCII"):
        check_ast_text("\n".join(lines))


def test_ast_text_with_non_ascii_comment_does_not_end_the_process(shared_data: Path) -> None:
    path = shared_data / "bugs" / "17_sigsegv_ast_1.txt"
    if not path.exists():
        pytest.skip(f"{path} is absent")
    code = (
        "import sys; from lsst.images._transforms._ast import AstMapping\n"
        "from lsst.images.errors import CorruptArchiveError\n"
        "try: AstMapping.deferred(open(sys.argv[1], errors='surrogateescape').read()).mapping\n"
        "except CorruptArchiveError as err: print('refused:', err)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stderr
    assert "refused:" in result.stdout
