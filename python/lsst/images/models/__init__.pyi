# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
# Public names and the modules that define them; read by type checkers and by lazy_loader.

from ._cameras import (
    DetectorSerializationModel as DetectorSerializationModel,
)
from ._cell_aperture_corrections import (
    CellApertureCorrectionMapSerializationModel as CellApertureCorrectionMapSerializationModel,
)
from ._cell_coadd import (
    CellCoaddSerializationModel as CellCoaddSerializationModel,
)
from ._cell_psf import (
    CellPointSpreadFunctionSerializationModel as CellPointSpreadFunctionSerializationModel,
)
from ._coadd_field import (
    CoaddFieldSerializationModel as CoaddFieldSerializationModel,
)
from ._coadd_provenance import (
    CoaddProvenanceSerializationModel as CoaddProvenanceSerializationModel,
)
from ._color_image import (
    ColorImageSerializationModel as ColorImageSerializationModel,
)
from ._composite_psfs import (
    CoaddPSFSerializationModel as CoaddPSFSerializationModel,
    KernelPSFSerializationModel as KernelPSFSerializationModel,
    WarpedPSFSerializationModel as WarpedPSFSerializationModel,
)
from ._difference_image import (
    DifferenceImageSerializationModel as DifferenceImageSerializationModel,
)
from ._field_maps import (
    ApertureCorrectionMapSerializationModel as ApertureCorrectionMapSerializationModel,
    BackgroundMapSerializationModel as BackgroundMapSerializationModel,
)
from ._fields import (
    ChebyshevFieldSerializationModel as ChebyshevFieldSerializationModel,
    FieldSerializationModel as FieldSerializationModel,
    ProductFieldSerializationModel as ProductFieldSerializationModel,
    SplineFieldSerializationModel as SplineFieldSerializationModel,
    SumFieldSerializationModel as SumFieldSerializationModel,
)
from ._image import (
    ImageSerializationModel as ImageSerializationModel,
)
from ._kernels import (
    ImageBasisConvolutionKernelSerializationModel as ImageBasisConvolutionKernelSerializationModel,
)
from ._mask import (
    MaskSerializationModel as MaskSerializationModel,
)
from ._masked_image import (
    MaskedImageSerializationModel as MaskedImageSerializationModel,
)
from ._piff import (
    PiffSerializationModel as PiffSerializationModel,
)
from ._psfs import (
    GaussianPSFSerializationModel as GaussianPSFSerializationModel,
    PSFExSerializationModel as PSFExSerializationModel,
    PSFSerializationModel as PSFSerializationModel,
)
from ._summary_stats import (
    ObservationSummaryStatsSerializationModel as ObservationSummaryStatsSerializationModel,
)
from ._transforms import (
    CameraFrameSetSerializationModel as CameraFrameSetSerializationModel,
    MappingSerializationModel as MappingSerializationModel,
    ProjectionSerializationModel as ProjectionSerializationModel,
    SkyProjectionSerializationModel as SkyProjectionSerializationModel,
    TransformSerializationModel as TransformSerializationModel,
)
from ._visit_image import (
    VisitImageSerializationModel as VisitImageSerializationModel,
)
