/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * Fuzz target of the C extension: calls its functions with arrays whose type, shape, strides and values come from the
 * input.  Each array has an allocation of its own of the exact size, so that AddressSanitizer detects every access
 * outside.  Results that another implementation defines are compared: the stream of `deflate` with zlib, `unshuffle`
 * with `shuffle`.
 *
 * With -DREPLAY, the program prints a hash of the results of each file in its arguments instead, which must be equal on
 * all processors and for all compilers.  With -DMUTATE, it runs random changes of these files (first arguments: how many,
 * and a number that selects the changes), without the cost of measuring the coverage.
 */
#include <Python.h>
#include <math.h>
#include <stdio.h>
#ifdef MUTATE
#include <time.h>
#endif
#ifndef REPLAY
#include <zlib.h>
#endif

PyMODINIT_FUNC PyInit__tile_loops(void);

enum { MAX_OBJECTS = 64, MAX_AXES = 4, TABLE_SIZE = 10000, FNV_PRIME = 16777619 };

int error_set;
PyObject none = {.kind = KIND_NONE}, result_object;

/* The input, and the objects that were made of it. */
static const uint8_t *input;
static size_t left;
static PyObject objects[MAX_OBJECTS];
static Py_ssize_t layouts[MAX_OBJECTS][2 * MAX_AXES];
static int used;
static double *table;
static uint32_t hash;

static unsigned take(unsigned limit)
{
    if (!left) {
        return 0;
    }
    left--;
    return *input++ % limit;
}

static PyObject *new_object(Kind kind)
{
    if (used == MAX_OBJECTS) {
        abort();
    }
    PyObject *object = &objects[used++];
    memset(object, 0, sizeof *object);
    object->kind = kind;
    return object;
}

static PyObject *integer(Py_ssize_t number)
{
    PyObject *object = new_object(KIND_INTEGER);
    object->number = number;
    return object;
}

/* Bytes of numbers are in little-endian order in inputs and hashes. */
static Py_ssize_t native(Py_ssize_t i, Py_ssize_t itemsize)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return i / itemsize * itemsize + itemsize - 1 - i % itemsize;
#else
    (void)itemsize;
    return i;
#endif
}

/* Make an array with contiguous rows, which `padding` items separate if the array has more than one axis; fill it with
   bytes of the input, repeated. */
static PyObject *make(const char *format, Py_ssize_t itemsize, int ndim, const Py_ssize_t *shape, Py_ssize_t padding)
{
    PyObject *object = new_object(KIND_ARRAY);
    Py_ssize_t *layout = layouts[object - objects], *strides = layout + MAX_AXES, extent = itemsize, size = itemsize;
    for (int axis = ndim - 1; axis >= 0; axis--) {
        layout[axis] = shape[axis];
        strides[axis] = extent;
        extent = shape[axis] * extent + (axis == ndim - 1 && ndim > 1 ? padding * itemsize : 0);
        size = shape[axis] && size ? size + (shape[axis] - 1) * strides[axis] : 0;
    }
    uint8_t *block = malloc(size ? size : 1);
    for (Py_ssize_t i = 0, k = 0; i < size; i++) {
        block[native(i, itemsize)] = left ? input[k] : 0;
        k = k + 1 < (Py_ssize_t)left ? k + 1 : 0;
    }
    object->view = (Py_buffer){block, size, itemsize, 0, ndim, (char *)format, layout, strides};
    return object;
}

static PyObject *make_row(const char *format, Py_ssize_t itemsize, Py_ssize_t count)
{
    return make(format, itemsize, 1, &count, 0);
}

static PyObject *make_bytes(size_t size)
{
    PyObject *object = new_object(KIND_BYTES);
    const size_t kept = size < left ? size : left;
    object->view.buf = malloc(kept ? kept : 1);
    object->view.len = kept;
    memcpy(object->view.buf, input, kept);
    input += kept;
    left -= kept;
    return object;
}

static void release_all(void)
{
    while (used) {
        PyObject *object = &objects[--used];
        if (object->view.buf != table) {
            free(object->view.buf);
        }
    }
}

/* Call a function of the module with objects, up to NULL. */
static PyObject *call(const char *name, ...)
{
    va_list given;
    PyObject *args = new_object(KIND_TUPLE), *item;
    va_start(given, name);
    while ((item = va_arg(given, PyObject *))) {
        args->items[args->number++] = item;
    }
    va_end(given);
    error_set = 0;
    PyMethodDef *method = PyInit__tile_loops();
    /* Most names differ in these characters; comparisons of strings would be traced as input. */
    while (method->name[0] != name[0] || method->name[1] != name[1] || method->name[2] != name[2]) {
        method++;
    }
    PyObject *result = method->function(NULL, args);
    if (!result != !!error_set) {
        abort();
    }
    return result;
}

static void add_to_hash(const PyObject *object)
{
#ifdef REPLAY
    const uint8_t *bytes = object->view.buf;
    const Py_ssize_t itemsize = object->view.itemsize ? object->view.itemsize : 1;
    for (Py_ssize_t i = 0; i < object->view.len; i++) {
        hash = (hash ^ bytes[native(i, itemsize)]) * FNV_PRIME;
    }
#else
    (void)object;
#endif
}

/* The sign and payload of NaN differ between processors. */
static void unify_nan(const PyObject *object)
{
    for (Py_ssize_t i = 0; i < object->view.len / object->view.itemsize; i++) {
        float *single = (float *)object->view.buf + i;
        double *wide = (double *)object->view.buf + i;
        if (object->view.itemsize == 4) {
            *single = isnan(*single) ? 1 : *single;
        } else {
            *wide = isnan(*wide) ? 1 : *wide;
        }
    }
}

static void fuzz_rice(void)
{
    static const char *const formats[] = {"B", "b", "h", "H", "i", "I"};
    const unsigned kind = take(6);
    const Py_ssize_t width = (Py_ssize_t)1 << kind / 2, block = take(40), padding = take(3);
    const Py_ssize_t shape[] = {1 + take(3), take(100)};
    PyObject *tiles = new_object(KIND_LIST), *out = make(formats[kind], width, 2, shape, padding);
    for (Py_ssize_t i = 0; i < shape[0]; i++) {
        tiles->items[tiles->number++] = make_bytes(i + 1 == shape[0] ? left : take(64));
    }
    call("rice_decode", tiles, out, integer(block), NULL);
    add_to_hash(out);
}

/* Seeds of `quantize` and `dequantize`, some of which are invalid. */
static PyObject *seeds_of(Py_ssize_t tiles, int dithered)
{
    PyObject *seeds = make_row("q", 8, dithered ? tiles : 0);
    int64_t *numbers = seeds->view.buf;
    for (Py_ssize_t i = 0; dithered && i < tiles; i++) {
        numbers[i] = (int64_t)((uint64_t)numbers[i] % (TABLE_SIZE + 20)) - 10;
    }
    return seeds;
}

static PyObject *table_of(int dithered)
{
    PyObject *object = new_object(KIND_ARRAY);
    Py_ssize_t *layout = layouts[object - objects];
    layout[0] = dithered ? TABLE_SIZE : 0;
    layout[MAX_AXES] = sizeof *table;
    object->view = (Py_buffer){table, 8 * layout[0], 8, 0, 1, "d", layout, layout + MAX_AXES};
    return object;
}

static void fuzz_dequantize(void)
{
    const int wide = take(2), dithered = take(2), zeros = take(2), other = take(8) == 0;
    const Py_ssize_t shape[] = {take(3), take(4), take(50)};
    const Py_ssize_t start = take(256) * 60, step = take(256) * 90, padding = take(3);
    PyObject *values = make("i", 4, 3, shape, padding), *out = make(wide ? "d" : "f", wide ? 8 : 4, 3, shape, take(3));
    PyObject *scale = make_row("d", 8, shape[0] + other), *zero = make_row("d", 8, shape[0]);
    PyObject *blank = make_row("q", 8, shape[0]), *seeds = seeds_of(shape[0], dithered);
    call("dequantize", values, out, scale, zero, blank, integer(zeros), table_of(dithered), seeds, integer(start),
         integer(step), NULL);
    unify_nan(out);
    add_to_hash(out);
}

static void fuzz_quantize(void)
{
    const int wide = take(2), dithered = take(2), zeros = take(2);
    const Py_ssize_t shape[] = {take(4), take(200)}, other[] = {shape[0], shape[1] + (take(8) == 0)};
    PyObject *pixels = make(wide ? "d" : "f", wide ? 8 : 4, 2, shape, take(3)), *out = make("i", 4, 2, other, take(3));
    PyObject *scale = make_row("d", 8, shape[0]), *zero = make_row("d", 8, shape[0]);
    PyObject *seeds = seeds_of(shape[0], dithered);
    for (Py_ssize_t i = 0; i < shape[0]; i++) {
        /* The caller chooses scales with which the integers of float pixels fit. */
        ((double *)scale->view.buf)[i] = i == 2 ? 0 : 1e30;
        ((double *)zero->view.buf)[i] = 0;
        for (Py_ssize_t k = 0; wide && k < shape[1]; k++) {
            double *pixel = (double *)((char *)pixels->view.buf + i * pixels->view.strides[0]) + k;
            *pixel = fabs(*pixel) > 1e39 ? 0 : *pixel;
        }
    }
    for (Py_ssize_t i = 0; !wide && i < pixels->view.len / 4; i++) {
        float *pixel = (float *)pixels->view.buf + i;
        *pixel = isinf(*pixel) ? 0 : *pixel;
    }
    for (Py_ssize_t i = 0; wide && i < pixels->view.len / 8; i++) {
        double *pixel = (double *)pixels->view.buf + i;
        *pixel = isinf(*pixel) ? 0 : *pixel;
    }
    call("quantize", pixels, out, scale, zero, table_of(dithered), seeds, integer(zeros), integer(INT32_MIN), NULL);
    add_to_hash(out);
}

static void fuzz_medians(void)
{
    const Py_ssize_t shape[] = {take(3), take(4), take(60)};
    const Py_ssize_t other[] = {shape[0], take(8) ? 3 : 2, shape[1]};
    PyObject *stack = make("f", 4, 3, shape, take(3)), *out = make("d", 8, 3, other, take(8) == 0);
    call("row_medians", stack, out, NULL);
    unify_nan(out);
    add_to_hash(out);
}

static void fuzz_shuffle(void)
{
    static const char *const formats[] = {"H", "i", "Q", "f", "d"};
    static const Py_ssize_t widths[] = {2, 4, 8, 4, 8};
    const unsigned kind = take(5);
    const Py_ssize_t shape[] = {take(4), take(60)}, bytes[] = {shape[0], widths[kind], shape[1] + (take(8) == 0)};
    PyObject *numbers = make(formats[kind], widths[kind], 2, shape, take(3));
    PyObject *sorted = make("B", 1, 3, bytes, 0), *back = make(formats[kind], widths[kind], 2, shape, 0);
    PyObject *pair = new_object(KIND_TUPLE), *pairs = new_object(KIND_LIST);
    pair->items[0] = sorted;
    pair->items[1] = back;
    pair->number = 2;
    pairs->items[0] = pair;
    pairs->number = 1;
    if (call("shuffle", numbers, sorted, NULL) && call("unshuffle", pairs, NULL)) {
        for (Py_ssize_t i = 0; i < shape[0] && shape[1]; i++) {
            const Py_ssize_t size = shape[1] * widths[kind];
            if (memcmp((char *)numbers->view.buf + i * numbers->view.strides[0], (char *)back->view.buf + i * size, size)) {
                abort();
            }
        }
    }
    add_to_hash(sorted);
}

static void fuzz_unshuffle(void)
{
    static const char *const formats[] = {"B", "h", "I", "q", "d"};
    static const Py_ssize_t widths[] = {1, 2, 4, 8, 8};
    const unsigned kind = take(5);
    const int axes = 1 + take(3), given_axes = axes + 1 - (take(8) == 0);
    const Py_ssize_t shape[] = {take(3), take(5), take(5)};
    const Py_ssize_t bytes[] = {shape[0], widths[kind], shape[1], shape[2]};
    PyObject *pair = new_object(KIND_TUPLE), *pairs = new_object(KIND_LIST);
    pair->items[pair->number++] = make("B", 1, given_axes, bytes, take(3));
    pair->items[pair->number++] = make(formats[kind], widths[kind], axes, shape, take(3));
    pairs->items[pairs->number++] = take(8) ? pair : pair->items[0];
    call("unshuffle", pairs, NULL);
    add_to_hash(pair->items[1]);
}

static void fuzz_deflate(void)
{
    const Py_ssize_t rows = take(4), factor = take(200) == 1 ? 300 : 1, size = take(256) * factor;
    const Py_ssize_t shape[] = {rows, size};
    PyObject *planes = make("B", 1, 2, shape, take(3));
    PyObject *result = call("deflate", planes, NULL);
    if (!result) {
        return;
    }
    add_to_hash(result);
#ifndef REPLAY
    static z_stream stream;
    static uint8_t found[1 << 18];
    if (stream.state ? inflateReset(&stream) != Z_OK : inflateInit2(&stream, -15) != Z_OK) {
        abort();
    }
    stream.next_in = result->view.buf;
    stream.avail_in = result->view.len;
    stream.next_out = found;
    stream.avail_out = sizeof found;
    if (inflate(&stream, Z_FINISH) != Z_STREAM_END || stream.total_out != (uLong)(rows * size) || stream.avail_in) {
        abort();
    }
    for (Py_ssize_t i = 0; i < rows; i++) {
        if (memcmp(found + i * size, (char *)planes->view.buf + i * planes->view.strides[0], size)) {
            abort();
        }
    }
#endif
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const targets[])(void) = {fuzz_rice, fuzz_dequantize, fuzz_quantize, fuzz_medians, fuzz_shuffle,
                                            fuzz_unshuffle, fuzz_deflate};
    if (!table) {
        table = malloc(TABLE_SIZE * sizeof *table);
        for (int i = 0; i < TABLE_SIZE; i++) {
            table[i] = (i * 7919 % TABLE_SIZE) / (double)TABLE_SIZE;
        }
    }
    input = data;
    left = size;
    targets[take(sizeof targets / sizeof *targets)]();
    release_all();
    return 0;
}

#ifdef REPLAY
int main(int argc, char **argv)
{
    static uint8_t data[1 << 16];
    for (int i = 1; i < argc; i++) {
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            return 1;
        }
        const size_t size = fread(data, 1, sizeof data, file);
        fclose(file);
        hash = 2166136261u;
        LLVMFuzzerTestOneInput(data, size);
        const char *name = strrchr(argv[i], '/');
        printf("%08x %s\n", (unsigned)hash, name ? name + 1 : argv[i]);
    }
    return 0;
}
#endif

#ifdef MUTATE
enum { MAX_FILES = 4096, MAX_SIZE = 256 };

static uint64_t state;

/* xorshift64* (Marsaglia 2003, Vigna 2016). */
static uint32_t draw(void)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (uint32_t)(state * UINT64_C(2685821657736338717) >> 32);
}

/* Change a few bytes, or append part of another file. */
static size_t mutate(uint8_t *data, size_t size, const uint8_t *other, size_t other_size)
{
    for (int i = draw() % 4; i >= 0 && size; i--) {
        uint8_t *byte = data + (draw() % 4 ? draw() % (size < 12 ? size : 12) : draw() % size);
        const uint32_t kind = draw() % 4;
        *byte = kind == 0 ? draw() : kind == 1 ? *byte ^ 1 << draw() % 8 : kind == 2 ? *byte + 1 : 255;
    }
    if (draw() % 4 == 0) {
        const size_t from = other_size ? draw() % other_size : 0, kept = size ? draw() % size : 0;
        const size_t space = MAX_SIZE - kept, more = other_size - from < space ? other_size - from : space;
        memcpy(data + kept, other + from, more);
        size = kept + more;
    }
    return size;
}

int main(int argc, char **argv)
{
    static uint8_t files[MAX_FILES][MAX_SIZE];
    static size_t sizes[MAX_FILES];
    const int count = argc - 3 < MAX_FILES ? argc - 3 : MAX_FILES;
    const uint64_t runs = argc > 3 ? strtoull(argv[1], NULL, 10) : 0;
    state = argc > 3 ? 1 + strtoull(argv[2], NULL, 10) : 1;
    for (int i = 0; i < count; i++) {
        FILE *file = fopen(argv[i + 3], "rb");
        sizes[i] = file ? fread(files[i], 1, MAX_SIZE, file) : 0;
        if (file) {
            fclose(file);
        }
    }
    for (uint64_t run = 0; run < runs; run++) {
        uint8_t data[MAX_SIZE];
        const uint32_t i = draw() % count, k = draw() % count;
        memcpy(data, files[i], sizes[i]);
        LLVMFuzzerTestOneInput(data, mutate(data, sizes[i], files[k], sizes[k]));
        if (run % 1000000 == 999999) {
            printf("%llu executions\n", (unsigned long long)run + 1);
            fflush(stdout);
        }
    }
    printf("%llu executions without an error\n", (unsigned long long)runs);
    return 0;
}
#endif
