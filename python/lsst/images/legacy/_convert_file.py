# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Conversion of files of `lsst.afw`, with a report of what changed."""

from __future__ import annotations

__all__ = ("ConversionReport", "convert_file")

import contextlib
import dataclasses
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from lsst.resources import ResourcePath, ResourcePathExpression

from .._components import AnnotatedImage, components_of
from .._exposures import VisitImage
from .._pixels import Mask, MaskedImage
from ..cells import CellCoadd
from ..errors import ImagesError
from ..io import read, write
from ..serialization import attach_from
from ..serialization._deferred import is_deferred
from ..utils import UNEXPECTED
from ._components import legacy_components_of
from ._convert_fields import ArchivedField
from ._file import LegacyFile
from ._guess_type import CONVERTIBLE, guess_type
from ._open import make_reader

PROJECTION_POINTERS = ("SKYWCS", "WCS")
"""Archived components that every type holds as its sky projection."""


@dataclasses.dataclass
class ConversionReport:
    """Report of a conversion, with the differences between the two files.

    Parameters
    ----------
    source, target
        Names of the files.
    type
        Name of the type that the file was read as.
    skipped
        Whether the conversion was skipped because the target exists.
    error
        Why the conversion failed, or `None`.
    left_out
        Components that could not be converted, and why.
    differences
        Differences between the object that was read from the source and the
        one that is read from the target; expected to be empty.
    warnings
        Messages of warnings.
    is_compared
        Whether the target was read and compared.
    """

    source: str
    target: str
    type: str = ""
    skipped: bool = False
    error: str | None = None
    left_out: dict[str, str] = dataclasses.field(default_factory=dict)
    differences: dict[str, str] = dataclasses.field(default_factory=dict)
    warnings: list[str] = dataclasses.field(default_factory=list)
    is_compared: bool = False

    @property
    def is_exact(self) -> bool:
        """Whether the new file was compared, and holds everything that the old one does."""
        return self.is_compared and self.error is None and not self.left_out and not self.differences

    def lines(self) -> list[str]:
        """Describe the conversion in a few lines of text."""
        if self.error is not None:
            return [f"{self.source}: {self.error}"]
        if self.skipped:
            return [f"{self.source}: {self.target} exists already"]
        if self.is_compared:
            state = "exact" if self.is_exact else "not exact"
        else:
            state = "not compared"
        return [
            f"{self.source}: {self.target} ({self.type}, {state})",
            *(f"  {name} is left out: {reason}" for name, reason in self.left_out.items()),
            *(f"  {name} differs: {what}" for name, what in self.differences.items()),
            *(f"  warning: {text}" for text in self.warnings),
        ]


def convert_file(
    source: ResourcePathExpression,
    target: ResourcePathExpression,
    *,
    type: str | None = None,
    preserve_quantization: bool = True,
    overwrite: bool = False,
    compare: bool = True,
) -> ConversionReport:
    """Convert a file of `lsst.afw` to a file of this package.

    Parameters
    ----------
    source
        The file.
    target
        Path of the new file, which is created atomically; its extension
        selects the container.
    type
        One of `CONVERTIBLE`; `None`: guessed from the content.
    preserve_quantization
        Whether lossily compressed pixels are copied bit by bit, if source
        and target are FITS files.
    overwrite
        Whether to replace a target that exists; by default the conversion is
        skipped, assuming that the target is the result of an earlier one.
    compare
        Whether to read the new file, and report differences.

    Returns
    -------
    report
        The report.  If the file cannot be converted, the report has an error;
        no exception is raised.
    """
    target_uri = ResourcePath(target, forceDirectory=False)
    report = ConversionReport(str(source), str(target_uri.ospath if target_uri.isLocal else target_uri))
    written = False
    try:
        if target_uri.exists() and not overwrite:
            report.skipped = True
            return report
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            preserve = preserve_quantization and target_uri.getExtension() == ".fits"
            original = _read(source, report, type, preserve)
            kept = _writable(original, report)
            write(kept, target_uri, overwrite=overwrite)
            written = True
        report.warnings += sorted({str(warning.message) for warning in caught if _is_ours(warning)})
        if compare:
            report.differences = dict(_compare(kept, read(target_uri, kept.__class__)))
            report.is_compared = True
    except (ImagesError, OSError, *UNEXPECTED) as err:
        report.error = f"{err.__class__.__name__}: {err}"
        if written:
            # A file that cannot be read back is not a conversion.
            target_uri.remove()
    return report


def _is_ours(warning: warnings.WarningMessage) -> bool:
    return warning.category.__module__.startswith("lsst.")


def _read(source: Any, report: ConversionReport, type: str | None, preserve_quantization: bool) -> Any:
    with contextlib.closing(LegacyFile.open(source)) as file:
        report.type = guess_type(file) if type is None else type
        pytype = CONVERTIBLE[report.type]
        unread = dict(_unread_parts(file, pytype))
        if issubclass(pytype, VisitImage):
            # No type of this package has these components.
            report.warnings += [f"{name} is not written: {reason}" for name, reason in unread.items()]
        else:
            report.left_out.update(unread)
        options = {"preserve_quantization": preserve_quantization, "prefer_archive": True}
        return make_reader(file, pytype, keep_unset=True, **options).read()


def _unread_parts(file: LegacyFile, pytype: type) -> Iterator[tuple[str, str]]:
    """Yield the names of planes and components of a file that a type does not have, and the reason."""
    if issubclass(pytype, CellCoadd):
        return
    reason = f"{pytype.__name__} does not have it"
    if not issubclass(pytype, MaskedImage):
        for plane in file.planes:
            if plane != ("MASK" if issubclass(pytype, Mask) else "IMAGE"):
                yield plane.lower(), reason
    known = {*PROJECTION_POINTERS, *_archived_names(pytype)}
    for name in file.pointers:
        if name.replace("_", "") not in known:
            yield name.lower(), reason


def _archived_names(pytype: type) -> Iterator[str]:
    """Yield the names of the archived components of a type, without underscores."""
    if issubclass(pytype, VisitImage):
        for conversion in legacy_components_of(pytype).values():
            yield str(conversion.archived).replace("_", "")


def _writable(image: Any, report: ConversionReport) -> Any:
    """Leave out components that cannot be written, and report them."""
    if not isinstance(image, AnnotatedImage):
        return image
    components = image._component_values()
    for name, value in components.items():
        if is_deferred(value):
            report.left_out[name] = str(getattr(value, "reason", value))
            components[name] = None
        elif isinstance(value, ArchivedField):
            report.left_out[name] = "the field is not a polynomial"
            components[name] = None
        elif isinstance(value, dict):
            kept = {key: item for key, item in value.items() if not isinstance(item, ArchivedField)}
            if lost := sorted(value.keys() - kept.keys()):
                report.left_out[name] = f"fields that are not polynomials: {', '.join(lost)}"
                components[name] = kept
    if not report.left_out:
        return image
    if isinstance(image, CellCoadd) and components["psf"] is None:
        # A cell coadd requires a PSF.
        return image.as_masked_image()
    result = image._assemble(
        image.image, image.mask, image.variance, metadata=image.metadata, components=components
    )
    attach_from(result, image, whole=True)
    return result


def _compare(old: Any, new: Any) -> Iterator[tuple[str, str]]:
    """Yield the names of components that differ between two images, and how."""
    for name in ("image", "variance", "mask") if hasattr(old, "variance") else ("",):
        a, b = (getattr(obj, name) if name else obj for obj in (old, new))
        compare = _compare_masks if hasattr(a, "schema") else _compare_pixels
        if what := compare(a, b):
            yield name or "pixels", what
    for name in ("projection", "obs_info", "bounds", *components_of(type(old))):
        if hasattr(type(old), name):
            a, b = (_part_of(obj, name) for obj in (old, new))
            if (what := _compare_values(a, b)) is not None:
                yield name, what
    if old.metadata.native != new.metadata.native:
        yield "metadata", f"{old.metadata.native!r:.200} became {new.metadata.native!r:.200}"


def _part_of(obj: Any, name: str) -> Any:
    try:
        return getattr(obj, name)
    except (ImagesError, AttributeError) as err:
        return str(err)


def _compare_values(a: Any, b: Any) -> str | None:
    return None if a is b or bool(a == b) else f"{a!r:.100} became {b!r:.100}"


def _compare_pixels(a: Any, b: Any) -> str | None:
    if (a.bbox, a.unit) != (b.bbox, b.unit):
        return f"{a.bbox} in {a.unit} became {b.bbox} in {b.unit}"
    if np.array_equal(a.array, b.array, equal_nan=a.array.dtype.kind == "f"):
        return None
    x, y = a.array.astype(np.float64), b.array.astype(np.float64)
    with np.errstate(invalid="ignore"):
        worst = np.nanmax(np.abs(x - y)) if np.isfinite(x - y).any() else np.nan
    changed = int(np.count_nonzero(~((x == y) | (np.isnan(x) & np.isnan(y)))))
    return f"{changed} of {x.size} pixels by up to {worst:.6g}"


def _compare_masks(a: Any, b: Any) -> str | None:
    lost = [name for name in a.schema.names if name not in b.schema]
    if lost:
        return f"planes {lost} are lost"
    changed = [name for name in a.schema.names if not np.array_equal(a.get(name), b.get(name))]
    return f"planes {changed} changed" if changed else None
