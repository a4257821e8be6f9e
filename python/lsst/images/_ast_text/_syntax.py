# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Parser of AST native text.

AST does not validate the text that it reads, and malformed text may crash it.
Text from files is therefore parsed here first.

Source: Starlink User Note 211, section 15; the sections and members are those
that AST 9 itself writes with all defaults shown (``Full=1``).
"""

from __future__ import annotations

__all__ = ("CHAINS", "AstNode", "parse_ast_text")

import dataclasses
import re
from collections.abc import Iterable

from ..errors import CorruptArchiveError
from ..utils import short_repr

MAX_DEPTH = 100
"""Maximum depth of nested objects; AST reads them recursively."""

MAX_TEXT_LENGTH = 64 * 1024 * 1024
"""Maximum length of a text, in characters; that of a camera has about 10,000."""

_FORBIDDEN = re.compile(r"[^\t\n\x20-\x7e]")
"""Characters that make AST crash or hang, in comments, too."""

_LINE = re.compile(
    r"""\s*(?:
        \#.* |                                    # a default, or a comment
        Begin\s+(?P<begin>\w+) |
        End\s+(?P<end>\w+) |
        IsA\s+(?P<isa>\w+) |
        (?P<name>[A-Za-z]\w*)\s*=\s*(?P<value>
            "(?:[^"\x00-\x1f\x7f]|"")*" |         # text
            [+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)? |
            <bad> |
        )
    )\s*(?:\s\#.*)?\Z""",
    re.VERBOSE | re.ASCII,
)

_OBJECT = "ID Ident UseDfs RefCnt Nobj"
_MAPPING = "Nin Nout IsSimp ReSimp AlSimp Invert Fwd Inv Report"
_FRAME = (
    "Title Naxes Domain Epoch Lbl# Sym# Uni# Fmt# Dir# Bot# Top# Dig# Digits System AlSys ActU MinAx MaxAx "
    "MchEnd Permut Presrv Prm# Ax# ObsLat ObsLon ObsAlt Dut# Dtai"
)
_AXIS = "Label Symbol Unit Format Digits Dirn Top Bottom"
_OWN = {
    "Object": _OBJECT,
    "Mapping": _MAPPING,
    "Frame": _FRAME,
    "SkyFrame": "Proj NegLon Eqnox SRef# SRefP# SRefIs AlOff SkyTol",
    "FrameSet": "Nframe Nnode Base Currnt Frm# VFr# Nod# Lnk# Map# Inv# AllVr#",
    "Axis": _AXIS,
    "SkyAxis": "AsTime IsLat CnZer",
    "UnitMap": "",
    "ZoomMap": "Zoom",
    "ShiftMap": "Sft#",
    "WinMap": "Sft# Scl#",
    "MatrixMap": "Form M# IM#",
    "SphMap": "UntRd PlrLg",
    "WcsMap": "Type FitsPrj TpnTan LonChk WcsAx# PV#_#",
    "PolyMap": "MPF# NCF# CF# PF# MPI# NCI# CI# PI# IterInv NiterInv TolInv",
    "UnitNormMap": "Ctr#",
    "CmpMap": "InvA InvB Series MapA MapB",
    "TranMap": "InvA InvB MapA MapB",
    "PermMap": "In# InCpy Out# OutCpy Nconst Con# pmsplt",
    "PcdMap": "Disco PcdCn#",
    "NormMap": "Frame",
}

_FRAMES = ("Object", "Mapping", "Frame")
CHAINS: dict[str, tuple[str, ...]] = {
    "Frame": _FRAMES,
    "SkyFrame": (*_FRAMES, "SkyFrame"),
    "FrameSet": ("Object", "Mapping", "Frame", "FrameSet"),
    "Axis": ("Object", "Axis"),
    "SkyAxis": ("Object", "Axis", "SkyAxis"),
    **{name: ("Object", "Mapping", name) for name in _OWN if name.endswith("Map")},
}
"""Classes whose members are validated, each with its base classes."""

OTHERS = frozenset(
    "ChebyMap CmpFrame DSBSpecFrame DssMap FluxFrame GrismMap IntraMap LutMap MathMap RateMap SelectorMap "
    "SlaMap SpecFluxFrame SpecFrame SpecMap SplineMap SwitchMap TimeFrame TimeMap XphMap".split()
)
"""Other classes of AST, of which only the syntax is validated."""

_MEMBERS = {owner: frozenset(names.split()) for owner, names in _OWN.items()}
_DIGITS = re.compile(r"\d+")


@dataclasses.dataclass(slots=True)
class AstNode:
    """A node of the syntax tree: the parsed text of an AST object.

    Parameters
    ----------
    class_name
        Name of the class of the object.
    values
        Values of its members, by name.
    parts
        Objects that it contains, by name.
    """

    class_name: str
    values: dict[str, str] = dataclasses.field(default_factory=dict)
    parts: dict[str, AstNode] = dataclasses.field(default_factory=dict)

    # Index of the current section, and names of members since the previous one ended.
    section: int = 0
    fresh: list[str] = dataclasses.field(default_factory=list)


def parse_ast_text(text: str) -> AstNode:
    """Parse the native text of an AST object.

    Parameters
    ----------
    text
        The text.

    Returns
    -------
    node
        Root of the syntax tree.

    Raises
    ------
    CorruptArchiveError
        If the syntax of the text is invalid.
    """
    if (bad := _FORBIDDEN.search(text)) is not None:
        raise CorruptArchiveError(
            f"Invalid character {short_repr(bad[0])} at position {bad.start()} of the text of an AST object; "
            "only "
            "printable ASCII characters, tabs and line breaks are allowed."
        )
    if len(text) > MAX_TEXT_LENGTH:
        raise CorruptArchiveError(
            f"The text of an AST object has {len(text)} characters; the maximum is {MAX_TEXT_LENGTH}."
        )
    root, rest = _parse(text.split("\n"))
    if root is None or any(line.strip() and not line.lstrip().startswith("#") for line in rest):
        raise CorruptArchiveError(f"The text {text!r:.60} does not describe exactly one AST object.")
    return root


def _parse(lines: list[str]) -> tuple[AstNode | None, Iterable[str]]:
    stack: list[AstNode] = []
    waiting: str | None = None
    for number, line in enumerate(lines):
        if not line.strip():
            continue
        match = _LINE.match(line)
        if match is None:
            raise _damaged(number, line)
        begin, end, isa, name, value = match.groups()
        if waiting is not None and begin is None and (end or isa or name):
            raise _damaged(number, line)
        if begin is not None:
            node = _begin(begin, number, line)
            if stack:
                if waiting is None or len(stack) >= MAX_DEPTH:
                    raise _damaged(number, line)
                stack[-1].parts[waiting] = node
                waiting = None
            stack.append(node)
        elif not stack and (end or isa or name):
            raise _damaged(number, line)
        elif end is not None:
            node = stack.pop()
            if node.class_name != end:
                raise _damaged(number, line)
            _close(node, len(CHAINS.get(end, ())) - 1)
            if not stack:
                return node, lines[number + 1 :]
        elif isa is not None:
            _is_a(stack[-1], isa)
        elif name is not None:
            node = stack[-1]
            if name in node.values or name in node.parts:
                raise _damaged(number, line)
            node.fresh.append(name)
            if value:
                node.values[name] = value
            else:
                waiting = name
    return None, ()


def _damaged(number: int, line: str) -> CorruptArchiveError:
    return CorruptArchiveError(f"Invalid line {number + 1} in the text of an AST object: {line!r:.60}.")


def _begin(name: str, number: int, line: str) -> AstNode:
    if name not in CHAINS and name not in OTHERS:
        raise CorruptArchiveError(
            f"Unknown class {name!r:.40} in line {number + 1} of the text of an AST object."
        )
    return AstNode(name)


def _is_a(node: AstNode, name: str) -> None:
    chain = CHAINS.get(node.class_name)
    if chain is None:
        return
    if name not in chain[node.section : -1]:
        raise CorruptArchiveError(
            f"Invalid text of an AST {node.class_name}: unexpected section {name!r:.40}; expected one of "
            f"{chain[node.section : -1]}."
        )
    _close(node, chain.index(name))


def _close(node: AstNode, section: int) -> None:
    """Check that all members since the previous section belong to this one."""
    chain = CHAINS.get(node.class_name)
    if chain is not None:
        known = _MEMBERS[chain[section]]
        if chain[section:] == ("Frame", "FrameSet"):
            # A frame set has no frame members of its own; those of its current frame apply.
            known = frozenset()
        for name in node.fresh:
            if name not in known and _DIGITS.sub("#", name) not in known:
                raise CorruptArchiveError(
                    f"Invalid text of an AST {node.class_name}: {name!r:.40} is not a member of the section "
                    f"{chain[section]}."
                )
        node.section = section + 1
    node.fresh.clear()
