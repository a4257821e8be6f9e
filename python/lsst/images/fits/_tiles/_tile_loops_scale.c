/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Integers to floating-point pixels (FITS Standard 4.0, section 10.2 and appendix I).
 */
#include "_tile_loops.h"

#include <math.h>

/* The standard's random sequence: a table, and how it is walked through. */
enum { TABLE = 10000, SPREAD = 500 };

/* Stands for exactly 0 with SUBTRACTIVE_DITHER_2. */
#define ZERO_VALUE (-2147483646)

typedef struct {
    const double *table;
    size_t seed; /* of the stretch that is being read */
    size_t next;
} Random;

TEMPLATE Random begin(const double *table, size_t seed)
{
    return (Random){table, seed, (size_t)(table[seed] * SPREAD)};
}

TEMPLATE void skip(Random *random, size_t count)
{
    while (count >= TABLE - random->next) {
        count -= TABLE - random->next;
        *random = begin(random->table, (random->seed + 1) % TABLE);
    }
    random->next += count;
}

/* What the integers of a tile mean; some may stand for no number but for something else. */
typedef struct {
    double scale, zero;
    int specials;
    int32_t special[2];
    double meaning[2];
} Meaning;

/* Operations are in double precision and in the order of the standard's reference. */
TEMPLATE void scale_run(const int32_t *in, const double *random, void *out, size_t count, Meaning tile, int width)
{
    for (size_t i = 0; i < count; i++) {
        double pixel = in[i];
        if (random) {
            pixel = pixel - random[i] + 0.5;
        }
        pixel = pixel * tile.scale + tile.zero;
        if (tile.specials) {
            pixel = in[i] == tile.special[0] ? tile.meaning[0] : pixel;
            pixel = in[i] == tile.special[1] ? tile.meaning[1] : pixel;
        }
        if (width == 4) {
            ((float *)out)[i] = (float)pixel;
        } else {
            ((double *)out)[i] = pixel;
        }
    }
}

/* Scale pixels that follow each other in a tile. */
FOR_EACH_PROCESSOR
static void scale_row(const int32_t *in, Random random, char *out, size_t count, Meaning tile, Py_ssize_t width)
{
    while (count) {
        size_t run = count;
        const double *numbers = NULL;
        if (random.table) {
            numbers = random.table + random.next;
            run = TABLE - random.next < count ? TABLE - random.next : count;
            skip(&random, run);
        }
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

static void add_special(Meaning *tile, int32_t value, double meaning)
{
    /* Both places are looked at, so one alone takes both. */
    for (int place = tile->specials++; place < 2; place++) {
        tile->special[place] = value;
        tile->meaning[place] = meaning;
    }
}

/* What `dequantize` borrows, in the order of its arguments. */
enum { VALUES, OUT, SCALE, ZERO, BLANK, RANDOM, SEED, ARRAYS };

static Meaning meaning_of(const Py_buffer *arrays, Py_ssize_t tile, int zeros)
{
    const int64_t blank = ((const int64_t *)arrays[BLANK].buf)[tile];
    Meaning found = {((const double *)arrays[SCALE].buf)[tile], ((const double *)arrays[ZERO].buf)[tile], 0, {0}, {0}};
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
    const int dithered = arrays[RANDOM].shape[0] == TABLE;
    for (Py_ssize_t t = 0; t < values->shape[0]; t++) {
        const Meaning tile = meaning_of(arrays, t, zeros);
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
    const Py_ssize_t tiles = arrays[VALUES].shape[0], seeds = arrays[SEED].shape[0];
    for (int axis = 0; axis < 3; axis++) {
        if (arrays[OUT].shape[axis] != arrays[VALUES].shape[axis]) {
            return 0;
        }
    }
    for (Py_ssize_t i = 0; i < seeds; i++) {
        const int64_t seed = ((const int64_t *)arrays[SEED].buf)[i];
        if (seed < 0 || seed >= TABLE) {
            return 0;
        }
    }
    return arrays[SCALE].shape[0] == tiles && arrays[ZERO].shape[0] == tiles && arrays[BLANK].shape[0] == tiles &&
           (arrays[RANDOM].shape[0] == TABLE ? seeds == tiles : arrays[RANDOM].shape[0] == 0);
}

PyObject *dequantize(PyObject *module, PyObject *args)
{
    static const char *const types[ARRAYS] = {"i", "fd", "d", "d", "lq", "d", "lq"};
    PyObject *given[ARRAYS];
    Py_buffer arrays[ARRAYS];
    Py_ssize_t start, step;
    int zeros, borrowed = 0;
    if (!PyArg_ParseTuple(args, "OOOOOpOOnn", &given[VALUES], &given[OUT], &given[SCALE], &given[ZERO], &given[BLANK],
                          &zeros, &given[RANDOM], &given[SEED], &start, &step)) {
        return NULL;
    }
    while (borrowed < ARRAYS &&
           borrow(&arrays[borrowed], given[borrowed], types[borrowed], borrowed <= OUT ? 3 : 1, borrowed == OUT)) {
        borrowed++;
    }
    if (borrowed == ARRAYS) {
        if (start >= 0 && step >= 0 && shapes_agree(arrays)) {
            Py_BEGIN_ALLOW_THREADS
            scale_tiles(arrays, zeros, start, step);
            Py_END_ALLOW_THREADS
        } else {
            PyErr_SetString(PyExc_ValueError, "Arrays differ in their number of tiles or pixels, or seeds are wrong.");
        }
    }
    release(arrays, borrowed);
    if (PyErr_Occurred()) {
        return NULL;
    }
    Py_RETURN_NONE;
}
