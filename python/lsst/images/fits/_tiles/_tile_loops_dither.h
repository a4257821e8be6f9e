/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Random sequence of dithered pixels (FITS Standard 4.0, section 10.2 and appendix I).
 */
#ifndef LSST_IMAGES_TILE_LOOPS_DITHER_H
#define LSST_IMAGES_TILE_LOOPS_DITHER_H

#include "_tile_loops.h"

/* Size of the table of random numbers, and number of positions in it at which a tile may start. */
enum { TABLE_SIZE = 10000, START_RANGE = 500 };

/* Integer that represents exactly 0 with SUBTRACTIVE_DITHER_2. */
#define ZERO_VALUE (-2147483646)

typedef struct {
    const double *table; /* NULL without dithering */
    size_t seed; /* index of the number that selected the start of the current run */
    size_t next;
} Random;

INLINE Random begin(const double *table, size_t seed)
{
    return (Random){table, seed, (size_t)(table[seed] * START_RANGE)};
}

INLINE void skip(Random *random, size_t count)
{
    while (count >= TABLE_SIZE - random->next) {
        count -= TABLE_SIZE - random->next;
        *random = begin(random->table, (random->seed + 1) % TABLE_SIZE);
    }
    random->next += count;
}

/* Take up to `count` numbers that are consecutive in the table; set `run` to how many. */
INLINE const double *take_run(Random *random, size_t count, size_t *run)
{
    *run = count;
    if (!random->table) {
        return NULL;
    }
    const double *numbers = random->table + random->next;
    *run = TABLE_SIZE - random->next < count ? TABLE_SIZE - random->next : count;
    skip(random, *run);
    return numbers;
}

/* Return whether the sequence and its seeds (`int64`, one per tile; both empty without dithering) are valid. */
INLINE int seeds_valid(const Py_buffer *table, const Py_buffer *seeds, Py_ssize_t tiles)
{
    if (table->shape[0] == 0) {
        return 1;
    }
    for (Py_ssize_t i = 0; i < seeds->shape[0]; i++) {
        const int64_t seed = ((const int64_t *)seeds->buf)[i];
        if (seed < 0 || seed >= TABLE_SIZE) {
            return 0;
        }
    }
    return table->shape[0] == TABLE_SIZE && seeds->shape[0] == tiles;
}

#endif
