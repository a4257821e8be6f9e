# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Tests of the legacy methods of image-like types.

They call plugin hooks; a plugin of the test records the arguments.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import astropy.units as u
import pytest
from lsst.images import Box, GeneralFrame, Image, Mask, MaskedImage, MaskPlane, MaskSchema
from lsst.images.plugins import Found, hookimpl, registry

BOX = Box.factory[0:3, 0:4]
SCHEMA = MaskSchema([MaskPlane("BAD", "Bad.")])
PLANE_MAP = {"BAD": MaskPlane("BAD", "Bad.")}
FRAME = GeneralFrame(unit=u.pix)
IMAGE = Image(0.0, bbox=BOX)
MASK = Mask(schema=SCHEMA, bbox=BOX)
MASKED = MaskedImage(IMAGE, mask=MASK)


class RecordingPlugin:
    """Plugin that handles one legacy object and one file, and records its calls."""

    LEGACY = object()
    FILE = "somewhere/recorded.fits"

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    @hookimpl
    def convert_from_legacy(self, legacy: Any, pytype: type, options: Mapping[str, Any]) -> Any | None:
        if legacy is not self.LEGACY:
            return None
        self.calls.append((pytype, dict(options)))
        return pytype

    @hookimpl
    def convert_to_legacy(self, obj: Any, options: Mapping[str, Any]) -> Any | None:
        self.calls.append((obj, dict(options)))
        return self.LEGACY

    @hookimpl
    def read_legacy(
        self, uri: Any, pytype: type, component: str | None, options: Mapping[str, Any]
    ) -> Found | None:
        if uri != self.FILE:
            return None
        self.calls.append((pytype, component, dict(options)))
        return Found(pytype)


@pytest.fixture
def plugin() -> Iterator[RecordingPlugin]:
    recording = RecordingPlugin()
    registry.register(recording, name="recording")
    yield recording
    registry.unregister("recording")


@pytest.mark.parametrize(
    ("pytype", "given", "options"),
    [
        (Image, {}, {"unit": None, "projection": None}),
        (Image, {"unit": u.nJy, "sky_projection": 1}, {"unit": u.nJy, "projection": 1}),
        (Mask, {}, {"plane_map": None, "projection": None}),
        (Mask, {"plane_map": PLANE_MAP}, {"plane_map": PLANE_MAP, "projection": None}),
        (MaskedImage, {}, {"unit": None, "plane_map": None, "projection": None}),
        (
            MaskedImage,
            {"unit": u.nJy, "plane_map": PLANE_MAP, "projection": 1},
            {"unit": u.nJy, "plane_map": PLANE_MAP, "projection": 1},
        ),
    ],
)
def test_from_legacy_calls_plugin(
    pytype: Any, given: dict[str, Any], options: dict[str, Any], plugin: RecordingPlugin
) -> None:
    assert pytype.from_legacy(plugin.LEGACY, **given) is pytype
    assert plugin.calls == [(pytype, options)]


def test_from_legacy_accepts_positional_unit_and_planes(plugin: RecordingPlugin) -> None:
    Image.from_legacy(plugin.LEGACY, u.nJy)
    Mask.from_legacy(plugin.LEGACY, PLANE_MAP)
    MASK.to_legacy(PLANE_MAP)
    assert [options for *_, options in plugin.calls] == [
        {"unit": u.nJy, "projection": None},
        {"plane_map": PLANE_MAP, "projection": None},
        {"plane_map": PLANE_MAP},
    ]


@pytest.mark.parametrize(
    ("obj", "given", "options"),
    [
        (IMAGE, {}, {"copy": None}),
        (IMAGE, {"copy": True}, {"copy": True}),
        (MASK, {}, {"plane_map": None}),
        (MASKED, {}, {"copy": None, "plane_map": None}),
        (MASKED, {"copy": False, "plane_map": PLANE_MAP}, {"copy": False, "plane_map": PLANE_MAP}),
    ],
)
def test_to_legacy_calls_plugin(
    obj: Any, given: dict[str, Any], options: dict[str, Any], plugin: RecordingPlugin
) -> None:
    assert obj.to_legacy(**given) is plugin.LEGACY
    ((converted, given_options),) = plugin.calls
    assert converted is obj and given_options == options


@pytest.mark.parametrize(
    ("pytype", "given", "component", "options"),
    [
        (Image, {}, None, {"preserve_quantization": False, "ext": 1, "fits_wcs_frame": None}),
        (Mask, {"ext": "MASK"}, None, {"plane_map": None, "ext": "MASK", "fits_wcs_frame": None}),
        (
            MaskedImage,
            {"component": "mask", "plane_map": PLANE_MAP, "fits_wcs_frame": FRAME},
            "mask",
            {"preserve_quantization": False, "plane_map": PLANE_MAP, "fits_wcs_frame": FRAME},
        ),
        (
            MaskedImage,
            {"preserve_quantization": True},
            None,
            {"preserve_quantization": True, "plane_map": None, "fits_wcs_frame": None},
        ),
    ],
)
def test_read_legacy_calls_plugin(
    pytype: Any,
    given: dict[str, Any],
    component: str | None,
    options: dict[str, Any],
    plugin: RecordingPlugin,
) -> None:
    assert pytype.read_legacy(plugin.FILE, **given) is pytype
    assert plugin.calls == [(pytype, component, options)]


@pytest.mark.parametrize("pytype", [Image, MaskedImage])
def test_from_hdu_list_uses_default_pixel_frame(pytype: Any, plugin: RecordingPlugin) -> None:
    assert pytype.from_hdu_list(plugin.LEGACY) is pytype
    assert pytype.from_hdu_list(plugin.LEGACY, fits_wcs_frame=None) is pytype
    assert plugin.calls == [(pytype, {"fits_wcs_frame": FRAME}), (pytype, {"fits_wcs_frame": None})]
