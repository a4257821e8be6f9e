/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Deflate compression (RFC 1951) of quantized pixels whose bytes are sorted by
 * significance.  The lowest bytes are noise, in which a search for repeated
 * strings finds nothing; the highest are nearly constant.  Runs of one byte and a
 * Huffman code for each byte of significance come within 2 % of the entropy,
 * faster than general compressors.
 */
#include "_tile_loops.h"

#include <string.h>

enum {
    END = 256, /* symbol that ends a block */
    SYMBOLS = 286, /* literals, end, and lengths */
    DISTANCES = 2, /* distance codes: only the first is used, but decoders expect a complete code */
    LENGTH_SYMBOLS = 19, /* symbols of the code of code lengths */
    MAX_BITS = 15,
    MAX_LENGTH_BITS = 7, /* of the code of code lengths */
    MIN_RUN = 4,
    MAX_RUN = 258,
    MAX_STORED = 65535,
    MAX_HEADER = 400, /* bytes of the code of a block, and of the space that a write may exceed */
};

typedef struct {
    uint32_t counts[SYMBOLS];
    uint8_t bits[SYMBOLS];
    uint16_t codes[SYMBOLS];
} Code;

typedef struct {
    uint8_t *next;
    uint64_t pending;
    int count; /* of the pending bits */
} Bits;

INLINE void put(Bits *out, uint64_t value, int count)
{
    out->pending |= value << out->count;
    out->count += count;
}

/* Write the pending whole bytes; at most 7 bits remain, so up to 57 can be put next. */
INLINE void flush(Bits *out)
{
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    memcpy(out->next, &out->pending, sizeof out->pending);
#else
    for (int i = 0; i < 8; i++) {
        out->next[i] = (uint8_t)(out->pending >> 8 * i);
    }
#endif
    out->next += out->count >> 3;
    out->pending >>= out->count & ~7;
    out->count &= 7;
}

static void sort(uint64_t *keys, int count)
{
    static const int gaps[] = {109, 41, 19, 5, 1};
    for (int g = 0; g < 5; g++) {
        for (int i = gaps[g]; i < count; i++) {
            const uint64_t key = keys[i];
            int k = i;
            for (; k >= gaps[g] && keys[k - gaps[g]] > key; k -= gaps[g]) {
                keys[k] = keys[k - gaps[g]];
            }
            keys[k] = key;
        }
    }
}

/* Find the code lengths of symbols with the given (nonzero, ascending) weights; return the largest (Huffman 1952,
   with one queue of symbols and one of merged nodes). */
static int merge(const uint64_t *weights, int count, int *depths)
{
    uint64_t sums[SYMBOLS];
    int parents[2 * SYMBOLS];
    int leaf = 0, node = 0;
    for (int made = 0; made < count - 1; made++) {
        sums[made] = 0;
        for (int child = 0; child < 2; child++) {
            if (leaf < count && (node == made || weights[leaf] <= sums[node])) {
                sums[made] += weights[leaf];
                parents[leaf++] = made;
            } else {
                sums[made] += sums[node];
                parents[count + node++] = made;
            }
        }
    }
    int node_depths[SYMBOLS];
    node_depths[count - 2] = 0;
    for (int i = count - 3; i >= 0; i--) {
        node_depths[i] = node_depths[parents[count + i]] + 1;
    }
    for (int i = 0; i < count; i++) {
        depths[i] = node_depths[parents[i]] + 1;
    }
    return depths[0];
}

/* Make a prefix code for two symbols or more with lengths of at most `limit` bits. */
static void make_code(Code *code, int size, int limit)
{
    uint64_t keys[SYMBOLS], weights[SYMBOLS];
    int depths[SYMBOLS], count = 0;
    for (int i = 0; i < size; i++) {
        code->bits[i] = 0;
        if (code->counts[i]) {
            keys[count++] = (uint64_t)code->counts[i] << 16 | i;
        }
    }
    sort(keys, count);
    for (int i = 0; i < count; i++) {
        weights[i] = keys[i] >> 16;
    }
    /* Weights that are more alike give shorter codes to the rarest symbols. */
    while (merge(weights, count, depths) > limit) {
        for (int i = 0; i < count; i++) {
            weights[i] = (weights[i] + 1) / 2;
        }
    }
    uint32_t next[MAX_BITS + 2] = {0};
    for (int i = 0; i < count; i++) {
        code->bits[keys[i] & 0xffff] = (uint8_t)depths[i];
        next[depths[i] + 1]++;
    }
    for (int n = 1; n <= MAX_BITS + 1; n++) {
        next[n] = (next[n] + next[n - 1]) << 1;
    }
    for (int i = 0; i < size; i++) {
        const int n = code->bits[i];
        uint32_t value = n ? next[n]++ : 0, reversed = 0;
        for (int k = 0; k < n; k++, value >>= 1) {
            reversed = reversed << 1 | (value & 1);
        }
        code->codes[i] = (uint16_t)reversed;
    }
}

/* Count the bytes from `i` that equal the one before. */
INLINE size_t run_length(const uint8_t *data, size_t i, size_t size)
{
    size_t length = 0;
    const size_t limit = size - i < MAX_RUN ? size - i : MAX_RUN;
    uint64_t word, same = UINT64_C(0x0101010101010101) * data[i - 1];
    while (length + sizeof word <= limit && (memcpy(&word, data + i + length, sizeof word), word == same)) {
        length += sizeof word;
    }
    while (length < limit && data[i + length] == data[i - 1]) {
        length++;
    }
    return length;
}

/* Symbol and extra bits of the length of a run (RFC 1951, section 3.2.5). */
INLINE int run_symbol(size_t length, int *extra)
{
    const size_t excess = length - 3;
    *extra = 0;
    if (length == MAX_RUN) {
        return 285;
    }
    while (excess >> *extra >= 8) {
        ++*extra;
    }
    return 257 + (*extra << 2) + (int)(excess >> *extra);
}

/* Count the symbols of the bytes; return the number of extra bits, including those of distances. */
static uint64_t count_symbols(const uint8_t *data, size_t size, Code *code)
{
    uint64_t extra_bits = 0;
    memset(code->counts, 0, sizeof code->counts);
    code->counts[END] = 1;
    for (size_t i = 0; i < size;) {
        if (i && data[i] == data[i - 1]) {
            const size_t length = run_length(data, i, size);
            if (length >= MIN_RUN) {
                int extra;
                code->counts[run_symbol(length, &extra)]++;
                extra_bits += extra + 1;
                i += length;
                continue;
            }
        }
        code->counts[data[i++]]++;
    }
    return extra_bits;
}

static void write_symbols(Bits *given, const uint8_t *data, size_t size, const Code *code)
{
    Bits copy = *given, *out = &copy; /* in registers */
    uint32_t entries[END]; /* code and length of each literal */
    for (int i = 0; i < END; i++) {
        entries[i] = (uint32_t)code->codes[i] << 4 | code->bits[i];
    }
    for (size_t i = 0; i < size;) {
        if (i && data[i] == data[i - 1]) {
            const size_t length = run_length(data, i, size);
            if (length >= MIN_RUN) {
                int extra;
                const int symbol = run_symbol(length, &extra);
                put(out, code->codes[symbol], code->bits[symbol]);
                put(out, (length - 3) & ((1u << extra) - 1), length == MAX_RUN ? 0 : extra);
                put(out, 0, 1); /* the distance 1 */
                flush(out);
                i += length;
                continue;
            }
        }
        /* Up to three different bytes; 7 + 3 * 15 bits fit. */
        put(out, entries[data[i]] >> 4, entries[data[i]] & 15);
        for (int k = 1; k < 3 && i + 1 < size && data[i + 1] != data[i]; k++) {
            i++;
            put(out, entries[data[i]] >> 4, entries[data[i]] & 15);
        }
        flush(out);
        i++;
    }
    put(out, code->codes[END], code->bits[END]);
    flush(out);
    *given = copy;
}

/* Encode the code lengths: a symbol for each, or 17 and 18 for runs of zeros; return how many. */
static int length_symbols(const Code *code, int literals, uint8_t *symbols, uint8_t *zeros)
{
    uint8_t lengths[SYMBOLS + DISTANCES];
    int count = 0;
    memcpy(lengths, code->bits, literals);
    memset(lengths + literals, 1, DISTANCES);
    for (int i = 0; i < literals + DISTANCES;) {
        int run = 0;
        while (run < 138 && i + run < literals + DISTANCES && !lengths[i + run]) {
            run++;
        }
        zeros[count] = (uint8_t)run;
        symbols[count++] = run < 3 ? lengths[i] : run < 11 ? 17 : 18;
        i += run < 3 ? 1 : run;
    }
    return count;
}

/* Write the header of a block: the code lengths of its symbols (RFC 1951, section 3.2.7). */
static void write_header(Bits *out, const Code *code)
{
    static const uint8_t order[LENGTH_SYMBOLS] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t symbols[SYMBOLS + DISTANCES], zeros[SYMBOLS + DISTANCES];
    Code lengths;
    int literals = SYMBOLS, used = LENGTH_SYMBOLS;
    while (!code->bits[literals - 1]) {
        literals--;
    }
    const int count = length_symbols(code, literals, symbols, zeros);
    memset(lengths.counts, 0, sizeof lengths.counts);
    for (int i = 0; i < count; i++) {
        lengths.counts[symbols[i]]++;
    }
    make_code(&lengths, LENGTH_SYMBOLS, MAX_LENGTH_BITS);
    while (!lengths.bits[order[used - 1]]) {
        used--;
    }
    put(out, literals - 257, 5);
    put(out, DISTANCES - 1, 5);
    put(out, used - 4, 4);
    flush(out);
    for (int i = 0; i < used; i++) {
        put(out, lengths.bits[order[i]], 3);
        flush(out);
    }
    for (int i = 0; i < count; i++) {
        put(out, lengths.codes[symbols[i]], lengths.bits[symbols[i]]);
        if (symbols[i] >= 17) {
            put(out, zeros[i] - (symbols[i] == 17 ? 3 : 11), symbols[i] == 17 ? 3 : 7);
        }
        flush(out);
    }
}

/* Write bytes without compression. */
static void write_stored(Bits *out, const uint8_t *data, size_t size, int last)
{
    do {
        const size_t piece = size < MAX_STORED ? size : MAX_STORED;
        size -= piece;
        put(out, last && !size, 3);
        put(out, 0, -out->count & 7);
        put(out, piece | (piece ^ MAX_STORED) << 16, 32);
        flush(out);
        memcpy(out->next, data, piece);
        out->next += piece;
        data += piece;
    } while (size);
}

/* Write bytes as one block. */
MULTIVERSIONED
static void write_block(Bits *out, const uint8_t *data, size_t size, int last)
{
    Code code;
    uint64_t bits = count_symbols(data, size, &code);
    make_code(&code, SYMBOLS, MAX_BITS);
    for (int i = 0; i < SYMBOLS; i++) {
        bits += (uint64_t)code.counts[i] * code.bits[i];
    }
    if (bits / 8 >= size) {
        write_stored(out, data, size, last);
        return;
    }
    put(out, last | 2 << 1, 3); /* a block with a code of its own */
    write_header(out, &code);
    write_symbols(out, data, size, &code);
}

PyObject *deflate(PyObject *module, PyObject *args)
{
    PyObject *given, *result = NULL;
    Py_buffer planes;
    if (!PyArg_ParseTuple(args, "O", &given) || !get_buffer(&planes, given, "B", 2, 0)) {
        return NULL;
    }
    const size_t rows = planes.shape[0], size = planes.shape[1];
    uint8_t *stream = PyMem_Malloc(rows * (size + MAX_HEADER + 8 * (size / MAX_STORED + 1)) + MAX_HEADER);
    if (rows == 0 || size == 0) {
        PyErr_SetString(PyExc_ValueError, "An array without bytes cannot be compressed.");
    } else if (!stream) {
        PyErr_NoMemory();
    } else {
        Bits out = {stream, 0, 0};
        Py_BEGIN_ALLOW_THREADS
        for (size_t k = 0; k < rows; k++) {
            write_block(&out, (const uint8_t *)planes.buf + k * planes.strides[0], size, k + 1 == rows);
        }
        put(&out, 0, -out.count & 7);
        flush(&out);
        Py_END_ALLOW_THREADS
        result = PyBytes_FromStringAndSize((const char *)stream, out.next - stream);
    }
    PyMem_Free(stream);
    PyBuffer_Release(&planes);
    return result;
}
