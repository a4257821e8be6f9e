# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
# Public names and the modules that define them; read by type checkers and by lazy_loader.

from ._exposures import (
    DifferenceImage as DifferenceImage,
    DifferenceImageTemplateInfo as DifferenceImageTemplateInfo,
    ObservationSummaryStats as ObservationSummaryStats,
    VisitImage as VisitImage,
)
from ._geom import (
    XY as XY,
    YX as YX,
    Bounds as Bounds,
    Box as Box,
    BoxSliceFactory as BoxSliceFactory,
    Interval as Interval,
    IntervalSliceFactory as IntervalSliceFactory,
    Polygon as Polygon,
    Region as Region,
    RegionSerializationModel as RegionSerializationModel,
    SerializableXY as SerializableXY,
    SerializableYX as SerializableYX,
)
from ._pixels import (
    AbsoluteSliceProxy as AbsoluteSliceProxy,
    ColorImage as ColorImage,
    GeneralizedImage as GeneralizedImage,
    Image as Image,
    LocalSliceProxy as LocalSliceProxy,
    Mask as Mask,
    MaskedImage as MaskedImage,
    MaskPlane as MaskPlane,
    MaskPlaneBit as MaskPlaneBit,
    MaskSchema as MaskSchema,
    get_legacy_deep_coadd_mask_planes as get_legacy_deep_coadd_mask_planes,
    get_legacy_difference_image_mask_planes as get_legacy_difference_image_mask_planes,
    get_legacy_non_cell_coadd_mask_planes as get_legacy_non_cell_coadd_mask_planes,
    get_legacy_optional_mask_planes as get_legacy_optional_mask_planes,
    get_legacy_template_mask_planes as get_legacy_template_mask_planes,
    get_legacy_visit_image_mask_planes as get_legacy_visit_image_mask_planes,
)
from ._transforms import (
    ICRS as ICRS,
    CameraFrameSet as CameraFrameSet,
    DetectorFrame as DetectorFrame,
    FieldAngleFrame as FieldAngleFrame,
    FocalPlaneFrame as FocalPlaneFrame,
    Frame as Frame,
    FrameSet as FrameSet,
    GeneralFrame as GeneralFrame,
    Projection as Projection,
    ProjectionAstropyView as ProjectionAstropyView,
    SerializableFrame as SerializableFrame,
    SkyFrame as SkyFrame,
    SkyProjection as SkyProjection,
    SkyProjectionAstropyView as SkyProjectionAstropyView,
    TractFrame as TractFrame,
    Transform as Transform,
)
from .serialization import (
    MetadataView as MetadataView,
)
from .describe import (
    Describable as Describable,
    DescribableMixin as DescribableMixin,
    DescribeOptions as DescribeOptions,
    FieldRole as FieldRole,
    Report as Report,
    ReportField as ReportField,
    ReportTable as ReportTable,
    ReportValueGroup as ReportValueGroup,
)
from .errors import (
    BoundsError as BoundsError,
    FrameLookupError as FrameLookupError,
    NoOverlapError as NoOverlapError,
    NotContainedError as NotContainedError,
    TransformCompositionError as TransformCompositionError,
)
from .fields import (
    Background as Background,
    BackgroundMap as BackgroundMap,
)
from .io import (
    read as read,
)
from .models import (
    BackgroundMapSerializationModel as BackgroundMapSerializationModel,
    CameraFrameSetSerializationModel as CameraFrameSetSerializationModel,
    ColorImageSerializationModel as ColorImageSerializationModel,
    DifferenceImageSerializationModel as DifferenceImageSerializationModel,
    ImageSerializationModel as ImageSerializationModel,
    MaskedImageSerializationModel as MaskedImageSerializationModel,
    MaskSerializationModel as MaskSerializationModel,
    ProjectionSerializationModel as ProjectionSerializationModel,
    SkyProjectionSerializationModel as SkyProjectionSerializationModel,
    TransformSerializationModel as TransformSerializationModel,
    VisitImageSerializationModel as VisitImageSerializationModel,
)
from .version import (
    __version__ as __version__,
)
from .legacy._exposure_record import (
    obs_info_from_legacy as obs_info_from_legacy,
)
