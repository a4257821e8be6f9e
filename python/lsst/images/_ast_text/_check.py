# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation of the consistency of numbers in AST native text.

A matrix with too few elements, a polynomial with a power above its declared
maximum, or a series of mappings with different numbers of axes would make AST
read memory out of bounds.
"""

from __future__ import annotations

__all__ = ("check_ast_text",)

import functools
import re
from collections.abc import Callable, Iterable

from ..errors import CorruptArchiveError
from ._syntax import CHAINS, AstNode, parse_ast_text

MAX_AXES = 100
MAX_FRAMES = 1000
MAX_TERMS = 1_000_000
MAX_POWER = 100
MAX_PROJECTION_PARAMETER = 99
MAX_ITERATIONS = 10_000

MAX_CACHED_TEXTS = 64
"""Number of valid texts that are remembered: files of one camera share the transforms of the camera."""

MAX_ANGLE = 1000.0
"""Maximum absolute value of angles, which AST formats into buffers of fixed size."""

Axes = tuple[int, int]
"""Numbers of inputs and outputs."""

_INTEGER = re.compile(r"[+-]?\d{1,10}")
_PROJECTION_PARAMETER = re.compile(r"PV(\d+)_(\d+)")
_NUMBERED = re.compile(r"([A-Za-z]+)(\d+)")

_TEXTS = frozenset(
    "ID Ident Title Domain Lbl Sym Uni Fmt System AlSys Proj SRefIs Form Type "
    "Label Symbol Unit Format".split()
)
_REALS = frozenset(
    "Epoch Bot Top Bottom ObsLat ObsLon ObsAlt Dut Dtai Eqnox SRef SRefP SkyTol Zoom Sft Scl M IM PlrLg "
    "PV CF CI TolInv Ctr Con Disco PcdCn".split()
)
_FRAME_SYSTEMS = frozenset({"Cartesian"})
_SKY_SYSTEMS = frozenset(
    "ICRS J2000 AZEL ECLIPTIC FK4 FK4-NO-E FK4_NO_E FK5 EQUATORIAL GALACTIC GAPPT GEOCENTRIC APPARENT "
    "HELIOECLIPTIC SUPERGALACTIC UNKNOWN".split()
)
_SKY_REFERENCES = frozenset({"Ignored", "Origin", "Pole"})
_PROJECTIONS = frozenset(
    "AZP SZP TAN STG SIN NCP GLS ARC ZPN ZEA AIR CYP CEA CAR MER SFL PAR MOL AIT COP COE COD COO BON PCO "
    "TSC CSC QSC TPN HPX XPH".split()
)


@functools.lru_cache(maxsize=MAX_CACHED_TEXTS)
def check_ast_text(text: str) -> None:
    """Raise if a text is not safe to pass to AST.

    Parameters
    ----------
    text
        Native text of a mapping or frame set.

    Raises
    ------
    CorruptArchiveError
        If the syntax of the text is invalid, or numbers in it are inconsistent.
    """
    _axes(parse_ast_text(text))


def _fail(node: AstNode, what: str) -> CorruptArchiveError:
    return CorruptArchiveError(f"Invalid text of an AST {node.class_name}: {what}.")


def _axes(node: AstNode) -> Axes:
    """Validate a node and all nodes below it; return its numbers of axes.

    The parser limits the depth of the text, and thereby that of the recursion.
    """
    if node.class_name in CHAINS:
        _check_types(node)
    check = _CHECKS.get(node.class_name, _other)
    axes = check(node)
    if not (1 <= axes[0] <= MAX_AXES and 1 <= axes[1] <= MAX_AXES):
        raise _fail(node, f"{axes[0]} to {axes[1]} axes")
    return axes


def _check_types(node: AstNode) -> None:
    for name, value in node.values.items():
        stem = name.rstrip("0123456789_").removesuffix("_")
        if stem.startswith("PV"):
            stem = "PV"
        if stem in _TEXTS:
            good = value.startswith('"')
        elif stem in _REALS:
            good = not value.startswith('"')
        else:
            good = _INTEGER.fullmatch(value) is not None and abs(int(value)) < 2**31
        if not good:
            raise _fail(node, f"{name} = {value:.40}")


def _integer(node: AstNode, name: str, default: int, low: int, high: int) -> int:
    value = node.values.get(name)
    number = default if value is None else int(value) if _INTEGER.fullmatch(value) else low - 1
    if not low <= number <= high:
        raise _fail(node, f"{name} = {value or default}, which must be from {low} to {high}")
    return number


def _declared(node: AstNode) -> Axes:
    nin = _integer(node, "Nin", 0, 1, MAX_AXES)
    return nin, _integer(node, "Nout", nin, 1, MAX_AXES)


def _numbers(node: AstNode, stem: str) -> dict[int, str]:
    """Return the values of numbered members."""
    found = {}
    for name, value in node.values.items():
        match = _NUMBERED.fullmatch(name)
        if match is not None and match[1] == stem:
            found[int(match[2])] = value
    return found


def _check_indices(node: AstNode, stems: str, last: int, first: int = 1) -> None:
    for stem in stems.split():
        for index in _numbers(node, stem):
            if not first <= index <= last:
                raise _fail(node, f"{stem}{index} exceeds the range {stem}{first} to {stem}{last}")


def _text(node: AstNode, name: str, known: Iterable[str]) -> None:
    value = node.values.get(name)
    if value is not None and value.strip('"').strip() not in known:
        raise _fail(node, f"{name} = {value:.40}")


def _part(node: AstNode, name: str) -> AstNode:
    if name not in node.parts:
        raise _fail(node, f"the required member {name} is missing")
    return node.parts[name]


def _other(node: AstNode) -> Axes:
    """Validate the parts of an object whose own members are not validated."""
    for part in node.parts.values():
        if part.class_name not in ("Axis", "SkyAxis"):
            _axes(part)
    if "Naxes" in node.values:
        naxes = _integer(node, "Naxes", 0, 1, MAX_AXES)
        return naxes, naxes
    if node.class_name.endswith("Frame"):
        return 1, 1
    return _declared(node)


# Frames.


def _frame(node: AstNode) -> Axes:
    naxes = _integer(node, "Naxes", 0, 1, MAX_AXES)
    _text(node, "System", _FRAME_SYSTEMS if node.class_name == "Frame" else _SKY_SYSTEMS)
    _text(node, "AlSys", _FRAME_SYSTEMS if node.class_name == "Frame" else _SKY_SYSTEMS)
    _check_frame_members(node, naxes)
    order = [int(_numbers(node, "Prm").get(i, i)) for i in range(1, naxes + 1)]
    if sorted(order) != list(range(1, naxes + 1)):
        raise _fail(node, f"axes in the order {order}")
    return naxes, naxes


def _check_frame_members(node: AstNode, naxes: int) -> None:
    _check_indices(node, "Lbl Sym Uni Fmt Dir Bot Top Dig Prm", naxes)
    for name, part in node.parts.items():
        match = _NUMBERED.fullmatch(name)
        if match is None or match[1] != "Ax" or not 1 <= int(match[2]) <= naxes:
            raise _fail(node, f"unexpected member {name}")
        if part.class_name not in ("Axis", "SkyAxis"):
            raise _fail(node, f"{name} is a {part.class_name}")
        if part.parts:
            raise _fail(part, "it has parts, which an axis must not have")
        _check_types(part)


def _sky_frame(node: AstNode) -> Axes:
    naxes, _ = _frame(node)
    _text(node, "SRefIs", _SKY_REFERENCES)
    _check_indices(node, "SRef SRefP", 2)
    for stem in ("SRef", "SRefP"):
        for value in _numbers(node, stem).values():
            if value != "<bad>" and not abs(float(value)) <= MAX_ANGLE:
                raise _fail(node, f"a reference at {value:.40} radians")
    if naxes != 2:
        raise _fail(node, f"{naxes} axes")
    return naxes, naxes


def _frame_set(node: AstNode) -> Axes:
    nframe = _integer(node, "Nframe", 0, 1, MAX_FRAMES)
    nnode = _integer(node, "Nnode", nframe, nframe, 2 * MAX_FRAMES)
    base = _integer(node, "Base", 1, 1, nframe)
    current = _integer(node, "Currnt", nframe, 1, nframe)
    _check_indices(node, "Nod VFr", nframe)
    _check_indices(node, "Lnk Inv", nnode, 2)
    known = {f"Frm{i}" for i in range(1, nframe + 1)} | {f"Map{m}" for m in range(2, nnode + 1)}
    if set(node.parts) != known:
        raise _fail(node, f"frames or mappings are missing, or too many, of {nframe} frames")
    frames = [_frame_part(node, f"Frm{i}") for i in range(1, nframe + 1)]
    nodes = [_integer(node, f"Nod{i}", i, 1, nnode) for i in range(1, nframe + 1)]
    if len(set(nodes)) != nframe:
        raise _fail(node, "two frames refer to the same node")
    axes = dict(zip(nodes, frames, strict=True))
    for m in range(2, nnode + 1):
        nin, nout = _flipped(_axes(node.parts[f"Map{m}"]), node, f"Inv{m}")
        parent = _integer(node, f"Lnk{m}", 0, 1, nnode)
        for at, number in ((parent, nin), (m, nout)):
            if axes.setdefault(at, number) != number:
                raise _fail(node, f"Map{m} has {nin} to {nout} axes, other than its frames")
    _check_tree(node, nnode)
    return axes[nodes[base - 1]], axes[nodes[current - 1]]


def _frame_part(node: AstNode, name: str) -> int:
    part = node.parts[name]
    if not part.class_name.endswith("Frame"):
        raise _fail(node, f"{name} is a {part.class_name}")
    return _axes(part)[0]


def _check_tree(node: AstNode, nnode: int) -> None:
    """Check that the first node is an ancestor of every node."""
    for m in range(2, nnode + 1):
        steps, at = 0, m
        while at != 1:
            at = _integer(node, f"Lnk{at}", 0, 1, nnode)
            steps += 1
            if steps > nnode:
                raise _fail(node, "its frames are connected in a cycle")


# Mappings.


def _flipped(axes: Axes, node: AstNode, name: str) -> Axes:
    return axes[::-1] if _integer(node, name, 0, 0, 1) else axes


def _same(stems: str) -> Callable[[AstNode], Axes]:
    def check(node: AstNode) -> Axes:
        nin, nout = _declared(node)
        if nin != nout:
            raise _fail(node, f"{nin} to {nout} axes")
        _check_indices(node, stems, nin)
        return nin, nout

    return check


def _matrix(node: AstNode) -> Axes:
    nin, nout = _declared(node)
    _text(node, "Form", ("Full", "Diagonal", "Unit"))
    form = node.values.get("Form", '"Full"').strip('"')
    count = {"Full": nin * nout, "Diagonal": min(nin, nout), "Unit": 0}[form]
    _check_indices(node, "M IM", count - 1, 0)
    if len(_numbers(node, "M")) != count:
        raise _fail(node, f"{len(_numbers(node, 'M'))} elements, not {count}")
    if len(_numbers(node, "IM")) not in (0, count):
        raise _fail(node, f"{len(_numbers(node, 'IM'))} elements of the inverse, not {count}")
    return nin, nout


def _sphere(node: AstNode) -> Axes:
    if _declared(node) != (3, 2):
        raise _fail(node, f"{_declared(node)} axes")
    return 3, 2


def _wcs(node: AstNode) -> Axes:
    nin, nout = _declared(node)
    if nin != nout or nin < 2 or "Type" not in node.values:
        raise _fail(node, f"{nin} to {nout} axes, or no type")
    _text(node, "Type", _PROJECTIONS)
    places = [_integer(node, f"WcsAx{i}", i, 1, nin) for i in (1, 2)]
    _check_indices(node, "WcsAx", 2)
    for name in node.values:
        if (match := _PROJECTION_PARAMETER.fullmatch(name)) is not None:
            if not (1 <= int(match[1]) <= nin and int(match[2]) <= MAX_PROJECTION_PARAMETER):
                raise _fail(
                    node, f"{name}; the axes are 1 to {nin}, parameters 0 to {MAX_PROJECTION_PARAMETER}"
                )
    if places[0] == places[1]:
        raise _fail(node, f"both celestial axes have the index {places[0]}")
    return nin, nout


def _unit_norm(node: AstNode) -> Axes:
    nin, nout = _declared(node)
    if nout != nin + 1:
        raise _fail(node, f"{nin} to {nout} axes")
    _check_indices(node, "Ctr", nin)
    return nin, nout


def _compound(node: AstNode) -> Axes:
    a = _flipped(_axes(_part(node, "MapA")), node, "InvA")
    b = _flipped(_axes(_part(node, "MapB")), node, "InvB")
    if node.class_name == "TranMap":
        found, good = a, a == b
    elif _integer(node, "Series", 1, 0, 1):
        found, good = (a[0], b[1]), a[1] == b[0]
    else:
        found, good = (a[0] + b[0], a[1] + b[1]), True
    if not good or found != _declared(node):
        raise _fail(node, f"parts with {a} and {b} axes make one with {_declared(node)}")
    return found


def _polynomial(node: AstNode) -> Axes:
    nin, nout = _declared(node)
    _check_terms(node, "F", nin, nout)
    _check_terms(node, "I", nout, nin)
    _integer(node, "IterInv", 0, 0, 1)
    _integer(node, "NiterInv", 4, 0, MAX_ITERATIONS)
    return nin, nout


def _check_terms(node: AstNode, way: str, nin: int, nout: int) -> None:
    """Check the coefficients of a polynomial, forward or inverse."""
    _check_indices(node, f"NC{way}", nout)
    _check_indices(node, f"MP{way}", nin)
    terms = sum(_integer(node, f"NC{way}{o}", 0, 0, MAX_TERMS) for o in range(1, nout + 1))
    highest = [_integer(node, f"MP{way}{i}", 0, 0, MAX_POWER) for i in range(1, nin + 1)]
    coefficients, powers = _numbers(node, f"C{way}"), _numbers(node, f"P{way}")
    if terms > MAX_TERMS or any(not 1 <= k <= terms for k in coefficients):
        raise _fail(node, f"coefficients exceed the declared number of {terms}")
    if len(coefficients) != terms:
        raise _fail(node, f"{len(coefficients)} coefficients, not {terms}")
    for index, value in powers.items():
        if not 1 <= index <= terms * nin or not 0 <= int(value) <= highest[(index - 1) % nin]:
            raise _fail(node, f"P{way}{index} = {value}")


def _permutation(node: AstNode) -> Axes:
    nin, nout = _declared(node)
    constants = _integer(node, "Nconst", 0, 0, MAX_AXES)
    _check_indices(node, "In", nin)
    _check_indices(node, "Out", nout)
    _check_indices(node, "Con", constants)
    for stem, last in (("In", nout), ("Out", nin)):
        for index in _numbers(node, stem):
            _integer(node, f"{stem}{index}", 0, -constants, last)
    return nin, nout


def _look_up(node: AstNode) -> Axes:
    if _declared(node) != (1, 1):
        raise _fail(node, f"{_declared(node)} axes")
    count = _integer(node, "Nlut", 0, 2, MAX_TERMS)
    if set(_numbers(node, "L")) != set(range(1, count + 1)):
        raise _fail(node, f"{len(_numbers(node, 'L'))} values, not {count}")
    return 1, 1


def _rate(node: AstNode) -> Axes:
    nin, nout = _axes(_part(node, "Map"))
    _integer(node, "IIn", 1, 1, nin)
    _integer(node, "IOut", 1, 1, nout)
    if _declared(node) != (nin, 1):
        raise _fail(node, f"{_declared(node)} axes and a mapping with {nin}")
    return nin, 1


def _norm(node: AstNode) -> Axes:
    axes = _axes(_part(node, "Frame"))
    if axes != _declared(node):
        raise _fail(node, f"{_declared(node)} axes and a frame with {axes}")
    return axes


_CHECKS: dict[str, Callable[[AstNode], Axes]] = {
    "Frame": _frame,
    "SkyFrame": _sky_frame,
    "FrameSet": _frame_set,
    "UnitMap": _same(""),
    "ZoomMap": _same(""),
    "ShiftMap": _same("Sft"),
    "WinMap": _same("Sft Scl"),
    "PcdMap": _same(""),
    "MatrixMap": _matrix,
    "SphMap": _sphere,
    "WcsMap": _wcs,
    "PolyMap": _polynomial,
    "UnitNormMap": _unit_norm,
    "CmpMap": _compound,
    "TranMap": _compound,
    "PermMap": _permutation,
    "NormMap": _norm,
    "LutMap": _look_up,
    "RateMap": _rate,
}
