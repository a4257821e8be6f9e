# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
# Public names and the modules that define them; read by type checkers and by lazy_loader.

from ._checks import (
    check_archive_tree_class_invariants as check_archive_tree_class_invariants,
    check_astropy_wcs_interface as check_astropy_wcs_interface,
    check_bounds_contains_broadcasting as check_bounds_contains_broadcasting,
    check_projection as check_projection,
    check_transform as check_transform,
    iter_concrete_archive_tree_subclasses as iter_concrete_archive_tree_subclasses,
)
from ._conformance import (
    ContainerConformance as ContainerConformance,
)
from ._dp2 import (
    DP2_VISIT_DETECTOR_DATA_ID as DP2_VISIT_DETECTOR_DATA_ID,
    get_dp2_exposure_record as get_dp2_exposure_record,
)
from ._equality import (
    assert_cell_coadds_equal as assert_cell_coadds_equal,
    assert_images_equal as assert_images_equal,
    assert_masked_images_equal as assert_masked_images_equal,
    assert_masks_equal as assert_masks_equal,
    assert_obs_metadata_fields_equal as assert_obs_metadata_fields_equal,
    assert_psfs_equal as assert_psfs_equal,
    assert_visit_images_equal as assert_visit_images_equal,
)
from ._fixtures import (
    reset_afw_mask_planes as reset_afw_mask_planes,
)
from ._legacy_cells import (
    compare_cell_coadd_provenance_to_legacy as compare_cell_coadd_provenance_to_legacy,
    compare_cell_coadd_to_legacy as compare_cell_coadd_to_legacy,
)
from ._legacy_comparisons import (
    compare_amplifier_to_legacy as compare_amplifier_to_legacy,
    compare_aperture_corrections_to_legacy as compare_aperture_corrections_to_legacy,
    compare_detector_to_legacy as compare_detector_to_legacy,
    compare_field_to_legacy as compare_field_to_legacy,
    compare_image_to_legacy as compare_image_to_legacy,
    compare_mask_to_legacy as compare_mask_to_legacy,
    compare_masked_image_to_legacy as compare_masked_image_to_legacy,
    compare_observation_summary_stats_to_legacy as compare_observation_summary_stats_to_legacy,
    compare_photo_calib_to_legacy as compare_photo_calib_to_legacy,
    compare_psf_to_legacy as compare_psf_to_legacy,
    compare_sky_projection_to_legacy_wcs as compare_sky_projection_to_legacy_wcs,
    compare_visit_image_to_legacy as compare_visit_image_to_legacy,
)
from ._legacy_points import (
    arrays_to_legacy_points as arrays_to_legacy_points,
    legacy_coords_to_astropy as legacy_coords_to_astropy,
    legacy_points_to_xy_array as legacy_points_to_xy_array,
)
from ._projections import (
    assert_projections_equal as assert_projections_equal,
    assert_sky_projections_equal as assert_sky_projections_equal,
    make_random_projection as make_random_projection,
    make_random_sky_projection as make_random_sky_projection,
)
from ._roundtrip import (
    RoundtripBase as RoundtripBase,
    RoundtripFits as RoundtripFits,
    RoundtripJson as RoundtripJson,
    RoundtripNdf as RoundtripNdf,
    TemporaryButler as TemporaryButler,
)
from ._values import (
    annotate_errors as annotate_errors,
    assert_close as assert_close,
    assert_equal_allow_nan as assert_equal_allow_nan,
    assert_values_equal as assert_values_equal,
)
