/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Pixel loops of the tile codecs.  For each function there is a Python
 * implementation with bit-identical pixels, which is used if this module could
 * not be compiled.
 *
 * Each function processes a batch of tiles, and releases the GIL once.
 */
#include "_tile_loops.h"

#include <string.h>

int get_buffer(Py_buffer *view, PyObject *array, const char *types, int ndim, int writable)
{
    if (PyObject_GetBuffer(array, view, writable ? PyBUF_RECORDS : PyBUF_RECORDS_RO) < 0) {
        return 0;
    }
    const int last = view->ndim - 1;
    if (last >= 0 && (view->ndim == ndim || ndim == ANY) && strlen(view->format) == 1 &&
        strchr(types, view->format[0]) && (view->shape[last] <= 1 || view->strides[last] == view->itemsize)) {
        return 1;
    }
    PyErr_Format(PyExc_ValueError, "Array of type '%s' with %d dimensions is not supported: the type must be one of '%s', "
                 "the last axis contiguous, and the number of dimensions %d (0: any).", view->format, view->ndim, types, ndim);
    PyBuffer_Release(view);
    return 0;
}

void release_buffers(Py_buffer *views, Py_ssize_t count)
{
    while (count > 0) {
        PyBuffer_Release(&views[--count]);
    }
}

static PyMethodDef methods[] = {
    {"rice_decode", rice_decode, METH_VARARGS,
     "rice_decode(tiles, out, block)\n--\n\n"
     "Decode Rice-compressed tiles into the rows of an array; return the number of tiles before the first "
     "damaged one."},
    {"dequantize", dequantize, METH_VARARGS,
     "dequantize(values, out, scale, zero, blank, zeros, random, seed, start, step)\n--\n\n"
     "Convert quantized integers to floating-point pixels."},
    {"deflate", deflate, METH_VARARGS,
     "deflate(planes)\n--\n\n"
     "Compress each row of bytes as one deflate block with runs and a Huffman code; return the stream."},
    {"quantize", quantize, METH_VARARGS,
     "quantize(pixels, out, scale, zero, random, seed, zeros, blank)\n--\n\n"
     "Convert floating-point pixels to quantized integers, except tiles of scale 0."},
    {"row_medians", row_medians, METH_VARARGS,
     "row_medians(stack, out)\n--\n\n"
     "Compute the medians of absolute differences of second, third and fifth order along each row; NaN without "
     "any."},
    {"shuffle", shuffle, METH_VARARGS,
     "shuffle(numbers, out)\n--\n\n"
     "Sort the bytes of numbers by significance."},
    {"unshuffle", unshuffle, METH_VARARGS,
     "unshuffle(parts)\n--\n\n"
     "Assemble numbers from bytes that are sorted by significance."},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef_Slot slots[] = {
#ifdef Py_mod_gil
    /* The functions have no shared state. */
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_tile_loops", .m_doc = "Pixel loops of the tile codecs.", .m_size = 0,
    .m_methods = methods, .m_slots = slots,
};

PyMODINIT_FUNC PyInit__tile_loops(void)
{
    return PyModuleDef_Init(&definition);
}
