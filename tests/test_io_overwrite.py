# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Replacing files, special files, and file systems without common features."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lsst.images import Image
from lsst.images.errors import ArchiveWriteError
from lsst.images.io import read, write

EXTENSIONS = [".fits", ".json", ".sdf"]
OLD, NEW = (Image(np.full((3, 4), value, dtype=np.float32)) for value in (1.0, 2.0))


@pytest.fixture(params=EXTENSIONS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == ".sdf":
        pytest.importorskip("h5py")
    return tmp_path / f"x{request.param}"


def names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_write_existing_file_is_refused_and_kept_by_default(path: Path) -> None:
    OLD.write(path)
    with pytest.raises(FileExistsError, match="overwrite=True"):
        NEW.write(path)
    assert read(path, Image) == OLD


def test_write_overwrite_replaces_the_file_and_leaves_nothing_else(path: Path) -> None:
    OLD.write(path, overwrite=True)
    NEW.write(path, overwrite=True)
    assert read(path, Image) == NEW
    assert names_in(path.parent) == [path.name]


def test_write_overwrite_that_fails_keeps_the_old_file(path: Path) -> None:
    OLD.write(path)
    with pytest.raises(ArchiveWriteError):
        write(NEW, path, overwrite=True, metadata={"nested": {"a": 1}})
    assert read(path, Image) == OLD
    assert names_in(path.parent) == [path.name]


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444])
@pytest.mark.parametrize("content", [b"", b"old"])
def test_write_keeps_the_permissions_of_a_replaced_file(mode: int, content: bytes, path: Path) -> None:
    path.write_bytes(content)
    path.chmod(mode)
    NEW.write(path, overwrite=bool(content))
    assert stat.S_IMODE(path.stat().st_mode) == mode


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 3))
    except OSError:
        pytest.skip("device nodes cannot be created here")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (make_pipe, "pipe"),
        (make_socket, "socket"),
        (make_device, "character device"),
        (Path.mkdir, "directory"),
    ],
)
@pytest.mark.parametrize("linked", [False, True])
@pytest.mark.parametrize("overwrite", [False, True])
def test_write_to_special_file_is_refused_and_the_file_stays(
    make: Any, kind: str, linked: bool, overwrite: bool, path: Path
) -> None:
    special = path.with_name("special") if linked else path
    make(special)
    if linked:
        path.symlink_to(special)
    before = stat.S_IFMT(special.lstat().st_mode)
    with pytest.raises(FileExistsError, match=f"is a {kind}"):
        NEW.write(path, overwrite=overwrite)
    assert stat.S_IFMT(special.lstat().st_mode) == before
    assert path.is_symlink() == linked


@pytest.mark.parametrize("exists", [True, False])
def test_write_through_symbolic_link_keeps_the_link(exists: bool, path: Path) -> None:
    target = path.with_name("target" + path.suffix)
    path.symlink_to(target)
    if exists:
        OLD.write(target)
    NEW.write(path, overwrite=exists)
    assert path.is_symlink()
    assert read(target, Image) == NEW


def test_write_name_of_maximum_length_succeeds(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 250 + ".json")
    NEW.write(path)
    assert read(path, Image) == NEW


def fail_to_link(*_: Any, **__: Any) -> None:
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize("unnamed", [True, False])
def test_write_without_hard_links_succeeds_and_refuses_existing_files(
    unnamed: bool, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "link", fail_to_link)
    if not unnamed:
        monkeypatch.delattr(os, "O_TMPFILE", raising=False)
    NEW.write(path)
    assert read(path, Image) == NEW
    with pytest.raises(FileExistsError):
        OLD.write(path)
    OLD.write(path, overwrite=True)
    assert read(path, Image) == OLD
    assert names_in(path.parent) == [path.name]


KILLED = """
import os, signal, sys
import numpy as np
from lsst.images import Image
from lsst.images.plugins import hookimpl, registry

if sys.argv[2] == "named" and hasattr(os, "O_TMPFILE"):
    del os.O_TMPFILE

class Killer:
    @hookimpl
    def before_write(self, obj, context):
        os.kill(os.getpid(), signal.SIGKILL)

registry.register(Killer(), name="killer")
Image(np.full((3, 4), 2.0, dtype=np.float32)).write(sys.argv[1], overwrite=True)
"""


@pytest.mark.parametrize("how", ["named", "unnamed"])
def test_write_killed_keeps_the_old_file_and_the_next_write_cleans_up(how: str, path: Path) -> None:
    OLD.write(path)
    (path.parent / ".other-file.partial").write_text("of another program")
    result = subprocess.run([sys.executable, "-c", KILLED, str(path), how], capture_output=True, text=True)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert read(path, Image) == OLD
    NEW.write(path, overwrite=True)
    assert read(path, Image) == NEW
    assert names_in(path.parent) == [".other-file.partial", path.name]
