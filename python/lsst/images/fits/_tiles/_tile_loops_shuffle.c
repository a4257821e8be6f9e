/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Bytes sorted by significance to numbers (GZIP_2; FITS Standard 4.0, section 10.4.2).
 */
#include "_tile_loops.h"

/* What `unshuffle` borrows for each part: bytes, most significant first on the second axis, and the numbers. */
enum { BYTES, NUMBERS, ARRAYS };
typedef Py_buffer Part[ARRAYS];

/* Put the bytes of a row of pixels together, `apart` bytes from one to the next less significant one. */
TEMPLATE void join(const uint8_t *bytes, Py_ssize_t apart, void *out, Py_ssize_t count, int width)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        uint64_t number = 0;
        for (int k = 0; k < width; k++) {
            number = number << 8 | bytes[k * apart + i];
        }
        put(out, i, number, width);
    }
}

FOR_EACH_PROCESSOR
static void join_row(const uint8_t *bytes, Py_ssize_t apart, void *out, Py_ssize_t count, Py_ssize_t width)
{
    switch (width) {
    case 2:
        join(bytes, apart, out, count, 2);
        break;
    case 4:
        join(bytes, apart, out, count, 4);
        break;
    default:
        join(bytes, apart, out, count, 8);
    }
}

/* Go down to the rows, axis by axis. */
static void join_rows(const Py_buffer *part, int axis, const char *bytes, char *out)
{
    const Py_buffer *from = &part[BYTES], *to = &part[NUMBERS];
    if (axis == to->ndim - 1) {
        join_row((const uint8_t *)bytes, from->strides[1], out, to->shape[axis], to->itemsize);
        return;
    }
    for (Py_ssize_t i = 0; i < to->shape[axis]; i++) {
        join_rows(part, axis + 1, bytes, out);
        bytes += from->strides[axis ? axis + 1 : 0];
        out += to->strides[axis];
    }
}

static int fits(const Py_buffer *part)
{
    const Py_buffer *from = &part[BYTES], *to = &part[NUMBERS];
    if (from->ndim != to->ndim + 1 || to->ndim < 2 || from->shape[1] != to->itemsize ||
        from->shape[0] != to->shape[0]) {
        return 0;
    }
    for (int axis = 1; axis < to->ndim; axis++) {
        if (from->shape[axis + 1] != to->shape[axis]) {
            return 0;
        }
    }
    return 1;
}

/* Borrow both arrays of a pair. */
static int borrow_part(Py_buffer *part, PyObject *pair)
{
    PyObject *bytes, *out;
    if (!PyTuple_Check(pair)) {
        PyErr_SetString(PyExc_TypeError, "A part is a pair of arrays.");
        return 0;
    }
    if (!PyArg_ParseTuple(pair, "OO", &bytes, &out) || !borrow(&part[BYTES], bytes, "B", ANY, 0)) {
        return 0;
    }
    if (!borrow(&part[NUMBERS], out, "hHiIlLqQfd", ANY, 1)) {
        PyBuffer_Release(&part[BYTES]);
        return 0;
    }
    if (!fits(part)) {
        PyErr_SetString(PyExc_ValueError, "Bytes must have the shape of the numbers, and their size as second axis.");
        release(part, ARRAYS);
        return 0;
    }
    return 1;
}

PyObject *unshuffle(PyObject *module, PyObject *args)
{
    PyObject *pairs;
    if (!PyArg_ParseTuple(args, "O!", &PyList_Type, &pairs)) {
        return NULL;
    }
    const Py_ssize_t count = PyList_GET_SIZE(pairs);
    Py_ssize_t borrowed = 0;
    Part *parts = PyMem_Calloc(count ? count : 1, sizeof(Part));
    if (!parts) {
        return PyErr_NoMemory();
    }
    while (borrowed < count && borrow_part(parts[borrowed], PyList_GET_ITEM(pairs, borrowed))) {
        borrowed++;
    }
    if (borrowed == count) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            join_rows(parts[i], 0, parts[i][BYTES].buf, parts[i][NUMBERS].buf);
        }
        Py_END_ALLOW_THREADS
    }
    release(parts[0], ARRAYS * borrowed);
    PyMem_Free(parts);
    if (borrowed < count) {
        return NULL;
    }
    Py_RETURN_NONE;
}
