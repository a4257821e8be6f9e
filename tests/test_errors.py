# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""The exception classes of the package and their base classes."""

from __future__ import annotations

import ast
import pickle
import subprocess
import sys
from pathlib import Path

import astropy.units as u
import lsst.images
import numpy as np
import pytest
from lsst.images import Image, errors
from lsst.images.errors import ArchiveReadError, ImagesError, InvalidArgumentError, InvalidParameterError
from lsst.images.io import read, write

PACKAGE = Path(lsst.images.__file__).parent


def test_errors_module_contains_all_exception_classes() -> None:
    exceptions = {*errors.__all__, "Exception", "ValueError", "TypeError", "RuntimeError", "UserWarning"}
    elsewhere = [
        f"{path.relative_to(PACKAGE)}: {node.name}"
        for path in PACKAGE.rglob("*.py")
        if path != PACKAGE / "errors.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and exceptions & {base.id for base in node.bases if isinstance(base, ast.Name)}
    ]
    assert elsewhere == []


def test_errors_module_names_inherit_from_package_base_classes() -> None:
    for name in errors.__all__:
        base = errors.ImagesWarning if name.endswith("Warning") else ImagesError
        assert issubclass(getattr(errors, name), base), name
    with pytest.raises(AttributeError, match="NoSuchError"):
        errors.NoSuchError  # noqa: B018  # the attribute access is what is tested


def test_invalid_argument_error_write_option_is_type_and_value_error(tmp_path: Path) -> None:
    image = Image(np.zeros((3, 4)))
    for name in ("a.fits", "a.json"):
        with pytest.raises(InvalidArgumentError, match="no_such_option") as caught:
            write(image, tmp_path / name, no_such_option=1)
        assert isinstance(caught.value, TypeError) and isinstance(caught.value, ValueError)
        assert not isinstance(caught.value, ArchiveReadError)


def test_invalid_parameter_error_read_parameter_is_read_and_argument_error(tmp_path: Path) -> None:
    write(Image(np.zeros((3, 4))), tmp_path / "a.fits")
    with pytest.raises(InvalidParameterError, match="no_such_parameter") as caught:
        read(tmp_path / "a.fits", no_such_parameter=1)
    for kind in (ArchiveReadError, InvalidArgumentError, RuntimeError, TypeError, ValueError):
        assert isinstance(caught.value, kind)


def test_unit_conversion_error_pickling_keeps_class() -> None:
    image = Image(np.zeros((3, 4)), unit=u.nJy)
    with pytest.raises(u.UnitConversionError) as caught:
        image.quantity = np.zeros((3, 4)) * u.s
    copied = pickle.loads(pickle.dumps(caught.value))
    assert type(copied) is errors.UnitConversionError and isinstance(copied, errors.UnitMismatchError)
    assert str(copied) == str(caught.value)


def test_errors_module_import_does_not_import_astropy() -> None:
    script = "import sys, lsst.images.errors; sys.exit('astropy' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
