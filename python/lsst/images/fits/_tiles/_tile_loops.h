/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * What the loops over pixels in C share.
 */
#ifndef LSST_IMAGES_TILE_LOOPS_H
#define LSST_IMAGES_TILE_LOOPS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12
/* Processors since about 2015 count zeros and convert numbers in fewer steps; whether it is one turns out at run
   time.  (The name of one model would leave out all others, of which the same is true.) */
#define FOR_EACH_PROCESSOR __attribute__((target_clones("arch=x86-64-v3", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif

/* Some arguments of these are constants wherever they are called. */
#define TEMPLATE static inline __attribute__((always_inline))

/* Store a number of 1, 2, 4 or 8 bytes. */
TEMPLATE void put(void *out, size_t i, uint64_t number, int width)
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

/* Any number of dimensions will do. */
enum { ANY = 0 };

/* Borrow an array whose last axis is contiguous, of some type (letters of the module struct); 0 for an error. */
int borrow(Py_buffer *view, PyObject *array, const char *types, int ndim, int writable);

/* Give back what was borrowed first. */
void release(Py_buffer *views, Py_ssize_t count);

/* Functions of the module, each in a file of its own. */
PyObject *dequantize(PyObject *module, PyObject *args);
PyObject *rice_decode(PyObject *module, PyObject *args);
PyObject *unshuffle(PyObject *module, PyObject *args);

#endif
