/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * RICE_1 to integers (FITS Standard 4.0, section 10.4.1).
 */
#include "_tile_loops.h"

#include <string.h>

/* A place in the code of a tile, counted in bits. */
typedef struct {
    const uint8_t *code;
    size_t size;
    size_t bit;
} Reader;

/* So many bits of what `look` returns are there, wherever in a byte it began. */
enum { GOOD_BITS = 57 };

/* So many pixels are taken off one word, if they fit. */
enum { AT_ONCE = 4 };

/* The next bits, first bit on top; zeros follow the end. */
TEMPLATE uint64_t look(const Reader *reader)
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

TEMPLATE int at_end(const Reader *reader)
{
    return reader->bit >= 8 * reader->size;
}

/* The top bits of a word; of 0 bits too, by which no word can be shifted at once. */
TEMPLATE uint32_t top(uint64_t word, int bits)
{
    return (uint32_t)(word >> 1 >> (63 - bits));
}

TEMPLATE uint32_t read_bits(Reader *reader, int bits)
{
    const uint32_t found = top(look(reader), bits);
    reader->bit += bits;
    return found;
}

/* Take zeros, a one and some low bits off a word, and return how many bits that were. */
TEMPLATE unsigned take(uint64_t *word, int low, uint32_t *found)
{
    const unsigned zeros = (unsigned)__builtin_clzll(*word | 1);
    const uint64_t rest = *word << zeros << 1;
    *found = (uint32_t)zeros << low | top(rest, low);
    *word = rest << low;
    return zeros + 1 + low;
}

/* The same for zeros and low bits that may not fit into a word. */
static uint32_t read_long(Reader *reader, int low)
{
    uint32_t zeros = 0, more;
    uint64_t word = look(reader);
    while (!top(word, 32) && !at_end(reader)) {
        zeros += 32;
        reader->bit += 32;
        word = look(reader);
    }
    reader->bit += take(&word, 0, &more);
    return (zeros + more) << low | read_bits(reader, low);
}

/* Differences are stored with their sign in the last bit. */
TEMPLATE uint32_t with_sign(uint32_t stored)
{
    return stored >> 1 ^ (0 - (stored & 1));
}

/* Decode pixels whose differences have so many low bits; return the one that was reached. */
TEMPLATE size_t decode_split(Reader *reader, void *out, size_t i, size_t stop, uint32_t *value, int low, int width)
{
    while (i < stop && !at_end(reader)) {
        uint32_t steps[AT_ONCE];
        uint64_t word = look(reader);
        unsigned used = 0;
        for (int k = 0; k < AT_ONCE; k++) {
            used += take(&word, low, &steps[k]);
        }
        if (used <= GOOD_BITS && i + AT_ONCE <= stop) {
            reader->bit += used;
            for (int k = 0; k < AT_ONCE; k++) {
                *value += with_sign(steps[k]);
                put(out, i++, *value, width);
            }
        } else {
            *value += with_sign(read_long(reader, low));
            put(out, i++, *value, width);
        }
    }
    return i;
}

/* Decode the first pixels of a tile; whether its code is of the known kind and long enough. */
TEMPLATE int decode_tile(Reader reader, void *out, size_t count, size_t block, int width)
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
                put(out, i++, value, width);
            }
        } else if (low == verbatim) {
            while (i < stop) {
                value += with_sign(read_bits(&reader, 8 * width));
                put(out, i++, value, width);
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

FOR_EACH_PROCESSOR
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

/* Borrow the code of each tile. */
static Py_buffer *borrow_tiles(PyObject *tiles, Py_ssize_t count)
{
    Py_buffer *codes = PyMem_Calloc(count ? count : 1, sizeof(Py_buffer));
    if (!codes) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (PyObject_GetBuffer(PySequence_Fast_GET_ITEM(tiles, i), &codes[i], PyBUF_SIMPLE) < 0) {
            release(codes, i);
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
    if (!PyArg_ParseTuple(args, "O!On", &PyList_Type, &tiles, &array, &block) || !borrow(&out, array, "BhHiI", 2, 1)) {
        return NULL;
    }
    const Py_ssize_t count = out.shape[0];
    if (block < 1 || PyList_GET_SIZE(tiles) != count) {
        PyBuffer_Release(&out);
        return PyErr_Format(PyExc_ValueError, "There must be %zd tiles, of blocks of at least 1 pixel.", count);
    }
    Py_buffer *codes = borrow_tiles(tiles, count);
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
    release(codes, count);
    PyMem_Free(codes);
    PyBuffer_Release(&out);
    return PyLong_FromSsize_t(good);
}
