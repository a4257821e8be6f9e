/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Sorting of the bytes of numbers by significance, and assembly of numbers from
 * them (GZIP_2; FITS Standard 4.0, section 10.4.2).
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

/* Split a row of numbers into bytes, most significant first; those of one significance are consecutive. */
INLINE void split(const void *numbers, Py_ssize_t count, uint8_t *out, int width)
{
    for (int k = 0; k < width; k++) {
        const int shift = 8 * (width - 1 - k);
        for (Py_ssize_t i = 0; i < count; i++) {
            const uint64_t number = width == 2   ? ((const uint16_t *)numbers)[i]
                                    : width == 4 ? ((const uint32_t *)numbers)[i]
                                                 : ((const uint64_t *)numbers)[i];
            out[k * count + i] = (uint8_t)(number >> shift);
        }
    }
}

MULTIVERSIONED
static void split_row(const void *numbers, Py_ssize_t count, uint8_t *out, Py_ssize_t width)
{
    switch (width) {
    case 2:
        split(numbers, count, out, 2);
        break;
    case 4:
        split(numbers, count, out, 4);
        break;
    default:
        split(numbers, count, out, 8);
    }
}

PyObject *shuffle(PyObject *module, PyObject *args)
{
    PyObject *numbers, *out;
    Part part;
    if (!PyArg_ParseTuple(args, "OO", &numbers, &out) || !get_buffer(&part[NUMBERS], numbers, "hHiIlLqQfd", 2, 0)) {
        return NULL;
    }
    if (!get_buffer(&part[BYTES], out, "B", 3, 1)) {
        PyBuffer_Release(&part[NUMBERS]);
        return NULL;
    }
    const Py_buffer *from = &part[NUMBERS], *to = &part[BYTES];
    if (!shapes_match(part) || to->strides[1] != to->shape[2]) {
        PyErr_SetString(PyExc_ValueError, "The array of bytes must be contiguous, with the shape of the numbers, and their size in bytes inserted as second axis.");
    } else {
        Py_BEGIN_ALLOW_THREADS
        for (Py_ssize_t t = 0; t < from->shape[0]; t++) {
            split_row((const char *)from->buf + t * from->strides[0], from->shape[1],
                      (uint8_t *)to->buf + t * to->strides[0], from->itemsize);
        }
        Py_END_ALLOW_THREADS
    }
    release_buffers(part, ARRAYS);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}
