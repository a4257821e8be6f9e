# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Pickles in archives are read without executing them."""

from __future__ import annotations

import builtins
import io
import os
import pickle
import pickletools
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.testing as npt
import pytest
from helpers.legacy_archives import table, write_archive
from lsst.images.errors import CorruptArchiveError
from lsst.images.fits import FitsFile
from lsst.images.legacy.afw_archive import LegacyArchive, open_legacy_fits
from lsst.images.legacy.afw_archive._pickle import (
    read_pickle,  # private: the safe unpickler without an archive
)
from lsst.images.legacy.afw_archive._pickle_numpy import (  # private: conversions of its results
    to_array,
    to_float,
    to_plain,
)
from lsst.images.legacy.afw_archive._pickle_records import PickleGlobal, PickleObject  # private: its results

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)
MARKER = "LSST_IMAGES_PICKLE_WAS_RUN"


class Call:
    """An object whose pickle calls a function."""

    def __init__(self, function: Any, *args: Any, state: Any = None) -> None:
        self.reduced = (function, args) if state is None else (function, args, state)

    def __reduce__(self) -> Any:
        return self.reduced


def short_text(text: str) -> bytes:
    data = text.encode()
    return b"\x8c" + bytes([len(data)]) + data


def named(module: str, name: str) -> bytes:
    return short_text(module) + short_text(name) + b"\x93"


def piff_archive(blob: bytes, name: str = "PiffPsf") -> LegacyArchive:
    found = LegacyArchive.find(
        FitsFile.open(write_archive([(1, name, [table({"bytes": ("1QB()", [blob])})])]))
    )
    assert found is not None
    return found


ATTACKS: dict[str, bytes] = {
    "os.system": pickle.dumps(Call(os.system, f"export {MARKER}=1; touch {MARKER}")),
    "eval": pickle.dumps(Call(builtins.eval, f"__import__('os').environ.__setitem__('{MARKER}', '1')")),
    "exec": pickle.dumps(Call(builtins.exec, f"import os; os.environ['{MARKER}'] = '1'")),
    "getattr of an allowed module": pickle.dumps(Call(getattr, np.ndarray, "tofile")),
    "numpy.load of a pickle": pickle.dumps(Call(np.load, "file.npy", None, True)),
    "numpy.fromfile": b"\x80\x04" + named("numpy", "fromfile") + short_text("/etc/passwd") + b"\x85R.",
    "numpy.memmap": b"\x80\x04" + named("numpy", "memmap") + short_text(MARKER) + b"\x85R.",
    "a name with dots": b"\x80\x04" + named("numpy", "os.system") + short_text(f"touch {MARKER}") + b"\x85R.",
    "a class with an evil __setstate__": b"\x80\x04" + named("argparse", "Namespace") + b")\x81}b.",
    "an import with side effects": b"\x80\x04" + named("this", "s") + b".",
    "an old instance": b"(ios\nsystem\n".replace(b"(ios", b"(S'touch x'\nios") + b".",
    "an old object": b"(cos\nsystem\nS'touch x'\no.",
    "a build on a module": b"\x80\x04"
    + named("os", "environ")
    + b"}"
    + short_text(MARKER)
    + b"K\x01s"
    + b"b.",
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_read_pickle_malicious_pickle_executes_nothing(
    attack: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    # Imports, files and processes raise audit events.
    seen: list[str] = []
    watching = True

    def watch(event: str, args: Any) -> None:
        if watching and event in ("import", "exec", "open", "os.system", "subprocess.Popen", "compile"):
            seen.append(f"{event} {args[:1]}")

    sys.addaudithook(watch)
    before = set(sys.modules)
    try:
        value = read_pickle(ATTACKS[attack])
    except CorruptArchiveError:
        value = None
    finally:
        watching = False
    assert seen == []
    assert set(sys.modules) == before
    assert MARKER not in os.environ
    assert list(tmp_path.iterdir()) == []
    assert value is None or isinstance(value, PickleObject | PickleGlobal)


@pytest.mark.parametrize("attack", ATTACKS)
@pytest.mark.parametrize("name", ["PiffPsf", "StitchedPsf"])
def test_decode_piff_malicious_pickle_raises_corrupt_archive_error(
    attack: str, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    wrapped = b"\x80\x04K\x19K\x19" + ATTACKS[attack].removeprefix(b"\x80\x04")[:-1] + b"\x87."
    for blob in (ATTACKS[attack], wrapped):
        with pytest.raises(CorruptArchiveError, match=f"object 1 of the archive, a {name}"):
            piff_archive(blob, name).get(1)
    assert list(tmp_path.iterdir()) == []


HOSTILE = {
    "a persistent id": b"\x80\x04" + short_text("id") + b"Q.",
    "an old persistent id": b"Pid\n.",
    "an extension code": b"\x80\x02\x82\x01.",
    "a buffer from outside": b"\x80\x05\x97.",
    "an empty stack": b"\x80\x04.",
    "two results": b"\x80\x04K\x01K\x02.",
    "an open mark": b"\x80\x04K\x01(K\x01.",
    "no end": b"\x80\x04K\x01",
    "nothing": b"",
    "an unknown instruction": b"\x80\x04\xff.",
    "a memo that is not there": b"\x80\x04j\xff\xff\xff\x7f.",
    "a huge length of bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**62) + b"x.",
    "a huge length of text": b"\x80\x04\x8d" + struct.pack("<Q", 2**40) + b"x.",
    "a huge length of an integer": b"\x80\x04\x8b" + struct.pack("<I", 2**31 - 1) + b"x.",
    "a negative length": b"\x80\x04\x8b" + struct.pack("<i", -5) + b"x.",
    "a number of a million digits": b"I" + b"9" * 1_000_000 + b"\n.",
    "arguments that are not a tuple": b"\x80\x04" + named("a", "b") + b"K\x01R.",
    "a state for a number": b"\x80\x04K\x01}b.",
    "items for a number": b"\x80\x04K\x01K\x02a.",
    "a key that is a list": b"\x80\x04}]K\x01s.",
    "a key that is a deep tuple": b"\x80\x04}" + b")" + b"\x85" * 200_000 + b"K\x01s.",
    "a set of deep tuples": b"\x80\x04\x8f(" + b")" + b"\x85" * 200_000 + b"\x90.",
    "a frozen set of lists": b"\x80\x04(]\x91.",
}


@pytest.mark.parametrize("pickled", HOSTILE)
def test_read_pickle_malformed_stream_raises_corrupt_archive_error(pickled: str) -> None:
    with pytest.raises(CorruptArchiveError):
        read_pickle(HOSTILE[pickled])


def test_read_pickle_too_many_instructions_raises_error() -> None:
    with pytest.raises(CorruptArchiveError, match="instructions"):
        read_pickle(b"\x80\x04" + b"N0" * 1_100_000 + b"N.")


def test_read_pickle_large_declared_sizes_do_not_allocate_memory() -> None:
    import tracemalloc

    tracemalloc.start()
    try:
        for key in ("a huge length of bytes", "a memo that is not there", "a huge length of an integer"):
            with pytest.raises(CorruptArchiveError):
                read_pickle(HOSTILE[key])
        # A memo with a large index is one entry, not a list of that length.
        assert read_pickle(b"\x80\x04K\x07r\xff\xff\xff\x7f0j\xff\xff\xff\x7f.") == 7
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()


def test_read_pickle_nested_and_recursive_values_are_read() -> None:
    deep = read_pickle(b"\x80\x04)" + b"\x85" * 300_000 + b".")
    assert isinstance(deep, tuple)
    with pytest.raises(CorruptArchiveError):
        to_array(deep)
    del deep
    own = read_pickle(b"\x80\x04]\x94h\x00a.")
    assert own[0] is own
    objects = read_pickle(b"\x80\x04" + named("a", "b") + b")\x81\x94h\x00b.")
    assert objects.state is objects
    assert repr(objects) == "<PickleObject of b>"


PLAIN = {"a": [1, 2.5, "text", b"bytes", None, True], "b": (1, (2, 3)), "c": {4, 5}, "d": -(2**70)}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_read_pickle_plain_values_equal_in_every_protocol(protocol: int) -> None:
    if protocol < 3:
        # These protocols store bytes as a call.
        plain = {**PLAIN, "a": [1, 2.5, "text", None, True], "c": 0}
        assert read_pickle(pickle.dumps(plain, protocol)) == plain
    if protocol >= 4:
        assert read_pickle(pickle.dumps(PLAIN, protocol)) == PLAIN


ARRAYS = {
    "float64": np.arange(6.0).reshape(2, 3),
    "big-endian": np.arange(6, dtype=">i4").reshape(3, 2),
    "fortran": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    "bool": np.array([[True, False], [True, True]]),
    "empty": np.empty((0, 3)),
    "text": np.array(["ab", "c"]),
    "complex": np.array([1 + 2j]),
}


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", ARRAYS)
def test_to_array_numpy_arrays_equal_in_every_protocol(name: str, protocol: int) -> None:
    found = to_array(read_pickle(pickle.dumps(ARRAYS[name], protocol)))
    npt.assert_array_equal(found, ARRAYS[name])
    assert found.dtype.isnative
    assert to_plain(read_pickle(pickle.dumps(np.float64(2.5), protocol))) == 2.5


BAD_ARRAYS = {
    "objects": pickle.dumps(np.array([print, None], dtype=object)),
    "fields": pickle.dumps(np.zeros(2, dtype=[("a", "f8")])),
    "dates": pickle.dumps(np.array(["2020-01-01"], dtype="M8[D]")),
    "something else": pickle.dumps(PLAIN),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_to_array_unsupported_types_raise_error(name: str) -> None:
    with pytest.raises(CorruptArchiveError):
        to_array(read_pickle(BAD_ARRAYS[name]))


def test_to_array_size_mismatch_raises_error() -> None:
    pickled = pickle.dumps(np.arange(6.0), protocol=4)
    assert pickled.count(b"K\x06\x85") == 1
    huge = pickled.replace(b"K\x06\x85", b"J\xff\xff\xff\x7f\x85")
    negative = pickled.replace(b"K\x06\x85", b"J\xff\xff\xff\xff\x85")
    for bad in (huge, negative):
        with pytest.raises(CorruptArchiveError, match="shape"):
            to_array(read_pickle(bad))
    with pytest.raises(CorruptArchiveError, match="number is expected"):
        to_float(read_pickle(pickle.dumps("1")))


def real_blob(shared: Path) -> bytes:
    with open_legacy_fits(shared / "legacy/calexp/piff_exp.fits") as file:
        archive = LegacyArchive.find(file)
        assert archive is not None
        return archive.tables(archive.entries[archive.components["PSF"]])[0].one().blob("bytes")


def test_read_pickle_real_psf_equal_in_old_protocols(shared_data: Path) -> None:
    """Rewrite a pickle in an older protocol."""
    blob = real_blob(shared_data)
    optimized = pickletools.optimize(blob)
    assert len(optimized) < len(blob)
    first, second = (piff_archive(data).get(1) for data in (blob, optimized))
    npt.assert_array_equal(first.interp.coefficients, second.interp.coefficients)
    assert (first.model, first.stars, first.fit) == (second.model, second.stars, second.fit)


@pytest.mark.parametrize("seed", range(6))
def test_read_pickle_mutated_pickle_returns_value_or_named_error(seed: int, shared_data: Path) -> None:
    random = np.random.default_rng(seed)
    blob = real_blob(shared_data)
    for _ in range(40):
        data = bytearray(blob)
        for position in random.integers(0, len(data), size=random.integers(1, 8)):
            data[position] = random.integers(0, 256)
        if random.random() < 0.2:
            del data[random.integers(0, len(data)) :]
        try:
            value = read_pickle(bytes(data))
            if isinstance(value, tuple) and len(value) == 3:
                piff_archive(bytes(data)).get(1)
        except CorruptArchiveError as err:
            assert str(err)


def test_decode_piff_equals_what_piff_reads(shared_data: Path) -> None:
    piff = pytest.importorskip("piff", reason="Piff is the independent truth here")
    blob = real_blob(shared_data)

    class Unpickler(pickle.Unpickler):
        def find_class(self, module: str, name: str) -> Any:
            return super().find_class(module.replace("numpy.core", "numpy._core"), name)

    width, height, psf = Unpickler(io.BytesIO(blob)).load()
    assert isinstance(psf, piff.PSF)
    found = piff_archive(blob).get(1)
    assert found.shape == (height, width)
    star = piff.Star.makeTarget(x=40.0, y=70.0, wcs=psf.wcs[0])
    # Piff 1.7 cannot evaluate old pickles further: it needs a newer attribute.
    expected = psf.interp.q @ psf.interp.basis(star)
    u, v = (40.0 * found.pixel_scale, 70.0 * found.pixel_scale)
    npt.assert_allclose(found.interp.evaluate(u, v), expected, rtol=1e-12, atol=1e-15)
