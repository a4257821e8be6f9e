/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Loops over pixels for which numpy needs many.  Each has a twin in Python that
 * gives the same bits, and does the work where this could not be compiled.
 *
 * Each function takes a batch of tiles, and leaves the interpreter lock once.
 */
#include "_tile_loops.h"

#include <string.h>

int borrow(Py_buffer *view, PyObject *array, const char *types, int ndim, int writable)
{
    if (PyObject_GetBuffer(array, view, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO) < 0) {
        return 0;
    }
    const int last = view->ndim - 1;
    if (last >= 0 && (view->ndim == ndim || ndim == ANY) && strlen(view->format) == 1 &&
        strchr(types, view->format[0]) && (view->shape[last] <= 1 || view->strides[last] == view->itemsize)) {
        return 1;
    }
    PyErr_Format(PyExc_ValueError, "An array has type %s and %d dimensions; it must be one of %s, with its last axis "
                 "contiguous, and %d dimensions (0: any).", view->format, view->ndim, types, ndim);
    PyBuffer_Release(view);
    return 0;
}

void release(Py_buffer *views, Py_ssize_t count)
{
    while (count > 0) {
        PyBuffer_Release(&views[--count]);
    }
}

static PyMethodDef methods[] = {
    {"rice_decode", rice_decode, METH_VARARGS,
     "rice_decode(tiles, out, block)\n--\n\n"
     "Decode tiles into the rows of an array; return how many were good before the first damaged one."},
    {"dequantize", dequantize, METH_VARARGS,
     "dequantize(values, out, scale, zero, blank, zeros, random, seed, start, step)\n--\n\n"
     "Turn quantized integers back into floating-point pixels."},
    {"unshuffle", unshuffle, METH_VARARGS,
     "unshuffle(parts)\n--\n\n"
     "Put bytes that were sorted by significance back into numbers."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_tile_loops", .m_doc = "Loops over pixels.", .m_size = 0, .m_methods = methods,
};

PyMODINIT_FUNC PyInit__tile_loops(void)
{
    return PyModuleDef_Init(&definition);
}
