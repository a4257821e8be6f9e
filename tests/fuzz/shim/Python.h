/* This file is part of lsst-images.
 * Licensed under the BSD 3-Clause License; see LICENSE.
 *
 * The part of the C API of Python that the C extension uses, for programs without an interpreter: the fuzz target runs
 * 50 times faster with it, and needs nothing but a compiler, also for other processors.
 */
#ifndef LSST_IMAGES_FUZZ_PYTHON_H
#define LSST_IMAGES_FUZZ_PYTHON_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

typedef ssize_t Py_ssize_t;

typedef struct {
    void *buf;
    Py_ssize_t len, itemsize;
    int readonly, ndim;
    char *format;
    Py_ssize_t *shape, *strides;
} Py_buffer;

typedef enum { KIND_ARRAY, KIND_LIST, KIND_TUPLE, KIND_BYTES, KIND_INTEGER, KIND_NONE } Kind;

enum { SHIM_ITEMS = 12 };

typedef struct PyObject {
    Kind kind;
    Py_buffer view; /* of an array or bytes */
    Py_ssize_t number; /* of an integer, or the number of items */
    struct PyObject *items[SHIM_ITEMS];
} PyObject;

typedef const int *PyTypeObject;
static const int PyList_Type = KIND_LIST;

extern int error_set;
extern PyObject none, result_object;

#define PyExc_ValueError 0
#define PyExc_TypeError 0
#define PyErr_Format(type, ...) (error_set = 1, (PyObject *)NULL)
#define PyErr_SetString(type, text) ((void)(error_set = 1))
#define PyErr_NoMemory() (error_set = 1, (PyObject *)NULL)
#define PyErr_Occurred() error_set
#define PyMem_Calloc calloc
#define PyMem_Malloc malloc
#define PyMem_Free free
#define PyBUF_SIMPLE 0
#define PyBUF_RECORDS 1
#define PyBUF_RECORDS_RO 0
#define PyList_Size(list) ((list)->number)
#define PyList_GetItem(list, i) ((list)->items[i])
#define PyTuple_Check(object) ((object)->kind == KIND_TUPLE)
#define Py_BEGIN_ALLOW_THREADS {
#define Py_END_ALLOW_THREADS }
#define Py_RETURN_NONE return &none

static inline int PyObject_GetBuffer(PyObject *object, Py_buffer *view, int flags)
{
    (void)flags;
    if (object->kind != KIND_ARRAY && object->kind != KIND_BYTES) {
        error_set = 1;
        return -1;
    }
    *view = object->view;
    return 0;
}

static inline void PyBuffer_Release(Py_buffer *view)
{
    memset(view, 0, sizeof *view); /* a later use is an error */
}

static inline PyObject *PyLong_FromSsize_t(Py_ssize_t number)
{
    result_object.kind = KIND_INTEGER;
    result_object.number = number;
    return &result_object;
}

/* The result is valid until the next call. */
static inline PyObject *PyBytes_FromStringAndSize(const char *text, Py_ssize_t size)
{
    free(result_object.view.buf);
    result_object.kind = KIND_BYTES;
    result_object.view.buf = memcpy(malloc(size ? size : 1), text, size);
    result_object.view.len = size;
    return &result_object;
}

static inline int PyArg_ParseTuple(PyObject *tuple, const char *format, ...)
{
    va_list given;
    Py_ssize_t i = 0;
    va_start(given, format);
    for (; *format; format++, i++) {
        PyObject *item = i < tuple->number ? tuple->items[i] : NULL;
        if (!item) {
            error_set = 1;
            break;
        }
        if (*format == 'O') {
            if (format[1] == '!') {
                format++;
                if ((int)item->kind != *va_arg(given, const int *)) {
                    error_set = 1;
                    break;
                }
            }
            *va_arg(given, PyObject **) = item;
        } else if (*format == 'n') {
            *va_arg(given, Py_ssize_t *) = item->number;
        } else {
            *va_arg(given, int *) = (int)item->number;
        }
    }
    va_end(given);
    return !*format && i == tuple->number;
}

/* Definition of the module. */
typedef struct {
    const char *name;
    PyObject *(*function)(PyObject *, PyObject *);
    int flags;
    const char *doc;
} PyMethodDef;

typedef struct {
    int slot;
    void *value;
} PyModuleDef_Slot;

struct PyModuleDef {
    int m_base;
    const char *m_name, *m_doc;
    Py_ssize_t m_size;
    PyMethodDef *m_methods;
    PyModuleDef_Slot *m_slots;
};

#define PyModuleDef_HEAD_INIT 0
#define METH_VARARGS 1
#define PyMODINIT_FUNC PyMethodDef *
#define PyModuleDef_Init(definition) (definition)->m_methods

#endif
