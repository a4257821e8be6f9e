# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Validation of the native text of AST objects.

The AST library may crash on malformed text.  Text from files must be validated
with `check_ast_text` before it is passed to AST.
"""

from __future__ import annotations

__all__ = ("check_ast_text",)

from ._check import check_ast_text
