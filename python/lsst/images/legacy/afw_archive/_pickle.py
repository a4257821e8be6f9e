# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Reading pickles without executing them.

Unpickling can call any function.  This module interprets the instructions of
a pickle without importing or calling anything: each call becomes a record of
the name and the arguments.

Source: the Python documentation of `pickletools`, which also splits the stream
into instructions.
"""

from __future__ import annotations

__all__ = ("PickleValue", "read_pickle")

import pickletools
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from ...errors import CorruptArchiveError
from ._pickle_records import PickleGlobal, PickleObject

PickleValue: TypeAlias = Any
"""Plain values, lists, tuples, dictionaries, sets, and records of calls."""

MAX_PICKLE_SIZE = 64 * 1024 * 1024
"""Maximum size of a pickle in bytes; those of real PSFs take some hundred kilobytes."""

MAX_INSTRUCTIONS = 2_000_000
"""Maximum number of instructions, which limits the time to some seconds."""

MAX_KEY_LENGTH = 16
"""Maximum length of a tuple that is a key of a dictionary."""


def read_pickle(data: bytes) -> PickleValue:
    """Read a pickle without executing it.

    Parameters
    ----------
    data
        The pickle, of any protocol.

    Returns
    -------
    value
        Plain values, and records of objects.

    Raises
    ------
    CorruptArchiveError
        If the pickle is damaged, exceeds the limits above, or contains an
        instruction that is not supported.
    """
    if len(data) > MAX_PICKLE_SIZE:
        raise CorruptArchiveError(
            f"the pickle has {len(data)} bytes; at most {MAX_PICKLE_SIZE} are supported"
        )
    machine = _Machine()
    try:
        machine.run(data)
        return machine.result()
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError) as err:
        # The stack does not have the values that the instruction needs.
        raise CorruptArchiveError(f"the pickle is damaged: {type(err).__name__}: {err}") from err


def _safe_key(key: Any) -> Any:
    """Return the key if it is of a type that is safe to hash."""
    parts = key if type(key) is tuple and len(key) <= MAX_KEY_LENGTH else (key,)
    for part in parts:
        if not (part is None or isinstance(part, str | bytes | int | float | PickleGlobal | PickleObject)):
            raise CorruptArchiveError(
                f"a dictionary in the pickle has a key of type {type(part).__name__}, which is not supported"
            )
    return key


class _Machine:
    """A stack machine that interprets pickle instructions without calling anything."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marked: list[list[Any]] = []
        self._memo: dict[int, Any] = {}

    def result(self) -> Any:
        if len(self._stack) != 1 or self._marked:
            raise CorruptArchiveError("the pickle does not produce exactly one object")
        return self._stack[0]

    def run(self, data: bytes) -> None:
        """Interpret the instructions of a pickle.

        Parameters
        ----------
        data
            The pickle.
        """
        memo = self._memo
        instructions: Iterator[tuple[pickletools.OpcodeInfo, Any, int | None]] = pickletools.genops(data)
        for steps, (opcode, argument, _) in enumerate(instructions, start=1):
            if steps > MAX_INSTRUCTIONS:
                raise CorruptArchiveError(f"the pickle has more than {MAX_INSTRUCTIONS} instructions")
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
            elif name == "EMPTY_DICT":
                self._stack.append({})
            elif name in _CONSTANTS:
                self._stack.append(_CONSTANTS[name])
            elif (handler := _HANDLERS.get(name)) is not None:
                handler(self, argument)
            elif name not in _IGNORED:
                raise CorruptArchiveError(f"the pickle has the instruction {name}, which is not supported")

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
        # _since_mark replaces self._stack, so it must be evaluated before self._stack is.
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
            raise TypeError("the name of a global is not text")
        self._stack.append(PickleGlobal(module, name))

    def reduce(self, argument: Any) -> None:
        args, factory = self._stack.pop(), self._stack.pop()
        self._stack.append(PickleObject(factory, args if type(args) is tuple else _as_tuple(args)))

    def newobj_ex(self, argument: Any) -> None:
        kwargs, args, factory = (self._stack.pop() for _ in range(3))
        if not isinstance(kwargs, dict):
            raise TypeError("keyword arguments are not a dictionary")
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
            raise TypeError(f"a {type(target).__name__} cannot have a state")
        target.state = state


def _as_tuple(args: Any) -> tuple[Any, ...]:
    if not isinstance(args, tuple):
        raise TypeError(f"arguments are a {type(args).__name__}, not a tuple")
    return args


def _extend(target: Any, values: list[Any]) -> None:
    if isinstance(target, PickleObject):
        target = target.items
    if not isinstance(target, list):
        raise TypeError(f"items cannot be appended to a {type(target).__name__}")
    target.extend(values)


def _fill(target: Any, values: list[Any]) -> None:
    if isinstance(target, PickleObject):
        target = target.entries
    if not isinstance(target, dict) or len(values) % 2:
        raise TypeError(f"{len(values)} keys and values cannot be added to a {type(target).__name__}")
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
