# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Errors for missing, damaged or swapped files, and puts that fail or are interrupted."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.repository import BOX, DATA_ID, DATA_IDS, FULL, assert_same_pixels, make_image, new_repo
from lsst.daf.butler import Butler, DatasetRef, FileDataset
from lsst.images import Box
from lsst.images.butler import describe_file, read_cutouts, verify_dataset, verify_file
from lsst.images.errors import CorruptArchiveError

ROOT = Path(__file__).resolve().parents[1]

REQUESTS = [("mi", None), ("mi", {"bbox": BOX}), ("mi.mask", None), ("mi.bbox", None)]


@pytest.fixture
def butler(tmp_path) -> Butler:
    return new_repo(tmp_path / "repo", mi="MaskedImageV2", im="ImageV2")


def stored(butler: Butler, seed: int = 0, number: int = 0) -> Path:
    return Path(butler.getURI(butler.put(make_image(seed), "mi", DATA_IDS[number])).ospath)


def reasons(error: BaseException | None) -> str:
    """Join the messages of an error and of its causes."""
    text = ""
    while error is not None:
        text += f"{error}\n"
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize("name, parameters", REQUESTS)
def test_get_missing_file_names_the_file(butler, name, parameters):
    path = stored(butler)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        butler.get(name, DATA_ID, parameters=parameters)


@pytest.mark.parametrize("name, parameters", REQUESTS)
@pytest.mark.parametrize("keep", [0, 1000, 2880, 50_000, -2880, -1])
def test_get_truncated_file_names_dataset_and_file(butler, name, parameters, keep):
    path = stored(butler)
    content = path.read_bytes()
    path.write_bytes(content[:keep])
    with pytest.raises((ValueError, RuntimeError)) as caught:
        butler.get(name, DATA_ID, parameters=parameters)
    assert path.name in str(caught.value)
    ref = butler.find_dataset("mi", DATA_ID)
    assert str(ref.id) in str(caught.value) or "size" in str(caught.value)
    assert verify_dataset(butler, ref)


def test_get_swapped_files_names_dataset_and_file(butler, tmp_path):
    # The pixels are equal, so that the sizes agree and only the dataset IDs differ.
    paths = [stored(butler, 0, 0), stored(butler, 0, 1)]
    assert paths[0].stat().st_size == paths[1].stat().st_size
    paths[0].rename(tmp_path / "other.fits")
    paths[1].rename(paths[0])
    (tmp_path / "other.fits").rename(paths[1])
    for path, data_id in zip(paths, DATA_IDS, strict=False):
        ref = butler.find_dataset("mi", data_id)
        for name, parameters in REQUESTS:
            with pytest.raises(ValueError, match="files of the run were swapped") as caught:
                butler.get(name, data_id, parameters=parameters)
            assert str(ref.id) in str(caught.value) and path.name in str(caught.value)
        with pytest.raises(CorruptArchiveError):
            read_cutouts(butler, [(ref, BOX)], keep_errors=False)
        assert "swapped" in verify_dataset(butler, ref)[0]
        assert "swapped" in verify_file(path, ref=ref)[0]


@pytest.mark.parametrize("damage", [b"17", b'{"dataset":5}', b'"gone"'])
def test_get_damaged_butler_info_returns_pixels_and_defers_the_error(butler, damage):
    path = stored(butler)
    content = path.read_bytes()
    start = content.index(b'"butler_info":') + len(b'"butler_info":')
    _, length = json.JSONDecoder().raw_decode(content[start : start + 100_000].decode("latin1"))
    path.write_bytes(content[:start] + damage.ljust(length) + content[start + length :])
    ref = butler.find_dataset("mi", DATA_ID)
    for name, parameters in REQUESTS[:-1]:
        found = butler.get(name, DATA_ID, parameters=parameters)
        assert found.butler_dataset.id == ref.id
        with pytest.raises(CorruptArchiveError, match="butler_info"):
            _ = found.butler_provenance
    assert butler.get("mi.bbox", DATA_ID) == FULL
    assert_same_pixels(butler.get("mi", DATA_ID), make_image(0))
    [cutout] = read_cutouts(butler, [(ref, BOX)])
    assert cutout.image.bbox == BOX
    assert "butler_info" in "".join(verify_dataset(butler, ref))
    assert "butler_info" in describe_file(path)


def test_get_file_of_another_type_names_types_and_file(butler):
    path = stored(butler)
    content = path.read_bytes()
    other = path.parent / "other.fits"
    make_image().image.write(other)
    # Padded to the old size, so that the size check of the Butler passes.
    path.write_bytes(other.read_bytes().ljust(len(content), b"\0"))
    with pytest.raises(ValueError, match="MaskedImage") as caught:
        butler.get("mi.image", DATA_ID)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("offset", range(20_000, 180_000, 40_000))
def test_get_flipped_bytes_fails_or_verify_file_reports_them(butler, offset):
    path = stored(butler)
    content = bytearray(path.read_bytes())
    content[offset : offset + 64] = bytes(255 - b for b in content[offset : offset + 64])
    path.write_bytes(bytes(content))
    try:
        back = butler.get("mi", DATA_ID)
    except ValueError as err:
        assert path.name in str(err)
        return
    try:
        assert_same_pixels(back, make_image(0))
    except AssertionError:
        # Reading does not verify all checksums; verify_file does.
        assert verify_file(path)


# Interrupted puts, in processes that are killed or limited by the operating system.

PUT = """
import sys
import time
from pathlib import Path
from helpers.repository import DATA_ID, make_image
from lsst.daf.butler import Butler
from lsst.images import Box
root, seed, side, go = sys.argv[1:]
image = make_image(int(seed), Box.factory[0:int(side), 0:int(side)])
butler = Butler.from_config(root, writeable=True, run="run")
print("ready", flush=True)
while not Path(go).exists():
    time.sleep(0.001)
LIMIT
butler.put(image, "mi", DATA_ID)
print("put", flush=True)
"""


def start_put(
    butler: Butler, go: Path, *, seed: int = 0, side: int = 100, limit: str = ""
) -> subprocess.Popen:
    """Start a process that puts an image as soon as the file `go` exists."""
    path = os.pathsep.join([str(ROOT / "python"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    process = subprocess.Popen(
        [sys.executable, "-c", PUT.replace("LIMIT", limit), root(butler), str(seed), str(side), str(go)],
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    if process.stdout.readline() != "ready\n":
        pytest.fail(process.communicate()[1])
    return process


def root(butler: Butler) -> str:
    return butler._config.configDir.ospath


def files(butler: Butler) -> list[Path]:
    return [path for path in Path(root(butler), "run").rglob("*") if path.is_file()]


def written(pid: int, folder: Path) -> int:
    """Return the size of the largest file in a directory that a process has open, or -1 if it has none."""
    sizes = [-1]
    for link in Path(f"/proc/{pid}/fd").iterdir():
        # The process may close files at any time.
        with contextlib.suppress(OSError):
            if os.readlink(link).startswith(f"{folder}/"):
                sizes.append(link.stat().st_size)
    return max(sizes)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="/proc is not available")
@pytest.mark.parametrize("min_size", [-1, 0, 1_000_000, 17_000_000])
def test_put_killed_leaves_no_dataset_and_no_file(butler, tmp_path, min_size):
    # Killed before the file is open, when it is open, in the image pixels, and in the variance pixels.
    process = start_put(butler, tmp_path / "go", side=2000)
    (tmp_path / "go").touch()
    while written(process.pid, tmp_path / "repo" / "run") < min_size and process.poll() is None:
        pass
    process.send_signal(signal.SIGKILL)
    out, _ = process.communicate()
    assert process.returncode == -signal.SIGKILL and "put" not in out
    assert butler.find_dataset("mi", DATA_ID) is None
    assert files(butler) == []
    # The next put succeeds.
    assert_same_pixels(butler.get(butler.put(make_image(), "mi", DATA_ID)), make_image())


def test_put_with_invalid_metadata_leaves_no_dataset_and_no_file(butler, tmp_path):
    image = make_image()
    image.metadata["bad"] = object()
    with pytest.raises(RuntimeError) as caught:
        butler.put(image, "mi", DATA_ID)
    assert "'bad'" in reasons(caught.value)
    assert butler.find_dataset("mi", DATA_ID) is None
    assert not [p for p in (tmp_path / "repo" / "run").rglob("*") if p.is_file()]


def test_put_beyond_file_size_limit_fails_and_leaves_no_file(butler, tmp_path):
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))"
    process = start_put(butler, tmp_path / "go", side=2000, limit=limit)
    (tmp_path / "go").touch()
    out, err = process.communicate()
    assert "put" not in out
    assert "File too large" in err and "ArchiveWriteError" in err and "mi_" in err
    assert butler.find_dataset("mi", DATA_ID) is None
    assert files(butler) == []


@pytest.fixture
def small_disk(butler) -> Iterator[Path]:
    """A file system of one megabyte, mounted at the directory of the run."""
    folder = Path(root(butler), "run")
    folder.mkdir()
    try:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], check=True, capture_output=True
        )
    except (OSError, subprocess.CalledProcessError) as err:
        pytest.skip(f"a small file system cannot be mounted: {err}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_put_on_full_disk_fails_and_leaves_no_file(butler, small_disk):
    # Half of the space is used.
    (small_disk / "other").write_bytes(bytes(2**19))
    image = make_image(0, Box.factory[0:500, 0:500])
    with pytest.raises(RuntimeError) as caught:
        butler.put(image, "mi", DATA_ID)
    assert "No space left on device" in reasons(caught.value) and "mi_" in reasons(caught.value)
    assert butler.find_dataset("mi", DATA_ID) is None
    assert files(butler) == [small_disk / "other"]
    # After space is freed, the next put succeeds.
    (small_disk / "other").unlink()
    assert_same_pixels(butler.get(butler.put(make_image(), "mi", DATA_ID)), make_image())


def test_put_on_read_only_disk_fails(butler, small_disk):
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises((RuntimeError, OSError)) as caught:
        butler.put(make_image(), "mi", DATA_ID)
    assert "Read-only file system" in reasons(caught.value)
    assert butler.find_dataset("mi", DATA_ID) is None


def test_put_of_one_dataset_by_two_processes_stores_one_dataset(butler, tmp_path):
    processes = [start_put(butler, tmp_path / "go", seed=seed, side=1000) for seed in range(2)]
    (tmp_path / "go").touch()
    results = [process.communicate() for process in processes]
    won = [process.returncode == 0 for process in processes]
    assert won.count(True) == 1, results
    expected = make_image(won.index(True), Box.factory[0:1000, 0:1000])
    assert_same_pixels(butler.get("mi", DATA_ID), expected)
    assert len(files(butler)) == 1
    assert verify_dataset(butler, butler.find_dataset("mi", DATA_ID)) == []
    # The other process reports the conflict.
    assert "ConflictingDefinitionError" in results[won.index(False)][1]


def test_ingest_copy_from_another_run_has_the_new_dataset_id(butler, tmp_path):
    # The dataset ID in the file is that of the original.
    path = stored(butler)
    shutil.copy(path, tmp_path / "copy.fits")
    data_id = butler.registry.expandDataId(DATA_IDS[3])
    ref = DatasetRef(butler.get_dataset_type("mi"), data_id, run="other")
    butler.collections.register("other")
    butler.ingest(FileDataset(str(tmp_path / "copy.fits"), ref), transfer="copy")
    back = butler.get(ref)
    assert back.bbox == FULL and back.butler_dataset.id == ref.id
