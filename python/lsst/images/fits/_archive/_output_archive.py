# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Writing of archives in FITS files, in one pass."""

from __future__ import annotations

__all__ = ("FitsOutputArchive",)

from collections.abc import Callable, Mapping
from typing import IO, Any, Self

import astropy.io.fits
import astropy.units as u
import numpy as np
import pydantic

from ...errors import ArchiveWriteError, InvalidArgumentError
from ...serialization import (
    ArchiveTree,
    ArrayHints,
    ArrayReferenceModel,
    FitsCompressionAlgorithm,
    FitsCompressionOptions,
    FitsQuantizationOptions,
    NumberType,
    OutputArchive,
    Pointer,
    TableColumnModel,
    TableModel,
)
from ...utils import short_repr
from .._hdus._image_writer import encode_image, encode_primary
from .._hdus._table_writer import encode_byte_rows, encode_table
from .._headers._card_writer import CardLike
from .._headers._cards import CARD_SIZE, find_end
from .._headers._checksum import data_sum
from .._headers._encoded_hdu import EncodedHdu
from .._headers._hint_cards import WcsCards, date_card, fits_unit, hint_cards
from .._headers._odd_cards import header_bytes
from .._tiles._dither import RANDOM_SIZE
from .._tiles._smallest import smallest_algorithm
from .._tiles._tile_writer import compress_image
from ._index_block import PRIMARY_SIZE_CARD, PRIMARY_SUM_CARD
from ._layout import FORMAT_VERSION, INDEX_EXTNAME, JSON_COLUMN, JSON_EXTNAME, ExtensionKey, PointerModel
from ._passthrough_hdus import FitsOpaqueMetadata, PrecompressedImage, suppress_fits_card_warnings

COMMON_PLANES = frozenset({"image", "mask", "variance"})
"""Names of compression options that are accepted for objects without these planes."""


class FitsOutputArchive(OutputArchive):
    """An archive that is written to a FITS file.

    Parameters
    ----------
    stream
        Empty, seekable binary stream.
    passthrough
        Passthrough metadata of the object; of other containers, only FITS
        cards are used.
    compression_options
        Options by name, usually the path of the array; `None` disables the
        compression of an array.
    compression_seed
        Seed for dithering of arrays whose options have none; incremented with
        each use.
    update_header
        Function that is called with the primary header before it is written.
    primary_cards
        Additional cards of the primary header.
    checksum
        Whether to write ``CHECKSUM`` and ``DATASUM``.
    threads
        Number of threads for compression; by default `default_threads`.
    """

    CONTAINER = "fits"

    def __init__(
        self,
        stream: IO[bytes],
        *,
        passthrough: Any,
        compression_options: Mapping[str, FitsCompressionOptions | None] | None,
        compression_seed: int | None,
        update_header: Callable[[astropy.io.fits.Header], None] | None,
        primary_cards: Mapping[str, Any] | None,
        checksum: bool,
        threads: int | None,
    ) -> None:
        super().__init__()
        self._stream = stream
        self._passthrough = FitsOpaqueMetadata.from_passthrough(passthrough)
        self._options = dict(compression_options or {})
        self._used_options: set[str] = set()
        self._seed = compression_seed
        self._checksum = checksum
        self._threads = threads
        # Reserved; an array with one of these names is written with another EXTVER.
        self._uses.update({JSON_EXTNAME: 1, INDEX_EXTNAME: 1})
        self._wcs_cards = WcsCards()
        self._date = date_card()
        self._targets: list[pydantic.BaseModel] = []
        self._index: list[tuple[Any, ...]] = []
        self._extra = self._user_cards(primary_cards or {}, update_header)
        self._schema_url = ""
        # Written again in finish(), with the addresses.
        self._primary_size = self._stream.write(self._primary_header())
        self._index.append(("", 1, "IMAGE", False, 0, self._primary_size, 0, (), ()))

    @classmethod
    def create(
        cls,
        stream: IO[bytes],
        *,
        passthrough: Any = None,
        compression_options: Mapping[str, FitsCompressionOptions | None] | None = None,
        compression_seed: int | None = None,
        update_header: Callable[[astropy.io.fits.Header], None] | None = None,
        primary_cards: Mapping[str, Any] | None = None,
        checksum: bool = True,
        threads: int | None = None,
        **options: Any,
    ) -> Self:
        if options:
            raise InvalidArgumentError(
                f"The fits container does not support the options {sorted(options)}; it supports "
                "compression_options, compression_seed, update_header, primary_cards, checksum and threads."
            )
        return cls(
            stream,
            passthrough=passthrough,
            compression_options=compression_options,
            compression_seed=compression_seed,
            update_header=update_header,
            primary_cards=primary_cards,
            checksum=checksum,
            threads=threads,
        )

    def finish(self, tree: ArchiveTree) -> None:
        if unused := self._options.keys() - self._used_options - COMMON_PLANES:
            raise InvalidArgumentError(
                f"compression_options has unknown names {sorted(unused)}; the arrays are "
                f"{sorted(self._used_options)}."
            )
        rows = [target.model_dump_json().encode() for target in (tree, *self._targets)]
        json_address = self._stream.tell()
        json_size = self._append(encode_byte_rows(JSON_COLUMN, rows), ExtensionKey(JSON_EXTNAME), ())
        index = encode_table(self._index_table())
        cards: list[CardLike] = [("EXTNAME", INDEX_EXTNAME, ""), self._date]
        index_size = index.size([*cards, *self._primary_sums(b"")], checksum=self._checksum)
        header = self._primary_header(
            json_address + json_size, index_size, json_address, json_size, schema_url=tree.SCHEMA_URL
        )
        index.write(self._stream, [*cards, *self._primary_sums(header)], checksum=self._checksum)
        self._stream.seek(0)
        if len(header) != self._primary_size:
            raise ArchiveWriteError("The size of the primary header changed while the file was written.")
        self._stream.write(header)

    # The primary header.

    def _primary_header(
        self,
        index_address: int = 0,
        index_size: int = 0,
        json_address: int = 0,
        json_size: int = 0,
        schema_url: str = "",
    ) -> bytes:
        cards: list[CardLike] = [
            ("FMTVER", FORMAT_VERSION, "Version of the layout of this file"),
            ("INDXADDR", index_address, "Address of the HDU INDEX"),
            ("INDXSIZE", index_size, "Bytes in the HDU INDEX"),
            ("JSONADDR", json_address, "Address of the HDU JSON"),
            ("JSONSIZE", json_size, "Bytes in the HDU JSON"),
            *self._extra,
            self._date,
            # Padded, so that the size of the header does not depend on the schema.
            ("DATAMODL", f"{schema_url:<{SCHEMA_WIDTH}}", ""),
        ]
        return encode_primary().header(cards, checksum=False)

    def _primary_sums(self, header: bytes) -> list[CardLike]:
        """Return the cards of ``INDEX`` about the primary header."""
        if not self._checksum:
            return []
        return [
            (PRIMARY_SIZE_CARD, find_end(header) // CARD_SIZE, "cards before END of the primary header"),
            (PRIMARY_SUM_CARD, data_sum(header), "checksum of the primary header"),
        ]

    def _user_cards(
        self, cards: Mapping[str, Any], update: Callable[[astropy.io.fits.Header], None] | None
    ) -> list[CardLike]:
        opaque = None if self._passthrough is None else self._passthrough.header(ExtensionKey())
        if update is None:
            found: list[CardLike] = [] if opaque is None else [header_bytes(opaque)]
            return found + [(key.removeprefix("HIERARCH "), value) for key, value in cards.items()]
        with suppress_fits_card_warnings():
            header = astropy.io.fits.Header() if opaque is None else opaque.copy()
            header.update(cards)
            update(header)
            header.remove("DATE", ignore_missing=True)
        return [header_bytes(header)]

    # Abstract methods of the base class.

    def _write_array(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        hints: ArrayHints,
        tile_shape: tuple[int, ...] | None,
        options_name: str,
    ) -> ArrayReferenceModel:
        key = ExtensionKey(path.upper(), version).check()
        try:
            datatype = NumberType.from_numpy(array.dtype)
        except ValueError as err:
            raise ArchiveWriteError(f"Array {short_repr(path)}: {err}") from err
        options = self._take_options(options_name)
        precompressed = (
            None if self._passthrough is None else self._passthrough.maybe_use_precompressed(key.name)
        )
        if precompressed is not None and version == 1:
            hdu = _repeat(precompressed)
        else:
            # FITS images do not support booleans; the tree contains the type.
            pixels = array.view(np.uint8) if datatype is NumberType.bool else array
            hdu = self._encode(pixels, options, tile_shape)
        self._append(hdu, key, hint_cards(hints, self._wcs_cards))
        return ArrayReferenceModel(source=str(key), shape=array.shape, datatype=datatype)

    def _write_columns(
        self,
        array: np.ndarray,
        path: str,
        version: int,
        *,
        units: Mapping[str, u.UnitBase | None],
        descriptions: Mapping[str, str],
        meta: Mapping[str, Any],
    ) -> TableModel:
        key = ExtensionKey(path.upper(), version).check()
        model = TableModel.from_structured_array(
            array, source=f"{key}[{{}}]", units=units, descriptions=descriptions, meta=meta
        )
        fits_units = {name: fits_unit(unit) for name, unit in units.items() if unit is not None}
        self._append(encode_table(array, units=fits_units, comments=dict(descriptions)), key, ())
        return model

    def _write_pointer(self, path: str, tree: pydantic.BaseModel) -> Pointer:
        self._targets.append(tree)
        size = len(tree.model_dump_json().encode())
        reference = ArrayReferenceModel(
            source=f"fits:{JSON_EXTNAME}[1]", shape=(size,), datatype=NumberType.uint8
        )
        column = TableColumnModel(data=reference, name=JSON_COLUMN)
        return Pointer(PointerModel(column=column, row=len(self._targets)).model_dump(mode="json"))

    # Helpers.

    def _take_options(self, name: str) -> FitsCompressionOptions | None:
        self._used_options.add(name)
        options = self._options.get(name, FitsCompressionOptions.DEFAULT)
        if options is not None and not isinstance(options, FitsCompressionOptions):
            raise InvalidArgumentError(
                f"The compression options of {short_repr(name)} must be FitsCompressionOptions or None; "
                f"got {options!r:.80}."
            )
        return options

    def _encode(
        self, array: np.ndarray, options: FitsCompressionOptions | None, tile_shape: tuple[int, ...] | None
    ) -> EncodedHdu:
        if options is None:
            return encode_image(array)
        tile_shape = options.tile_shape or tile_shape
        if tile_shape is not None and len(tile_shape) != array.ndim:
            raise InvalidArgumentError(
                f"tile_shape={tile_shape} is invalid for an array of shape {array.shape}; "
                "it must have one number per axis."
            )
        lossy = self._lossy_options(options.quantization)
        algorithm = options.algorithm.value
        if options.algorithm is FitsCompressionAlgorithm.SMALLEST:
            algorithm = smallest_algorithm(array, **{k: v for k, v in lossy.items() if k != "seed"})
        return compress_image(
            array, algorithm=algorithm, tile_shape=tile_shape, threads=self._threads, **lossy
        )

    def _lossy_options(self, quantization: FitsQuantizationOptions | None) -> dict[str, Any]:
        if quantization is None:
            return {}
        return {
            "quantize_level": quantization.level,
            "dither": quantization.dither.value,
            "seed": self._next_seed(quantization.seed),
        }

    def _next_seed(self, seed: int | None) -> int:
        """Return the seed for an array, and increment that of the archive if it is used."""
        if seed:
            return seed
        if self._seed is None:
            if seed is None:
                raise ArchiveWriteError(
                    "No quantization seed provided: give compression_seed (1 to 10000), "
                    "or a seed in the options."
                )
            return seed
        current = self._seed
        self._seed = current % RANDOM_SIZE + 1
        return current

    def _append(self, hdu: EncodedHdu, key: ExtensionKey, cards: Any) -> int:
        names: list[CardLike] = [("EXTNAME", key.name, "")]
        if key.ver > 1:
            names.append(("EXTVER", key.ver, ""))
        opaque = None if self._passthrough is None else self._passthrough.header(key)
        kept: list[CardLike] = [] if opaque is None else [header_bytes(opaque)]
        if (update := self._header_update) is not None:
            self._header_update = None
            with suppress_fits_card_warnings():
                header = astropy.io.fits.Header()
                update(header)
            kept.append(header_bytes(header))
        address = self._stream.tell()
        size = hdu.write(self._stream, [*names, *cards, *kept, self._date], checksum=self._checksum)
        kind = dict(card[:2] for card in hdu.cards if not isinstance(card, bytes))
        is_table = str(kind.get("XTENSION", "")).strip() == "BINTABLE"
        self._index.append(
            (
                key.name,
                key.ver,
                "BINTABLE" if is_table else "IMAGE",
                bool(kind.get("ZIMAGE", False)),
                address,
                address + size - hdu.data_size,
                hdu.data_size,
                # Readers of remote files locate the tiles of a box before they have the tile table.
                hdu.tile[::-1],
                hdu.tile_bytes(),
            )
        )
        return size

    def _index_table(self) -> np.ndarray:
        width = max(len(row[0]) for row in self._index)
        return np.array(
            [(*row[:-2], np.array(row[-2], "i4"), np.array(row[-1], "i4")) for row in self._index],
            dtype=[
                ("EXTNAME", f"S{width}"),
                ("EXTVER", "i4"),
                ("XTENSION", "S8"),
                ("ZIMAGE", "?"),
                ("HDRADDR", "i8"),
                ("DATADDR", "i8"),
                ("DATSIZE", "i8"),
                ("ZTILE", "O"),
                ("ZBYTES", "O"),
            ],
        )


SCHEMA_WIDTH = 68
"""Number of characters of the schema URL that fit into one card."""


def _repeat(image: PrecompressedImage) -> EncodedHdu:
    """Return the HDU of a precompressed image."""
    sizes = dict(card[:2] for card in image.columns)
    cards: list[CardLike] = [
        ("XTENSION", "BINTABLE", "binary table extension"),
        ("BITPIX", 8, ""),
        ("NAXIS", 2, ""),
        ("NAXIS1", sizes.pop("NAXIS1"), "bytes in a row"),
        ("NAXIS2", sizes.pop("NAXIS2"), "rows"),
        ("PCOUNT", sizes.pop("PCOUNT"), "bytes in the heap"),
        ("GCOUNT", 1, ""),
        ("TFIELDS", sizes.pop("TFIELDS"), "columns"),
        *(card for card in image.columns if card[0] in sizes),
        *image.cards,
    ]
    return EncodedHdu(cards, [image.data])
