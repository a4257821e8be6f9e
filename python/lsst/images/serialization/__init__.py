# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Archives, trees and the JSON forms of arrays, tables and units.

This package does not depend on containers or image types: containers implement
`InputArchive` and `OutputArchive`, and models of types subclass `ArchiveTree`.
"""

from __future__ import annotations

from .._aliases import moved_names
from ..errors import (
    ArchiveAccessRequiredError,
    ArchiveReadError,
    DevelopmentSchemaWarning,
    FrozenSchemaError,
    InvalidComponentError,
    InvalidParameterError,
    UnitConversionError,
    UnsupportedTableError,
)
from ._archive_names import tree_class_for_info
from ._arrays import (
    AnyArrayModel,
    ArrayModel,
    ArrayReferenceModel,
    ArrayReferenceQuantityModel,
    InlineArray,
    InlineArrayModel,
    InlineArrayQuantity,
    InlineArrayQuantityModel,
    split_quantity,
)
from ._attachments import (
    NO_ATTACHMENTS,
    Attachments,
    PassthroughMetadata,
    attach,
    attach_from,
    attachments_of,
)
from ._butler_info import ButlerInformation
from ._component import ComponentReader, component
from ._development import iter_trees, warn_for_development_schemas
from ._external_metadata import (
    NO_EXTERNAL_METADATA,
    EmptyExternalMetadata,
    ExternalMetadata,
    ExternalMetadataValue,
)
from ._fields import JsonRef, MetadataValue, Pointer, omit_if_empty, omit_if_none
from ._frozen import (
    available_schema_classes,
    check_frozen_schemas,
    dump_schema,
    frozen_schema_filename,
    frozen_schema_path,
    schema_dependencies,
    write_frozen_schemas,
)
from ._hints import NO_HINTS, ArrayHints
from ._input_archive import ArchiveInfo, DetachedArchive, InputArchive
from ._metadata_view import MetadataView, NativeMetadata, native_metadata
from ._migrations import is_development_version, parse_schema_url
from ._numbers import (
    FloatType,
    IntegerType,
    NumberType,
    SignedIntegerType,
    UnsignedIntegerType,
    is_integer,
)
from ._options import (
    FitsCompressionAlgorithm,
    FitsCompressionOptions,
    FitsDitherAlgorithm,
    FitsQuantizationOptions,
)
from ._output_archive import NestedOutputArchive, OutputArchive
from ._polymorphic import Polymorphic, UnreadableTree
from ._registration import (
    class_for_schema,
    migration,
    no_header_updates,
    parameterize_tree,
    public_type_for_schema,
    register_schema_class,
)
from ._tables import TableColumnModel, TableModel
from ._tree import SCHEMA_URL_BASE, ArchiveTree
from ._units import (
    Quantity,
    QuantityModel,
    Time,
    TimeModel,
    Unit,
    format_unit,
    parse_unit,
)

__all__ = (
    "NO_ATTACHMENTS",
    "NO_EXTERNAL_METADATA",
    "NO_HINTS",
    "SCHEMA_URL_BASE",
    "AnyArrayModel",
    "ArchiveAccessRequiredError",
    "ArchiveInfo",
    "ArchiveReadError",
    "ArchiveTree",
    "ArrayHints",
    "ArrayModel",
    "ArrayReferenceModel",
    "ArrayReferenceQuantityModel",
    "Attachments",
    "PassthroughMetadata",
    "attach",
    "attach_from",
    "attachments_of",
    "ButlerInformation",
    "ComponentReader",
    "DetachedArchive",
    "DevelopmentSchemaWarning",
    "EmptyExternalMetadata",
    "ExternalMetadata",
    "ExternalMetadataValue",
    "FitsCompressionAlgorithm",
    "FitsCompressionOptions",
    "FitsDitherAlgorithm",
    "FitsQuantizationOptions",
    "FloatType",
    "FrozenSchemaError",
    "InlineArray",
    "InlineArrayModel",
    "InlineArrayQuantity",
    "InlineArrayQuantityModel",
    "InputArchive",
    "IntegerType",
    "InvalidComponentError",
    "InvalidParameterError",
    "JsonRef",
    "MetadataValue",
    "MetadataView",
    "NativeMetadata",
    "NestedOutputArchive",
    "NumberType",
    "OutputArchive",
    "Pointer",
    "Polymorphic",
    "Quantity",
    "QuantityModel",
    "SignedIntegerType",
    "TableColumnModel",
    "TableModel",
    "Time",
    "TimeModel",
    "Unit",
    "UnitConversionError",
    "UnreadableTree",
    "UnsignedIntegerType",
    "UnsupportedTableError",
    "available_schema_classes",
    "check_frozen_schemas",
    "class_for_schema",
    "component",
    "dump_schema",
    "format_unit",
    "frozen_schema_filename",
    "frozen_schema_path",
    "is_development_version",
    "is_integer",
    "iter_trees",
    "migration",
    "native_metadata",
    "no_header_updates",
    "omit_if_empty",
    "omit_if_none",
    "parameterize_tree",
    "parse_schema_url",
    "parse_unit",
    "public_type_for_schema",
    "register_schema_class",
    "schema_dependencies",
    "split_quantity",
    "tree_class_for_info",
    "warn_for_development_schemas",
    "write_frozen_schemas",
)

__getattr__ = moved_names(__name__)
