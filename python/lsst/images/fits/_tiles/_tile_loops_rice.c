/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Decoder of RICE_1 (FITS Standard 4.0, section 10.4.1).
 */
#include "_tile_loops.h"

#include <string.h>

/* Position in the compressed bytes of a tile, in bits. */
typedef struct {
    const uint8_t *code;
    size_t size;
    size_t bit;
} Reader;

/* Number of valid bits in the result of `peek`, for any position within a byte. */
enum { VALID_BITS = 57 };

/* Number of pixels that are decoded from one word, if they fit. */
enum { PIXELS_PER_WORD = 4 };

/* Return the next bits, the first one in the most significant position, padded with zeros after the end. */
INLINE uint64_t peek(const Reader *reader)
{
    const size_t first = reader->bit >> 3;
    uint64_t word = 0;
    if (first + 8 <= reader->size) {
        memcpy(&word, reader->code + first, 8);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        word = __builtin_bswap64(word);
#endif
    } else {
        for (size_t i = first; i < first + 8; i++) {
            word = word << 8 | (i < reader->size ? reader->code[i] : 0);
        }
    }
    return word << (reader->bit & 7);
}

INLINE int at_end(const Reader *reader)
{
    return reader->bit >= 8 * reader->size;
}

/* Return the most significant bits of a word.  Two shifts, since a shift by 64 (for 0 bits) is undefined. */
INLINE uint32_t high_bits(uint64_t word, int bits)
{
    return (uint32_t)(word >> 1 >> (63 - bits));
}

INLINE uint32_t read_bits(Reader *reader, int bits)
{
    const uint32_t found = high_bits(peek(reader), bits);
    reader->bit += bits;
    return found;
}

/* Remove zeros, a one and `low` bits from a word, and return the number of removed bits. */
INLINE unsigned take_code(uint64_t *word, int low, uint32_t *found)
{
    const unsigned zeros = (unsigned)__builtin_clzll(*word | 1);
    const uint64_t rest = *word << zeros << 1;
    *found = (uint32_t)zeros << low | high_bits(rest, low);
    *word = rest << low;
    return zeros + 1 + low;
}

/* The same for a code that may be longer than a word. */
static uint32_t read_long(Reader *reader, int low)
{
    uint32_t zeros = 0, more;
    uint64_t word = peek(reader);
    while (!high_bits(word, 32) && !at_end(reader)) {
        zeros += 32;
        reader->bit += 32;
        word = peek(reader);
    }
    reader->bit += take_code(&word, 0, &more);
    return (zeros + more) << low | read_bits(reader, low);
}

/* Return a difference; its sign is stored in the least significant bit. */
INLINE uint32_t with_sign(uint32_t stored)
{
    return stored >> 1 ^ (0 - (stored & 1));
}

/* Decode pixels whose differences have `low` low bits, and return the index after the last decoded pixel. */
INLINE size_t decode_split(Reader *reader, void *out, size_t i, size_t stop, uint32_t *value, int low, int width)
{
    while (i < stop && !at_end(reader)) {
        uint32_t steps[PIXELS_PER_WORD];
        uint64_t word = peek(reader);
        unsigned used = 0;
        for (int k = 0; k < PIXELS_PER_WORD; k++) {
            used += take_code(&word, low, &steps[k]);
        }
        if (used <= VALID_BITS && i + PIXELS_PER_WORD <= stop) {
            reader->bit += used;
            for (int k = 0; k < PIXELS_PER_WORD; k++) {
                *value += with_sign(steps[k]);
                store(out, i++, *value, width);
            }
        } else {
            *value += with_sign(read_long(reader, low));
            store(out, i++, *value, width);
        }
    }
    return i;
}

/* Decode the leading pixels of a tile, and return whether its code is valid and long enough. */
INLINE int decode_tile(Reader reader, void *out, size_t count, size_t block, int width)
{
    const int head = width == 4 ? 5 : width == 2 ? 4 : 3;
    const int verbatim = width == 4 ? 25 : width == 2 ? 14 : 6;
    uint32_t value = read_bits(&reader, 8 * width);
    for (size_t i = 0; i < count;) {
        const size_t stop = count - i < block ? count : i + block;
        const int low = (int)read_bits(&reader, head) - 1;
        if (low > verbatim) {
            return 0;
        }
        if (low < 0) {
            while (i < stop) {
                store(out, i++, value, width);
            }
        } else if (low == verbatim) {
            while (i < stop) {
                value += with_sign(read_bits(&reader, 8 * width));
                store(out, i++, value, width);
            }
        } else {
            i = decode_split(&reader, out, i, stop, &value, low, width);
        }
        if (i < stop || reader.bit > 8 * reader.size) {
            return 0;
        }
    }
    return 1;
}

MULTIVERSIONED
static int decode_any(Reader reader, void *out, size_t count, size_t block, Py_ssize_t width)
{
    switch (width) {
    case 1:
        return decode_tile(reader, out, count, block, 1);
    case 2:
        return decode_tile(reader, out, count, block, 2);
    default:
        return decode_tile(reader, out, count, block, 4);
    }
}

/* Get the buffer of each tile. */
static Py_buffer *get_tile_buffers(PyObject *tiles, Py_ssize_t count)
{
    Py_buffer *codes = PyMem_Calloc(count ? count : 1, sizeof(Py_buffer));
    if (!codes) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyObject_GetBuffer(PyList_GetItem(tiles, i), &codes[i], PyBUF_SIMPLE) < 0) {
            release_buffers(codes, i);
            PyMem_Free(codes);
            return NULL;
        }
    }
    return codes;
}

PyObject *rice_decode(PyObject *module, PyObject *args)
{
    PyObject *tiles, *array;
    Py_ssize_t block;
    Py_buffer out;
    if (!PyArg_ParseTuple(args, "O!On", &PyList_Type, &tiles, &array, &block) || !get_buffer(&out, array, "BhHiI", 2, 1)) {
        return NULL;
    }
    const Py_ssize_t count = out.shape[0];
    if (block < 1 || PyList_Size(tiles) != count) {
        PyBuffer_Release(&out);
        return PyErr_Format(PyExc_ValueError, "The number of tiles must be %zd, the number of rows of the array, and the block size at least 1.", count);
    }
    Py_buffer *codes = get_tile_buffers(tiles, count);
    if (!codes) {
        PyBuffer_Release(&out);
        return NULL;
    }
    Py_ssize_t good = 0;
    Py_BEGIN_ALLOW_THREADS
    while (good < count) {
        const Reader reader = {codes[good].buf, codes[good].len, 0};
        char *row = (char *)out.buf + good * out.strides[0];
        if (!decode_any(reader, row, out.shape[1], block, out.itemsize)) {
            break;
        }
        good++;
    }
    Py_END_ALLOW_THREADS
    release_buffers(codes, count);
    PyMem_Free(codes);
    PyBuffer_Release(&out);
    return PyLong_FromSsize_t(good);
}
