/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Declarations shared by the C sources of this module.
 */
#ifndef LSST_IMAGES_TILE_LOOPS_H
#define LSST_IMAGES_TILE_LOOPS_H

/* Py_LIMITED_API is defined by setup.py. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
/* Compile a second version for x86-64-v3 (processors since about 2015), which counts leading zeros and converts
   numbers in fewer instructions.  The version is selected at run time. */
#define MULTIVERSIONED __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define MULTIVERSIONED
#endif

/* Always inlined, so that arguments which are constant in the caller become constants here. */
#define INLINE static inline __attribute__((always_inline))

/* Store a number of 1, 2, 4 or 8 bytes. */
INLINE void store(void *out, size_t i, uint64_t number, int width)
{
    if (width == 1) {
        ((uint8_t *)out)[i] = (uint8_t)number;
    } else if (width == 2) {
        ((uint16_t *)out)[i] = (uint16_t)number;
    } else if (width == 4) {
        ((uint32_t *)out)[i] = (uint32_t)number;
    } else {
        ((uint64_t *)out)[i] = number;
    }
}

/* Value of `ndim` that accepts any number of dimensions. */
enum { ANY = 0 };

/* Get the buffer of an array whose last axis is contiguous and whose type is one of `types` (format characters of
   the module struct).  Return 1, or 0 with an exception set. */
int get_buffer(Py_buffer *view, PyObject *array, const char *types, int ndim, int writable);

/* Release the first `count` buffers. */
void release_buffers(Py_buffer *views, Py_ssize_t count);

/* Functions of the module; each is defined in its own file. */
PyObject *deflate(PyObject *module, PyObject *args);
PyObject *dequantize(PyObject *module, PyObject *args);
PyObject *quantize(PyObject *module, PyObject *args);
PyObject *rice_decode(PyObject *module, PyObject *args);
PyObject *row_medians(PyObject *module, PyObject *args);
PyObject *shuffle(PyObject *module, PyObject *args);
PyObject *unshuffle(PyObject *module, PyObject *args);

#endif
