# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""How every type is packed into a tree and unpacked, one module a family.

Models are imported when they are first used: each needs the types it packs.
"""

from __future__ import annotations

import importlib
from typing import Any

_HOMES = {
    "_cameras": "DetectorSerializationModel",
    "_cell_aperture_corrections": "CellApertureCorrectionMapSerializationModel",
    "_cell_coadd": "CellCoaddSerializationModel",
    "_cell_psf": "CellPointSpreadFunctionSerializationModel",
    "_coadd_field": "CoaddFieldSerializationModel",
    "_coadd_provenance": "CoaddProvenanceSerializationModel",
    "_color_image": "ColorImageSerializationModel",
    "_composite_psfs": "CoaddPSFSerializationModel KernelPSFSerializationModel WarpedPSFSerializationModel",
    "_difference_image": "DifferenceImageSerializationModel",
    "_field_maps": "ApertureCorrectionMapSerializationModel BackgroundMapSerializationModel",
    "_fields": "ChebyshevFieldSerializationModel FieldSerializationModel ProductFieldSerializationModel "
    "SplineFieldSerializationModel SumFieldSerializationModel",
    "_image": "ImageSerializationModel",
    "_kernels": "ImageBasisConvolutionKernelSerializationModel",
    "_mask": "MaskSerializationModel",
    "_masked_image": "MaskedImageSerializationModel",
    "_piff": "PiffSerializationModel",
    "_psfs": "GaussianPSFSerializationModel PSFExSerializationModel PSFSerializationModel",
    "_summary_stats": "ObservationSummaryStatsSerializationModel",
    "_transforms": "CameraFrameSetSerializationModel MappingSerializationModel ProjectionSerializationModel "
    "SkyProjectionSerializationModel TransformSerializationModel",
    "_visit_image": "VisitImageSerializationModel",
}
"""Public names by the module they live in."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = tuple(sorted(_HOME_OF))


def __getattr__(name: str) -> Any:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
