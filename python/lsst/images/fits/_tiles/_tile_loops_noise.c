/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Noise of each row of a tile, from medians of absolute differences between
 * neighbouring pixels (Stoehr et al. 2007; Pence et al. 2009).
 */
#include "_tile_loops.h"

#include <math.h>
#include <string.h>

/* Number of pixels in a fifth-order difference, and orders of differences: second, third and fifth. */
enum { SPAN = 9, ORDERS = 3 };

/* Return whether a row has NaN pixels, or neighbours that are equal. */
MULTIVERSIONED
static int has_holes_or_runs(const float *x, Py_ssize_t length)
{
    int found = 0;
    for (Py_ssize_t i = 0; i + 1 < length; i++) {
        found |= (x[i] == x[i + 1]) | (x[i] != x[i]);
    }
    return found | (x[length - 1] != x[length - 1]);
}

/* Compute differences in the order of operations of the reference implementation (CFITSIO). */
MULTIVERSIONED
static void subtract(const float *x, Py_ssize_t count, int order, float *out)
{
    if (order == 0) {
        for (Py_ssize_t i = 0; i < count; i++) {
            out[i] = fabsf(x[i + 4] - x[i + 6]);
        }
    } else if (order == 1) {
        for (Py_ssize_t i = 0; i < count; i++) {
            out[i] = fabsf(2 * x[i + 4] - x[i + 2] - x[i + 6]);
        }
    } else {
        for (Py_ssize_t i = 0; i < count; i++) {
            out[i] = fabsf(6 * x[i + 4] - 4 * x[i + 2] - 4 * x[i + 6] + x[i] + x[i + 8]);
        }
    }
}

/* Remove differences that are NaN, and those of constant runs; return the new count. */
static Py_ssize_t remove_holes_and_runs(const float *x, Py_ssize_t count, int order, float *differences)
{
    Py_ssize_t kept = 0;
    for (Py_ssize_t i = 0; i < count; i++, x++) {
        int constant = x[4] == x[5] && x[5] == x[6];
        if (order) {
            constant = constant && x[2] == x[3] && x[3] == x[4];
        }
        if (!constant && differences[i] == differences[i]) {
            differences[kept++] = differences[i];
        }
    }
    return kept;
}

/* Count the numbers that are at most `limit`. */
INLINE int32_t rank_of(int32_t limit, const int32_t *bits, Py_ssize_t count)
{
    int32_t rank = 0;
    for (Py_ssize_t i = 0; i < count; i++) {
        rank += bits[i] <= limit;
    }
    return rank;
}

/* Find the lower median of non-negative numbers.  Their bits, which have the same order, are compared with limits
   that are found by interpolation, from a guess on; the loop that counts is vectorized, which makes this several
   times as fast as selection by exchange. */
MULTIVERSIONED
static float median(const float *numbers, Py_ssize_t count, float guess)
{
    const int32_t *bits = (const int32_t *)numbers;
    const int32_t wanted = (int32_t)((count - 1) / 2) + 1;
    int32_t low = -1, high = 0, below = 0, upto = (int32_t)count, limit, found = -1;
    for (Py_ssize_t i = 0; i < count; i++) {
        high = bits[i] > high ? bits[i] : high;
    }
    memcpy(&limit, &guess, sizeof limit);
    /* Invariant: fewer than `wanted` numbers are at most `low`, and `wanted` or more are at most `high`. */
    for (int step = 0; upto != wanted && high - low > 1; step++) {
        if (step == 1) {
            /* A twelfth beyond the guess. */
            limit += low == limit ? 1 << 20 : -(1 << 20);
        } else if (step % 3 == 0 && step) {
            limit = low + (high - low) / 2;
        } else if (step) {
            limit = low + (int32_t)((int64_t)(high - low) * (2 * (wanted - below) - 1) / (2 * (upto - below)));
        }
        limit = limit <= low ? low + 1 : limit >= high ? high - 1 : limit;
        const int32_t rank = rank_of(limit, bits, count);
        if (rank < wanted) {
            low = limit;
            below = rank;
        } else {
            high = limit;
            upto = rank;
        }
    }
    /* The largest number that is at most `high`. */
    for (Py_ssize_t i = 0; i < count; i++) {
        found = bits[i] <= high && bits[i] > found ? bits[i] : found;
    }
    float result;
    memcpy(&result, &found, sizeof result);
    return result;
}

/* Measure the rows of all tiles; NaN marks a row without differences. */
static void measure(const Py_buffer *stack, const Py_buffer *out, float *work)
{
    const Py_ssize_t length = stack->shape[2], rows = stack->shape[1], count = length - SPAN + 1;
    double *medians = out->buf;
    float guesses[ORDERS] = {1, 1, 1};
    for (Py_ssize_t t = 0; t < stack->shape[0]; t++, medians += ORDERS * rows) {
        for (Py_ssize_t r = 0; r < rows; r++) {
            const float *row =
                (const float *)((const char *)stack->buf + t * stack->strides[0] + r * stack->strides[1]);
            const int odd = has_holes_or_runs(row, length);
            for (int order = 0; order < ORDERS; order++) {
                subtract(row, count, order, work);
                const Py_ssize_t kept = odd ? remove_holes_and_runs(row, count, order, work) : count;
                medians[order * rows + r] = NAN;
                if (kept) {
                    medians[order * rows + r] = guesses[order] = median(work, kept, guesses[order]);
                }
            }
        }
    }
}

PyObject *row_medians(PyObject *module, PyObject *args)
{
    PyObject *given[2];
    Py_buffer arrays[2];
    int count = 0;
    if (!PyArg_ParseTuple(args, "OO", &given[0], &given[1])) {
        return NULL;
    }
    while (count < 2 && get_buffer(&arrays[count], given[count], count ? "d" : "f", 3, count)) {
        count++;
    }
    float *work = NULL;
    if (count == 2) {
        const Py_buffer *stack = &arrays[0], *out = &arrays[1];
        if (stack->shape[2] < SPAN || out->shape[0] != stack->shape[0] || out->shape[1] != ORDERS ||
            out->shape[2] != stack->shape[1] || out->strides[1] != out->shape[2] * out->itemsize ||
            out->strides[0] != ORDERS * out->strides[1]) {
            PyErr_SetString(PyExc_ValueError, "The output must be contiguous, of shape (tiles, 3, rows), and rows must have 9 pixels or more.");
        } else if (!(work = PyMem_Malloc(stack->shape[2] * sizeof *work))) {
            PyErr_NoMemory();
        } else {
            Py_BEGIN_ALLOW_THREADS
            measure(stack, out, work);
            Py_END_ALLOW_THREADS
        }
    }
    PyMem_Free(work);
    release_buffers(arrays, count);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}
