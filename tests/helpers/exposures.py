# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Example visit images, difference images and coadds with all components."""

from __future__ import annotations

import uuid
from typing import Any

import astropy.units as u
import numpy as np
import starlink.Ast as Ast
from astro_metadata_translator import ObservationInfo
from astropy.wcs import WCS
from lsst.images import (
    YX,
    Background,
    BackgroundMap,
    Box,
    CameraFrameSet,
    DetectorFrame,
    DifferenceImage,
    DifferenceImageTemplateInfo,
    Image,
    Mask,
    MaskPlane,
    MaskSchema,
    ObservationSummaryStats,
    Polygon,
    Projection,
    TractFrame,
    VisitImage,
)
from lsst.images.cameras import (
    Amplifier,
    AmplifierCalibrations,
    AmplifierRawGeometry,
    Detector,
    DetectorAttributes,
    DetectorType,
    Orientation,
    ReadoutCorner,
)
from lsst.images.cells import (
    CellCoadd,
    CellField,
    CellGrid,
    CellGridBounds,
    CellIJ,
    CellPointSpreadFunction,
    CoaddProvenance,
    PatchDefinition,
)
from lsst.images.convolution_kernels import ImageBasisConvolutionKernel
from lsst.images.fields import ChebyshevField, SplineField
from lsst.images.psfs import GaussianPointSpreadFunction

DETECTOR_BOX = Box.factory[0:64, 0:80]
BOX = Box.factory[10:40, 20:60]
SCHEMA = MaskSchema([MaskPlane("BAD", "Bad."), None, MaskPlane("SATURATED", "Saturated.")])

GRID = CellGrid(Box.factory[100:160, 200:260], YX(10, 12))
CELLS = Box.factory[110:140, 212:260]
MISSING = frozenset({CellIJ(1, 1), CellIJ(2, 3)})
CELL_BOUNDS = CellGridBounds(GRID, CELLS, MISSING)


def make_projection(frame: Any) -> Projection[Any]:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval = [45.0, 30.0]
    wcs.wcs.cdelt = [-5e-5, 5e-5]
    wcs.wcs.radesys = "ICRS"
    return Projection.from_fits_wcs(wcs, frame)


def make_obs_info(**items: Any) -> Any:
    defaults = {
        "instrument": "TestCam",
        "visit_id": 42,
        "physical_filter": "r_03",
        "exposure_time": 30.0 * u.s,
    }
    return ObservationInfo.makeObservationInfo(**{**defaults, **items})


AMPLIFIER_BOX = Box.factory[0:20, 0:10]


def make_raw_geometry() -> AmplifierRawGeometry:
    return AmplifierRawGeometry(
        bbox=Box.factory[0:26, 0:16],
        data_bbox=Box.factory[0:20, 3:13],
        serial_overscan_bbox=Box.factory[0:20, 13:16],
        parallel_overscan_bbox=Box.factory[20:26, 3:13],
        prescan_bbox=Box.factory[0:20, 0:3],
        readout_corner=ReadoutCorner.LR,
    )


def make_calibrations() -> AmplifierCalibrations:
    return AmplifierCalibrations(
        gain=1.5,
        read_noise=5.5,
        saturation=130000.0,
        suspect_level=np.nan,
        linearity_coefficients=np.array([0.0, 142857.0]),
        linearity_type="PROPORTIONAL",
    )


def make_amplifier(name: str = "C10") -> Amplifier:
    return Amplifier(
        name=name,
        bbox=AMPLIFIER_BOX,
        readout_corner="UL",
        assembled_raw_geometry=make_raw_geometry(),
        nominal_calibrations=make_calibrations(),
    )


def make_detector() -> Detector:
    frames = Ast.FrameSet(Ast.Frame(2, "Ident=FOCAL_PLANE,Unit(1)=mm,Unit(2)=mm"))
    frames.addframe(1, Ast.ZoomMap(2, 1e-4), Ast.Frame(2, "Ident=FIELD_ANGLE,Unit(1)=rad,Unit(2)=rad"))
    frames.addframe(1, Ast.ZoomMap(2, 100.0), Ast.Frame(2, "Ident=DETECTOR_007"))
    return Detector(
        DetectorAttributes(
            name="D7",
            id=7,
            type=DetectorType.SCIENCE,
            serial="0007",
            bbox=DETECTOR_BOX,
            orientation=Orientation(focal_plane_x=0.0, focal_plane_y=0.0, focal_plane_z=0.0),
            pixel_size=0.01,
            physical_type="CCD",
        ),
        [],
        CameraFrameSet("TestCam", frames),
        visit=42,
    )


def make_spline(unit: Any = None, seed: int = 3) -> SplineField:
    """Make a field whose array is stored outside the JSON tree, because it is large."""
    rng = np.random.default_rng(seed)
    y, x = np.linspace(0.0, 63.0, 9), np.linspace(0.0, 79.0, 10)
    return SplineField(DETECTOR_BOX, rng.normal(2.0, 0.5, (9, 10)), y=y, x=x, unit=unit)


def make_planes(bbox: Box, unit: Any = u.electron) -> dict[str, Any]:
    rng = np.random.default_rng(8)
    mask = Mask(0, schema=SCHEMA, bbox=bbox)
    for plane in ("BAD", "SATURATED"):
        mask.set(plane, rng.random(bbox.shape) < 0.1)
    return {
        "image": Image(rng.normal(100.0, 9.0, bbox.shape).astype(np.float32), bbox=bbox, unit=unit),
        "mask": mask,
        "variance": Image(rng.uniform(70.0, 90.0, bbox.shape).astype(np.float32), bbox=bbox),
    }


def make_visit_arguments(**changes: Any) -> dict[str, Any]:
    """Make the arguments of a visit image with all components."""
    frame = DetectorFrame(instrument="TestCam", visit=42, detector=7, bbox=DETECTOR_BOX)
    scaling = ChebyshevField(DETECTOR_BOX, np.array([[2.0, 0.1], [0.3, 0.0]]), unit=u.nJy / u.electron)
    backgrounds = BackgroundMap([Background("sky", make_spline(u.electron), "The sky.")])
    backgrounds.add("ghost", make_spline(u.electron, 4))
    stats = ObservationSummaryStats(psfSigma=2.5, nPsfStar=17)
    arguments = {
        **make_planes(BOX),
        "projection": make_projection(frame),
        "bounds": Polygon(x_vertices=[22.0, 58.0, 57.0, 25.0], y_vertices=[11.0, 12.5, 38.0, 36.0]),
        "obs_info": make_obs_info(),
        "summary_stats": stats,
        "photometric_scaling": scaling,
        "psf": GaussianPointSpreadFunction(2.0, DETECTOR_BOX, 21),
        "detector": make_detector(),
        "aperture_corrections": {"base_PsfFlux": make_spline(seed=5), "base_Ap": make_spline(seed=6)},
        "backgrounds": backgrounds,
        "band": "r",
        "metadata": {"id": 4207, "note": "a visit"},
    }
    return {**arguments, **changes}


def make_visit_image(**changes: Any) -> VisitImage:
    arguments = make_visit_arguments(**changes)
    return VisitImage(arguments.pop("image"), **arguments)


def make_template(patch: int = 3) -> DifferenceImageTemplateInfo:
    return DifferenceImageTemplateInfo(
        skymap="cells",
        tract=9813,
        patch=patch,
        dataset_id=uuid.UUID(int=patch),
        dataset_run="run",
        bounds=Polygon.from_box(Box.factory[12:30, 22:44]),
        psf_shape_xx=3.1,
        psf_shape_yy=np.nan,
        psf_shape_xy=0.1,
        psf_shape_flag=True,
    )


def make_kernel() -> ImageBasisConvolutionKernel:
    rng = np.random.default_rng(5)
    constant = ChebyshevField(DETECTOR_BOX, np.array([[1.0]]))
    return ImageBasisConvolutionKernel(rng.normal(size=(2, 5, 5)), [constant, make_spline()])


def make_difference_image(**changes: Any) -> DifferenceImage:
    extra = {"kernel": make_kernel(), "templates": [make_template(), make_template(4)]}
    arguments = {**make_visit_arguments(), **extra, **changes}
    return DifferenceImage(arguments.pop("image"), **arguments)


def make_cell_psf(bounds: CellGridBounds = CELL_BOUNDS, kernel: str = "lanczos5") -> CellPointSpreadFunction:
    """Make a PSF of Gaussians whose width increases from cell to cell."""
    size = bounds.subgrid_size
    y, x = np.mgrid[-7:8, -6:7]
    sigma = 1.2 + 0.1 * np.arange(size.i * size.j).reshape(size.i, size.j, 1, 1)
    array = np.exp(-0.5 * (x**2 + y**2) / sigma**2)
    array /= array.sum(axis=(2, 3), keepdims=True)
    for cell in bounds.missing:
        array[(cell - bounds.subgrid_start).as_tuple()] = np.nan
    return CellPointSpreadFunction(array, bounds, kernel)


def make_cell_corrections() -> dict[str, CellField]:
    size = CELL_BOUNDS.subgrid_size.as_tuple()
    values = 1.0 + 0.01 * np.arange(12.0).reshape(size)
    more = CellGridBounds(GRID, CELLS, MISSING | {CellIJ(3, 2)})
    return {"base_PsfFlux": CellField(CELL_BOUNDS, values), "base_CModel": CellField(more, values**2)}


def make_provenance(instruments: tuple[str, ...] = ("TestCam",)) -> CoaddProvenance:
    """Make the provenance of five inputs; input number k contributes to cells with i + j > k."""
    names = [instruments[n % len(instruments)] for n in range(5)]
    inputs = {
        "instrument": np.array(names, dtype=object),
        "visit": 2025052000177 + np.arange(5),
        "detector": np.arange(5) + 90,
        "physical_filter": np.array([f"r_{len(name)}" for name in names], dtype=object),
        "day_obs": np.full(5, 20250520),
        "polygon": np.array(
            [
                Polygon(
                    x_vertices=[200.0, 260.5, 250.0, 205.0][: 3 + n % 2],
                    y_vertices=[100.0, 101.0, 150.0, 155.0][: 3 + n % 2],
                )
                for n in range(5)
            ],
            dtype=object,
        ),
    }
    rows = [(cell, n) for cell in CELL_BOUNDS.cell_indices() for n in range(5) if cell.i + cell.j > n]
    number = np.array([n for _, n in rows])
    contributions = {
        "cell_i": [cell.i for cell, _ in rows],
        "cell_j": [cell.j for cell, _ in rows],
        **{name: np.asarray(inputs[name])[number] for name in ("instrument", "visit", "detector")},
        "overlaps_center": number % 2 == 0,
        "overlap_fraction": np.linspace(0.1, 1.0, len(rows)),
        "unmasked_fraction": np.linspace(0.0, 0.9, len(rows)),
        "weight": np.linspace(1.0, 2.0, len(rows)),
        "psf_shape_xx": np.full(len(rows), 3.0),
        "psf_shape_yy": np.where(number == 2, np.nan, 3.5),
        "psf_shape_xy": np.full(len(rows), 0.2),
        "psf_shape_flag": number == 2,
    }
    return CoaddProvenance.from_columns(inputs, contributions)


def make_coadd_arguments(**changes: Any) -> dict[str, Any]:
    """Make the arguments of a coadd with all components."""
    bbox = Box.factory[112:139, 215:260]
    rng = np.random.default_rng(9)
    y, x = np.linspace(100.0, 160.0, 9), np.linspace(200.0, 260.0, 10)
    sky = SplineField(GRID.bbox, rng.normal(3.0, 1.0, (9, 10)), y=y, x=x, unit=u.nJy)
    flat = ChebyshevField(GRID.bbox, np.array([[1.5]]), unit=u.uJy)
    arguments = {
        **make_planes(bbox, u.nJy),
        "mask_fractions": {"rejected": Image(rng.random(bbox.shape, np.float32), bbox=bbox)},
        "noise_realizations": [
            Image(rng.normal(size=bbox.shape).astype(np.float32), bbox=bbox, unit=u.nJy) for _ in range(2)
        ],
        "projection": make_projection(TractFrame(skymap="cells", tract=9813, bbox=Box.factory[0:900, 0:900])),
        "band": "r",
        "psf": make_cell_psf(),
        "aperture_corrections": make_cell_corrections(),
        "patch": PatchDefinition(43, YX(y=4, x=3), Box.factory[110:150, 212:248], GRID),
        "provenance": make_provenance(),
        "backgrounds": BackgroundMap([Background("sky", sky, "The sky."), Background("flat", flat)]),
        "metadata": {"note": "a coadd"},
    }
    return {**arguments, **changes}


def make_cell_coadd(**changes: Any) -> CellCoadd:
    arguments = make_coadd_arguments(**changes)
    return CellCoadd(arguments.pop("image"), **arguments)
