/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Conversion of floating-point pixels to quantized integers (FITS Standard 4.0,
 * section 10.2 and appendix I).
 */
#include "_tile_loops_dither.h"

#include <math.h>

/* Values of a tile: its scale and zero point, and the integers that represent NaN and, if `zeros`, exactly 0. */
typedef struct {
    double scale, zero;
    int32_t blank;
    int zeros;
} Steps;

/* Round to the nearest integer, halves away from zero, in the order of operations of the Python implementation. */
INLINE void round_run(const void *in, const double *random, int32_t *out, size_t count, Steps tile, int width)
{
    for (size_t i = 0; i < count; i++) {
        const double pixel = width == 4 ? (double)((const float *)in)[i] : ((const double *)in)[i];
        double step = (pixel - tile.zero) / tile.scale;
        if (random) {
            step = step + random[i] - 0.5;
        }
        step += copysign(0.5, step);
        /* NaN, whose conversion is undefined in C. */
        int32_t number = (int32_t)(step == step ? step : 0.0);
        number = pixel == pixel ? number : tile.blank;
        if (tile.zeros) {
            number = pixel == 0 ? ZERO_VALUE : number;
        }
        out[i] = number;
    }
}

MULTIVERSIONED
static void round_row(const char *in, Random random, int32_t *out, size_t count, Steps tile, Py_ssize_t width)
{
    while (count) {
        size_t run;
        const double *numbers = take_run(&random, count, &run);
        if (width == 4) {
            round_run(in, numbers, out, run, tile, 4);
        } else {
            round_run(in, numbers, out, run, tile, 8);
        }
        in += run * width;
        out += run;
        count -= run;
    }
}

/* Array arguments of `quantize`, in order. */
enum { PIXELS, OUT, SCALE, ZERO, RANDOM, SEED, ARRAYS };

static void round_tiles(const Py_buffer *arrays, int zeros, int32_t blank)
{
    const Py_buffer *pixels = &arrays[PIXELS], *out = &arrays[OUT];
    const int dithered = arrays[RANDOM].shape[0] == TABLE_SIZE;
    for (Py_ssize_t t = 0; t < pixels->shape[0]; t++) {
        const Steps tile = {((const double *)arrays[SCALE].buf)[t], ((const double *)arrays[ZERO].buf)[t], blank, zeros};
        if (tile.scale == 0) {
            continue;
        }
        Random random = {NULL, 0, 0};
        if (dithered) {
            random = begin(arrays[RANDOM].buf, ((const int64_t *)arrays[SEED].buf)[t]);
        }
        round_row((const char *)pixels->buf + t * pixels->strides[0], random,
                  (int32_t *)((char *)out->buf + t * out->strides[0]), pixels->shape[1], tile, pixels->itemsize);
    }
}

static int shapes_agree(const Py_buffer *arrays)
{
    const Py_ssize_t tiles = arrays[PIXELS].shape[0];
    return arrays[OUT].shape[0] == tiles && arrays[OUT].shape[1] == arrays[PIXELS].shape[1] &&
           arrays[SCALE].shape[0] == tiles && arrays[ZERO].shape[0] == tiles &&
           seeds_valid(&arrays[RANDOM], &arrays[SEED], tiles);
}

PyObject *quantize(PyObject *module, PyObject *args)
{
    static const char *const types[ARRAYS] = {"fd", "i", "d", "d", "d", "lq"};
    PyObject *given[ARRAYS];
    Py_buffer arrays[ARRAYS];
    int zeros, blank, count = 0;
    if (!PyArg_ParseTuple(args, "OOOOOOpi", &given[PIXELS], &given[OUT], &given[SCALE], &given[ZERO], &given[RANDOM],
                          &given[SEED], &zeros, &blank)) {
        return NULL;
    }
    while (count < ARRAYS &&
           get_buffer(&arrays[count], given[count], types[count], count <= OUT ? 2 : 1, count == OUT)) {
        count++;
    }
    if (count == ARRAYS) {
        if (shapes_agree(arrays)) {
            Py_BEGIN_ALLOW_THREADS
            round_tiles(arrays, zeros, blank);
            Py_END_ALLOW_THREADS
        } else {
            PyErr_SetString(PyExc_ValueError, "The arrays have different numbers of tiles or pixels, or a seed is out of range.");
        }
    }
    release_buffers(arrays, count);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}
