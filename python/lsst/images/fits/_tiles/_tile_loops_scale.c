/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Conversion of quantized integers to floating-point pixels (FITS Standard 4.0,
 * section 10.2 and appendix I).
 */
#include "_tile_loops_dither.h"

#include <math.h>

/* Conversion of the integers of a tile; up to two integers represent special values (0 and NaN). */
typedef struct {
    double scale, zero;
    int specials;
    int32_t special[2];
    double replacement[2];
} Conversion;

/* Convert pixels in double precision, in the order of operations of the reference implementation (CFITSIO). */
INLINE void scale_run(const int32_t *in, const double *random, void *out, size_t count, Conversion tile, int width)
{
    for (size_t i = 0; i < count; i++) {
        double pixel = in[i];
        if (random) {
            pixel = pixel - random[i] + 0.5;
        }
        pixel = pixel * tile.scale + tile.zero;
        if (tile.specials) {
            pixel = in[i] == tile.special[0] ? tile.replacement[0] : pixel;
            pixel = in[i] == tile.special[1] ? tile.replacement[1] : pixel;
        }
        if (width == 4) {
            ((float *)out)[i] = (float)pixel;
        } else {
            ((double *)out)[i] = pixel;
        }
    }
}

/* Convert consecutive pixels of a tile. */
MULTIVERSIONED
static void scale_row(const int32_t *in, Random random, char *out, size_t count, Conversion tile, Py_ssize_t width)
{
    while (count) {
        size_t run;
        const double *numbers = take_run(&random, count, &run);
        if (width == 4) {
            scale_run(in, numbers, out, run, tile, 4);
        } else {
            scale_run(in, numbers, out, run, tile, 8);
        }
        in += run;
        out += run * width;
        count -= run;
    }
}

static void add_special(Conversion *tile, int32_t value, double replacement)
{
    /* Both entries are always compared, so a single special value fills both. */
    for (int place = tile->specials++; place < 2; place++) {
        tile->special[place] = value;
        tile->replacement[place] = replacement;
    }
}

/* Array arguments of `dequantize`, in order. */
enum { VALUES, OUT, SCALE, ZERO, BLANK, RANDOM, SEED, ARRAYS };

static Conversion tile_conversion(const Py_buffer *arrays, Py_ssize_t tile, int zeros)
{
    const int64_t blank = ((const int64_t *)arrays[BLANK].buf)[tile];
    Conversion found = {((const double *)arrays[SCALE].buf)[tile], ((const double *)arrays[ZERO].buf)[tile], 0, {0}, {0}};
    if (zeros) {
        add_special(&found, ZERO_VALUE, 0.0);
    }
    if (blank >= INT32_MIN && blank <= INT32_MAX) {
        add_special(&found, (int32_t)blank, NAN);
    }
    return found;
}

static void scale_tiles(const Py_buffer *arrays, int zeros, size_t start, size_t step)
{
    const Py_buffer *values = &arrays[VALUES], *out = &arrays[OUT];
    const int dithered = arrays[RANDOM].shape[0] == TABLE_SIZE;
    for (Py_ssize_t t = 0; t < values->shape[0]; t++) {
        const Conversion tile = tile_conversion(arrays, t, zeros);
        const char *in_row = (const char *)values->buf + t * values->strides[0];
        char *out_row = (char *)out->buf + t * out->strides[0];
        Random random = {NULL, 0, 0};
        if (dithered) {
            random = begin(arrays[RANDOM].buf, ((const int64_t *)arrays[SEED].buf)[t]);
            skip(&random, start);
        }
        for (Py_ssize_t r = 0; r < values->shape[1]; r++) {
            scale_row((const int32_t *)in_row, random, out_row, values->shape[2], tile, out->itemsize);
            in_row += values->strides[1];
            out_row += out->strides[1];
            if (dithered) {
                skip(&random, step);
            }
        }
    }
}

static int shapes_agree(const Py_buffer *arrays)
{
    const Py_ssize_t tiles = arrays[VALUES].shape[0];
    for (int axis = 0; axis < 3; axis++) {
        if (arrays[OUT].shape[axis] != arrays[VALUES].shape[axis]) {
            return 0;
        }
    }
    return arrays[SCALE].shape[0] == tiles && arrays[ZERO].shape[0] == tiles && arrays[BLANK].shape[0] == tiles &&
           seeds_valid(&arrays[RANDOM], &arrays[SEED], tiles);
}

PyObject *dequantize(PyObject *module, PyObject *args)
{
    static const char *const types[ARRAYS] = {"i", "fd", "d", "d", "lq", "d", "lq"};
    PyObject *given[ARRAYS];
    Py_buffer arrays[ARRAYS];
    Py_ssize_t start, step;
    int zeros, count = 0;
    if (!PyArg_ParseTuple(args, "OOOOOpOOnn", &given[VALUES], &given[OUT], &given[SCALE], &given[ZERO], &given[BLANK],
                          &zeros, &given[RANDOM], &given[SEED], &start, &step)) {
        return NULL;
    }
    while (count < ARRAYS &&
           get_buffer(&arrays[count], given[count], types[count], count <= OUT ? 3 : 1, count == OUT)) {
        count++;
    }
    if (count == ARRAYS) {
        if (start >= 0 && step >= 0 && shapes_agree(arrays)) {
            Py_BEGIN_ALLOW_THREADS
            scale_tiles(arrays, zeros, start, step);
            Py_END_ALLOW_THREADS
        } else {
            PyErr_SetString(PyExc_ValueError, "The arrays have different numbers of tiles or pixels, or a seed or offset is out of range.");
        }
    }
    release_buffers(arrays, count);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}
