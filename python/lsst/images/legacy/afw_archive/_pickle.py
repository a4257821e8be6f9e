# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading pickles without running them.

A pickle is a program that may call anything.  Here its instructions are
followed, but nothing that it names is imported, called or looked at: what
would be a call becomes a record of the name and the arguments.

Source: the Python documentation of `pickletools`, which also takes the stream
apart into instructions.
"""

from __future__ import annotations

__all__ = ("PickleValue", "read_pickle")

import pickletools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from ...errors import CorruptArchiveError
from ._pickle_records import PickleGlobal, PickleObject

PickleValue: TypeAlias = Any
"""Plain values, lists, tuples, dictionaries, sets, and records of what was not called."""

MAX_BYTES = 64 * 1024 * 1024
"""Longest pickle; those of real PSFs take some hundred kilobytes."""

MAX_STEPS = 2_000_000
"""Most instructions, so that reading takes seconds at most."""

MAX_KEY_PARTS = 16
"""Longest tuple that may be a key."""


def read_pickle(data: bytes) -> PickleValue:
    """Read a pickle without running it.

    Parameters
    ----------
    data
        The pickle, of any protocol.

    Returns
    -------
    value
        Plain values are themselves; objects are records.

    Raises
    ------
    CorruptArchiveError
        If the pickle is damaged, larger than any honest one, or wants objects
        from outside.
    """
    if len(data) > MAX_BYTES:
        raise CorruptArchiveError(f"a pickle of {len(data)} bytes; at most {MAX_BYTES} are read")
    machine = _Machine()
    try:
        machine.run(data)
        return machine.result()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as err:
        # The stack does not hold what the instruction needs.
        raise CorruptArchiveError(f"the pickle is damaged: {type(err).__name__}: {err}") from err


def _safe_key(key: Any) -> Any:
    """Return a key that can be hashed without trouble."""
    parts = key if type(key) is tuple and len(key) <= MAX_KEY_PARTS else (key,)
    for part in parts:
        if not (part is None or isinstance(part, str | bytes | int | float | PickleGlobal | PickleObject)):
            raise CorruptArchiveError(f"a {type(part).__name__} as key of a mapping in a pickle")
    return key


class _Machine:
    """The stack machine that pickles are written for, without its powers."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self._stack) != 1 or self._marked:
            raise CorruptArchiveError("the pickle leaves more than one object, or none")
        return self._stack[0]

    def run(self, data: bytes) -> None:
        """Follow the instructions of a pickle.

        Parameters
        ----------
        data
            The pickle.
        """
        memo = self._memo
        instructions: Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]] = pickletools.genops(data)
        for steps, (opcode, argument, _) in enumerate(instructions, start=1):
            if steps > MAX_STEPS:
                raise CorruptArchiveError(f"the pickle has more than {MAX_STEPS} instructions")
            name = opcode.name
            # The most frequent instructions need no handler.
            if name in _PUSHES:
                self._stack.append(argument)
            elif name in _RECALLS:
                self._stack.append(memo[int(argument)])
            elif name in _STORES:
                memo[int(argument)] = self._stack[-1]
            elif name == "MEMOIZE":
                memo[len(memo)] = self._stack[-1]
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name])
            elif (handler := _HANDLERS.get(name)) is not None:
                handler(self, argument)
            elif name not in _IGNORED:
                raise CorruptArchiveError(f"the pickle has the instruction {name}, which is refused")

    def _since_mark(self) -> list[Any]:
        items = self._stack
        self._stack = self._marked.pop()
        return items

    # Instructions.

    def mark(self, argument: Any) -> None:
        self._marked.append(self._stack)
        self._stack = []

    def pop(self, argument: Any) -> None:
        if self._stack:
            self._stack.pop()
        else:
            self._since_mark()

    def pop_mark(self, argument: Any) -> None:
        self._since_mark()

    def dup(self, argument: Any) -> None:
        self._stack.append(self._stack[-1])

    def empty_list(self, argument: Any) -> None:
        self._stack.append([])

    def empty_dict(self, argument: Any) -> None:
        self._stack.append({})

    def empty_set(self, argument: Any) -> None:
        self._stack.append(set())

    def make_list(self, argument: Any) -> None:
        self._push_after(self._since_mark())

    def make_tuple(self, argument: Any) -> None:
        self._push_after(tuple(self._since_mark()))

    def make_dict(self, argument: Any) -> None:
        found: dict[Any, Any] = {}
        _fill(found, self._since_mark())
        self._push_after(found)

    def make_frozenset(self, argument: Any) -> None:
        self._push_after(frozenset(map(_safe_key, self._since_mark())))

    def _push_after(self, value: Any) -> None:
        # The stack has changed since the caller's expression began.
        self._stack.append(value)

    def tuple1(self, argument: Any) -> None:
        self._stack[-1:] = [tuple(self._stack[-1:])]

    def tuple2(self, argument: Any) -> None:
        first, second = self._stack[-2:]
        self._stack[-2:] = [(first, second)]

    def tuple3(self, argument: Any) -> None:
        first, second, third = self._stack[-3:]
        self._stack[-3:] = [(first, second, third)]

    def append(self, argument: Any) -> None:
        value = self._stack.pop()
        _extend(self._stack[-1], [value])

    def appends(self, argument: Any) -> None:
        values = self._since_mark()
        _extend(self._stack[-1], values)

    def setitem(self, argument: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        _fill(self._stack[-1], [key, value])

    def setitems(self, argument: Any) -> None:
        values = self._since_mark()
        _fill(self._stack[-1], values)

    def additems(self, argument: Any) -> None:
        values = self._since_mark()
        target = self._stack[-1]
        if isinstance(target, set):
            target.update(map(_safe_key, values))
        else:
            _extend(target, values)

    def global_(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        self._stack.append(PickleGlobal(module, name))

    def stack_global(self, argument: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        if not (isinstance(name, str) and isinstance(module, str)):
            raise TypeError("a name that is no text")
        self._stack.append(PickleGlobal(module, name))

    def reduce(self, argument: Any) -> None:
        args, factory = self._stack.pop(), self._stack.pop()
        self._stack.append(PickleObject(factory, args if type(args) is tuple else _as_tuple(args)))

    def newobj_ex(self, argument: Any) -> None:
        kwargs, args, factory = (self._stack.pop() for _ in range(3))
        if not isinstance(kwargs, dict):
            raise TypeError("keyword arguments that are no dictionary")
        self._stack.append(PickleObject(factory, _as_tuple(args), kwargs))

    def inst(self, argument: Any) -> None:
        module, _, name = str(argument).partition(" ")
        args = self._since_mark()
        self._stack.append(PickleObject(PickleGlobal(module, name), tuple(args)))

    def obj(self, argument: Any) -> None:
        factory, *args = self._since_mark()
        self._stack.append(PickleObject(factory, tuple(args)))

    def build(self, argument: Any) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if not isinstance(target, PickleObject):
            raise TypeError(f"a state for a {type(target).__name__}")
        target.state = state


def _as_tuple(args: Any) -> tuple[Any, ...]:
    if not isinstance(args, tuple):
        raise TypeError(f"arguments in a {type(args).__name__}")
    return args


def _extend(target: Any, values: list[Any]) -> None:
    if isinstance(target, PickleObject):
        target = target.items
    if not isinstance(target, list):
        raise TypeError(f"items for a {type(target).__name__}")
    target.extend(values)


def _fill(target: Any, values: list[Any]) -> None:
    if isinstance(target, PickleObject):
        target = target.entries
    if not isinstance(target, dict) or len(values) % 2:
        raise TypeError(f"{len(values)} keys and values for a {type(target).__name__}")
    for key, value in zip(values[::2], values[1::2], strict=True):
        target[key if type(key) is str else _safe_key(key)] = value


_PUSHES = frozenset(
    f"{prefix}{name}"
    for prefix, names in {
        "": ("INT", "LONG", "LONG1", "LONG4", "FLOAT", "STRING", "UNICODE"),
        "BIN": ("INT", "INT1", "INT2", "FLOAT", "STRING", "UNICODE", "UNICODE8", "BYTES", "BYTES8"),
        "SHORT_BIN": ("STRING", "UNICODE", "BYTES"),
        "BYTE": ("ARRAY8",),
    }.items()
    for name in names
)
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_RECALLS = frozenset({"GET", "BINGET", "LONG_BINGET"})
_STORES = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_IGNORED = frozenset({"PROTO", "FRAME", "STOP"})
_HANDLERS: dict[str, Callable[[_Machine, Any], None]] = {
    "MARK": _Machine.mark,
    "POP": _Machine.pop,
    "POP_MARK": _Machine.pop_mark,
    "DUP": _Machine.dup,
    "EMPTY_LIST": _Machine.empty_list,
    "EMPTY_DICT": _Machine.empty_dict,
    "EMPTY_SET": _Machine.empty_set,
    "LIST": _Machine.make_list,
    "TUPLE": _Machine.make_tuple,
    "DICT": _Machine.make_dict,
    "FROZENSET": _Machine.make_frozenset,
    "TUPLE1": _Machine.tuple1,
    "TUPLE2": _Machine.tuple2,
    "TUPLE3": _Machine.tuple3,
    "APPEND": _Machine.append,
    "APPENDS": _Machine.appends,
    "SETITEM": _Machine.setitem,
    "SETITEMS": _Machine.setitems,
    "ADDITEMS": _Machine.additems,
    "GLOBAL": _Machine.global_,
    "STACK_GLOBAL": _Machine.stack_global,
    **dict.fromkeys(("REDUCE", "NEWOBJ"), _Machine.reduce),
    "NEWOBJ_EX": _Machine.newobj_ex,
    "INST": _Machine.inst,
    "OBJ": _Machine.obj,
    "BUILD": _Machine.build,
}
