# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Images, masks and all that belongs to them: in memory, in files, in a Butler.

Names are imported when they are first used, so that a script that only needs
boxes does not pay for coordinate systems.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .version import __version__

if TYPE_CHECKING:
    from ._exposures import (
        DifferenceImage,
        DifferenceImageTemplateInfo,
        ObservationSummaryStats,
        VisitImage,
    )
    from ._geom import (
        XY,
        YX,
        Bounds,
        Box,
        BoxSliceFactory,
        Interval,
        IntervalSliceFactory,
        Polygon,
        Region,
        RegionSerializationModel,
        SerializableXY,
        SerializableYX,
    )
    from ._pixels import (
        AbsoluteSliceProxy,
        ColorImage,
        GeneralizedImage,
        Image,
        LocalSliceProxy,
        Mask,
        MaskedImage,
        MaskPlane,
        MaskPlaneBit,
        MaskSchema,
        get_legacy_deep_coadd_mask_planes,
        get_legacy_difference_image_mask_planes,
        get_legacy_non_cell_coadd_mask_planes,
        get_legacy_visit_image_mask_planes,
    )
    from ._transforms import (
        ICRS,
        CameraFrameSet,
        DetectorFrame,
        FieldAngleFrame,
        FocalPlaneFrame,
        Frame,
        FrameSet,
        GeneralFrame,
        Projection,
        ProjectionAstropyView,
        SerializableFrame,
        SkyFrame,
        TractFrame,
        Transform,
    )
    from ._transforms import Projection as SkyProjection
    from ._transforms import ProjectionAstropyView as SkyProjectionAstropyView
    from .describe import (
        Describable,
        DescribableMixin,
        DescribeOptions,
        FieldRole,
        Report,
        ReportField,
        ReportTable,
        ReportValueGroup,
    )
    from .errors import (
        BoundsError,
        FrameLookupError,
        NoOverlapError,
        NotContainedError,
        TransformCompositionError,
    )
    from .fields import Background, BackgroundMap
    from .models import (
        BackgroundMapSerializationModel,
        CameraFrameSetSerializationModel,
        ColorImageSerializationModel,
        DifferenceImageSerializationModel,
        ImageSerializationModel,
        MaskedImageSerializationModel,
        MaskSerializationModel,
        ProjectionSerializationModel,
        TransformSerializationModel,
        VisitImageSerializationModel,
    )
    from .models import ProjectionSerializationModel as SkyProjectionSerializationModel

_HOMES = {
    "_exposures": "VisitImage DifferenceImage DifferenceImageTemplateInfo ObservationSummaryStats",
    "_geom": "XY YX SerializableXY SerializableYX Interval IntervalSliceFactory Box BoxSliceFactory Bounds "
    "Region Polygon RegionSerializationModel",
    "_pixels": "GeneralizedImage AbsoluteSliceProxy LocalSliceProxy Image Mask MaskPlane MaskPlaneBit "
    "MaskSchema MaskedImage ColorImage get_legacy_visit_image_mask_planes "
    "get_legacy_difference_image_mask_planes get_legacy_deep_coadd_mask_planes "
    "get_legacy_non_cell_coadd_mask_planes",
    "_transforms": "ICRS CameraFrameSet DetectorFrame FieldAngleFrame FocalPlaneFrame Frame FrameSet "
    "GeneralFrame Projection ProjectionAstropyView SerializableFrame SkyFrame TractFrame Transform",
    "describe": "Describable DescribableMixin DescribeOptions FieldRole Report ReportField ReportTable "
    "ReportValueGroup",
    "errors": "BoundsError NoOverlapError NotContainedError FrameLookupError TransformCompositionError",
    "fields": "Background BackgroundMap",
    "models": "ImageSerializationModel MaskSerializationModel MaskedImageSerializationModel "
    "ColorImageSerializationModel VisitImageSerializationModel DifferenceImageSerializationModel "
    "BackgroundMapSerializationModel TransformSerializationModel ProjectionSerializationModel "
    "CameraFrameSetSerializationModel",
}
"""Public names by the module they live in."""

_SPELLED_OTHERWISE = {
    "SkyProjection": "Projection",
    "SkyProjectionAstropyView": "ProjectionAstropyView",
    "SkyProjectionSerializationModel": "ProjectionSerializationModel",
}
"""Names of the younger vocabulary, and the ones they stand for."""

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}
_HOME_OF |= {alias: _HOME_OF[name] for alias, name in _SPELLED_OTHERWISE.items()}

__all__ = ("__version__", *sorted(_HOME_OF))


def __getattr__(name: str) -> Any:
    if (home := _HOME_OF.get(name)) is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{home}", __name__), _SPELLED_OTHERWISE.get(name, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
