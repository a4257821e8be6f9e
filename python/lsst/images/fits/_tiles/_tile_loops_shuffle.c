/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Assembly of numbers from bytes that are sorted by significance (GZIP_2;
 * FITS Standard 4.0, section 10.4.2).
 */
#include "_tile_loops.h"

/* Buffers of each part: the bytes (second axis: most significant byte first), and the numbers. */
enum { BYTES, NUMBERS, ARRAYS };
typedef Py_buffer Part[ARRAYS];

/* Assemble a row of numbers; the bytes of one number are `stride` bytes apart. */
INLINE void join(const uint8_t *bytes, Py_ssize_t stride, void *out, Py_ssize_t count, int width)
{
    for (Py_ssize_t i = 0; i < count; i++) {
        uint64_t number = 0;
        for (int k = 0; k < width; k++) {
            number = number << 8 | bytes[k * stride + i];
        }
        store(out, i, number, width);
    }
}

MULTIVERSIONED
static void join_row(const uint8_t *bytes, Py_ssize_t stride, void *out, Py_ssize_t count, Py_ssize_t width)
{
    switch (width) {
    case 2:
        join(bytes, stride, out, count, 2);
        break;
    case 4:
        join(bytes, stride, out, count, 4);
        break;
    default:
        join(bytes, stride, out, count, 8);
    }
}

/* Recurse over the axes down to single rows. */
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

static int shapes_match(const Py_buffer *part)
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

/* Get the buffers of a pair of arrays. */
static int get_part(Py_buffer *part, PyObject *pair)
{
    PyObject *bytes, *out;
    if (!PyTuple_Check(pair)) {
        PyErr_SetString(PyExc_TypeError, "Each part must be a tuple of two arrays.");
        return 0;
    }
    if (!PyArg_ParseTuple(pair, "OO", &bytes, &out) || !get_buffer(&part[BYTES], bytes, "B", ANY, 0)) {
        return 0;
    }
    if (!get_buffer(&part[NUMBERS], out, "hHiIlLqQfd", ANY, 1)) {
        PyBuffer_Release(&part[BYTES]);
        return 0;
    }
    if (!shapes_match(part)) {
        PyErr_SetString(PyExc_ValueError, "The array of bytes must have the shape of the numbers, with their size in bytes inserted as second axis.");
        release_buffers(part, ARRAYS);
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
    const Py_ssize_t count = PyList_Size(pairs);
    Py_ssize_t ready = 0;
    Part *parts = PyMem_Calloc(count ? count : 1, sizeof(Part));
    if (!parts) {
        return PyErr_NoMemory();
    }
    while (ready < count && get_part(parts[ready], PyList_GetItem(pairs, ready))) {
        ready++;
    }
    if (ready == count) {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t i = 0; i < count; i++) {
            join_rows(parts[i], 0, parts[i][BYTES].buf, parts[i][NUMBERS].buf);
        }
        Py_END_ALLOW_THREADS
    }
    release_buffers(parts[0], ARRAYS * ready);
    PyMem_Free(parts);
    if (ready < count) {
        return NULL;
    }
    Py_RETURN_NONE;
}
