# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Texts of AST objects, checked before AST sees them.

The library does not survive every damage that a file can have.  Whoever hands
it a text from outside asks `check_ast_text` first.
"""

from __future__ import annotations

__all__ = ("check_ast_text",)

from ._check import check_ast_text
