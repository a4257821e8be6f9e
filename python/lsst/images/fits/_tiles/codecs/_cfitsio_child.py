# This file is part of lsst-images.
# Licensed under the BSD 3-Clause License; see LICENSE.
"""Program of the child process: read paths from standard input, write pixels to standard output.

For every path the answer is a line with the number of bytes and then the
pixels, or a line with an error message.  `_cfitsio_process` starts the program
by its path, so that only numpy and fitsio are imported.
"""

from __future__ import annotations

__all__ = ("main",)

import os
import sys


def main() -> None:
    """Decode files until standard input is closed."""
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # messages of libraries must not mix with the pixels
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    except (ImportError, OSError, ValueError):
        pass
    import fitsio

    for line in sys.stdin.buffer:
        try:
            pixels = fitsio.read(os.fsdecode(line[:-1]), ext=1)
        except Exception as err:  # the message is passed on, whatever the error is
            output.write(f"{type(err).__name__}: {err}".replace("\n", " ").encode() + b"\n")
        else:
            data = pixels.astype(pixels.dtype.newbyteorder("="), order="C", copy=False)
            output.write(b"%d\n" % data.nbytes + data.tobytes())
        output.flush()


if __name__ == "__main__":
    main()
