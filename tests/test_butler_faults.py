# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""What a Butler tells when a file is not what it should be, or a put is cut short."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from butler_world import BOX, DATA_ID, DATA_IDS, FULL, assert_same_pixels, make_image, new_repo
from lsst.daf.butler import Butler, DatasetRef, FileDataset
from lsst.daf.butler.registry import ConflictingDefinitionError
from lsst.images.butler import read_cutouts, verify_dataset, verify_file
from lsst.images.errors import CorruptArchiveError

ROOT = Path(__file__).resolve().parents[1]

REQUESTS = [("mi", None), ("mi", {"bbox": BOX}), ("mi.mask", None), ("mi.bbox", None)]


@pytest.fixture
def butler(tmp_path) -> Butler:
    return new_repo(tmp_path / "repo", mi="MaskedImageV2", im="ImageV2")


def stored(butler: Butler, seed: int = 0, number: int = 0) -> Path:
    return Path(butler.getURI(butler.put(make_image(seed), "mi", DATA_IDS[number])).ospath)


def reasons(error: BaseException | None) -> str:
    """Join what an error and its causes say."""
    text = ""
    while error is not None:
        text += f"{error}\n"
        error = error.__cause__ or error.__context__
    return text


@pytest.mark.parametrize("name, parameters", REQUESTS)
def test_a_missing_file_is_told_by_name(butler, name, parameters):
    path = stored(butler)
    path.unlink()
    with pytest.raises(FileNotFoundError, match=path.name):
        butler.get(name, DATA_ID, parameters=parameters)


@pytest.mark.parametrize("name, parameters", REQUESTS)
@pytest.mark.parametrize("keep", [0, 1000, 2880, 50_000, -2880, -1])
def test_a_truncated_file_is_told_by_dataset_and_name(butler, name, parameters, keep):
    path = stored(butler)
    content = path.read_bytes()
    path.write_bytes(content[:keep])
    with pytest.raises((ValueError, RuntimeError)) as caught:
        butler.get(name, DATA_ID, parameters=parameters)
    assert path.name in str(caught.value)
    ref = butler.find_dataset("mi", DATA_ID)
    assert str(ref.id) in str(caught.value) or "size" in str(caught.value)
    assert verify_dataset(butler, ref)


def test_a_file_of_another_dataset_of_the_run_is_refused(butler):
    # The same pixels, so that the sizes agree and only the content can tell.
    first, second = stored(butler, 0, 0), stored(butler, 0, 1)
    assert first.stat().st_size == second.stat().st_size
    shutil.copy(second, first)
    with pytest.raises(ValueError, match="files of the run were swapped") as caught:
        butler.get("mi", DATA_ID)
    ref = butler.find_dataset("mi", DATA_ID)
    assert str(ref.id) in str(caught.value) and first.name in str(caught.value)
    with pytest.raises(CorruptArchiveError):
        read_cutouts(butler, [(ref, BOX)])
    assert "swapped" in verify_dataset(butler, ref)[0]
    assert "swapped" in verify_file(first, ref=ref)[0]


def test_a_file_of_another_type_is_refused_with_both_types(butler):
    path = stored(butler)
    content = path.read_bytes()
    other = path.parent / "other.fits"
    make_image().image.write(other)
    # As long as the file was, so that only the content tells.
    path.write_bytes(other.read_bytes().ljust(len(content), b"\0"))
    with pytest.raises(ValueError, match="MaskedImage") as caught:
        butler.get("mi.image", DATA_ID)
    assert path.name in str(caught.value)


@pytest.mark.parametrize("offset", range(20_000, 180_000, 40_000))
def test_flipped_bytes_never_give_other_pixels_in_silence(butler, offset):
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
        # Not every reader pays for checksums; who wants to know asks.
        assert verify_file(path)


# Puts that are cut short.

SLOW_PUT = """
import sys, time
from pathlib import Path
from butler_world import DATA_ID, make_image
from lsst.daf.butler import Butler, DatasetRef, FileDataset
from lsst.images.fits import FitsOutputArchive
original = FitsOutputArchive.finish

def finish(self, tree):
    Path(sys.argv[2]).touch()
    time.sleep(60)

FitsOutputArchive.finish = finish
Butler.from_config(sys.argv[1], writeable=True, run="run").put(make_image(), "mi", DATA_ID)
"""


def test_a_killed_put_leaves_no_dataset_and_no_file_in_its_place(butler, tmp_path):
    path = os.pathsep.join([str(ROOT / "python"), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    mark = tmp_path / "writing"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW_PUT, str(tmp_path / "repo"), str(mark)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.PIPE,
    )
    while not mark.exists() and process.poll() is None:
        time.sleep(0.05)
    assert process.poll() is None, process.stderr.read().decode()
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert butler.find_dataset("mi", DATA_ID) is None
    assert not [p for p in (tmp_path / "repo" / "run").rglob("mi_*.fits")]
    # And nothing stands in the way of the next one.
    assert_same_pixels(butler.get(butler.put(make_image(), "mi", DATA_ID)), make_image())


def test_a_put_that_fails_leaves_no_dataset_and_no_file(butler, tmp_path):
    image = make_image()
    image.metadata["bad"] = object()
    with pytest.raises(RuntimeError) as caught:
        butler.put(image, "mi", DATA_ID)
    assert "'bad'" in reasons(caught.value)
    assert butler.find_dataset("mi", DATA_ID) is None
    assert not [p for p in (tmp_path / "repo" / "run").rglob("*") if p.is_file()]


def test_a_full_disk_is_told_and_leaves_nothing(butler, tmp_path, monkeypatch):
    def full(*arguments: object, **options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lsst.images.fits.FitsOutputArchive.finish", full)
    with pytest.raises(RuntimeError) as caught:
        butler.put(make_image(), "mi", DATA_ID)
    assert "No space left" in reasons(caught.value)
    assert butler.find_dataset("mi", DATA_ID) is None
    assert not [p for p in (tmp_path / "repo" / "run").rglob("*") if p.is_file()]


def test_two_writers_of_one_dataset_leave_one_whole_dataset(butler, tmp_path):
    def put(seed: int) -> bool:
        own = Butler.from_config(str(tmp_path / "repo"), writeable=True, run="run")
        try:
            own.put(make_image(seed), "mi", DATA_ID)
        except (ConflictingDefinitionError, FileExistsError, RuntimeError):
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(put, range(4)))
    assert won.count(True) == 1
    assert_same_pixels(butler.get("mi", DATA_ID), make_image(won.index(True)))
    files = [p for p in (tmp_path / "repo" / "run").rglob("*") if p.is_file()]
    assert len(files) == 1
    assert verify_dataset(butler, butler.find_dataset("mi", DATA_ID)) == []


def test_a_copy_from_another_run_passes_as_what_it_was_ingested_as(butler, tmp_path):
    # What somebody else's file says of itself must not stand in the way.
    path = stored(butler)
    shutil.copy(path, tmp_path / "copy.fits")
    data_id = butler.registry.expandDataId(DATA_IDS[3])
    ref = DatasetRef(butler.get_dataset_type("mi"), data_id, run="other")
    butler.collections.register("other")
    butler.ingest(FileDataset(str(tmp_path / "copy.fits"), ref), transfer="copy")
    back = butler.get(ref)
    assert back.bbox == FULL and back.butler_dataset.id == ref.id
