# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Observation information from the primary header of an `lsst.afw` file."""

from __future__ import annotations

__all__ = ("read_obs_info", "translate_header")

import contextlib
import logging
import warnings
from typing import TYPE_CHECKING, Any

from ..fits import suppress_fits_card_warnings
from ..utils import UNEXPECTED
from ._exposure_record import FLAT_PREFIX, read_flat_cards
from ._file import LegacyFile

if TYPE_CHECKING:
    from astro_metadata_translator import MetadataTranslator, ObservationInfo


def read_obs_info(file: LegacyFile) -> ObservationInfo | None:
    """Translate the primary header.

    Parameters
    ----------
    file
        The open file.

    Returns
    -------
    obs_info
        `None` if no translator supports the instrument, or the header lacks cards that
        the translator needs.
    """
    if FLAT_PREFIX.encode() in file.primary.cards.raw:
        if (embedded := read_flat_cards(file.primary.header)) is not None:
            return embedded
    return translate_header(file.primary.header, file.name)


def translate_header(header: Any, name: str) -> ObservationInfo | None:
    """Translate a header.

    Parameters
    ----------
    header
        The header.
    name
        Name of the file, for messages.

    Returns
    -------
    obs_info
        `None` if no translator supports the instrument, or the header lacks cards that
        the translator needs.
    """
    # Slow to import, and not needed by reads of a box.
    from astro_metadata_translator import ObservationInfo
    from astropy.io.fits.verify import VerifyError

    with suppress_fits_card_warnings(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        translator = _find_translator(header, name)
        if translator is None:
            return None
        log = logging.getLogger("astro_metadata_translator")
        level = log.level
        log.setLevel(logging.ERROR)
        try:
            return ObservationInfo(header, translator_class=translator, pedantic=False, filename=name)
        except (*UNEXPECTED, AssertionError, NotImplementedError, VerifyError):
            return None
        finally:
            log.setLevel(level)


def _find_translator(header: Any, name: str) -> type[MetadataTranslator] | None:
    """Return the translator of an instrument, or `None` if no translator supports the header."""
    from astro_metadata_translator import MetadataTranslator

    for translator in MetadataTranslator.translators.values():
        # The translator of another instrument may fail for a value of an unexpected type.
        with contextlib.suppress(*UNEXPECTED):
            if translator.can_translate(header, filename=name):
                return translator
    return None
