/* What Wine 10 lacks of Windows' C library: complex functions, which NumPy and SciPy import, and
 * what Intel's OpenMP asks of the kernel. Of the principal values only; accurate enough to run. */
#include <math.h>
#include <string.h>

typedef struct { double re, im; } Double;
typedef struct { float re, im; } Float;

static double own_real(Double z) { return z.re; }
static double own_imag(Double z) { return z.im; }
static double own_abs(Double z) { return hypot(z.re, z.im); }
static double own_arg(Double z) { return atan2(z.im, z.re); }

static Double times(Double a, Double b) {
    return (Double){a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}
static Double over(Double a, Double b) {
    double n = b.re * b.re + b.im * b.im;
    return (Double){(a.re * b.re + a.im * b.im) / n, (a.im * b.re - a.re * b.im) / n};
}
static Double own_exp(Double z) {
    return (Double){exp(z.re) * cos(z.im), exp(z.re) * sin(z.im)};
}
static Double own_log(Double z) { return (Double){log(own_abs(z)), own_arg(z)}; }
static Double own_sqrt(Double z) {
    double r = sqrt(own_abs(z)), half = own_arg(z) / 2;
    return (Double){r * cos(half), r * sin(half)};
}
static Double own_sin(Double z) {
    return (Double){sin(z.re) * cosh(z.im), cos(z.re) * sinh(z.im)};
}
static Double own_cos(Double z) {
    return (Double){cos(z.re) * cosh(z.im), -sin(z.re) * sinh(z.im)};
}
static Double own_sinh(Double z) {
    return (Double){sinh(z.re) * cos(z.im), cosh(z.re) * sin(z.im)};
}
static Double own_cosh(Double z) {
    return (Double){cosh(z.re) * cos(z.im), sinh(z.re) * sin(z.im)};
}
static Double own_tan(Double z) { return over(own_sin(z), own_cos(z)); }
static Double own_tanh(Double z) { return over(own_sinh(z), own_cosh(z)); }
static Double own_atan(Double z) {
    Double a = own_log((Double){1 + z.im, -z.re}), b = own_log((Double){1 - z.im, z.re});
    return (Double){(b.im - a.im) / 2, (a.re - b.re) / 2};
}
static Double own_pow(Double a, Double b) { return own_exp(times(b, own_log(a))); }

#define WIDE(z) ((Double){(z).re, (z).im})
#define NUMBER(name) \
    double lacking_c##name(Double z) { return own_##name(z); } \
    double lacking_c##name##l(Double z) { return own_##name(z); } \
    float lacking_c##name##f(Float z) { return (float)own_##name(WIDE(z)); }
#define FUNCTION(name) \
    Double lacking_c##name(Double z) { return own_##name(z); } \
    Double lacking_c##name##l(Double z) { return own_##name(z); } \
    Float lacking_c##name##f(Float z) { \
        Double r = own_##name(WIDE(z)); \
        return (Float){(float)r.re, (float)r.im}; \
    }

NUMBER(real) NUMBER(imag) NUMBER(abs) NUMBER(arg)
FUNCTION(exp) FUNCTION(log) FUNCTION(sqrt) FUNCTION(sin) FUNCTION(cos) FUNCTION(tan)
FUNCTION(sinh) FUNCTION(cosh) FUNCTION(tanh) FUNCTION(atan)

Double lacking_cpow(Double a, Double b) { return own_pow(a, b); }
Double lacking_cpowl(Double a, Double b) { return own_pow(a, b); }
Float lacking_cpowf(Float a, Float b) {
    Double r = own_pow(WIDE(a), WIDE(b));
    return (Float){(float)r.re, (float)r.im};
}
Float lacking__FCbuild(float re, float im) { return (Float){re, im}; }
Double lacking__LCbuild(double re, double im) { return (Double){re, im}; }

typedef struct { unsigned long long mask; unsigned short group, reserved[3]; } Affinity;

/* One node of two processors, as the tests' machines. */
int lacking_GetNumaNodeProcessorMaskEx(unsigned short node, Affinity *found) {
    memset(found, 0, sizeof *found);
    found->mask = node ? 0 : 3;
    return !node;
}

/* ICU's converters, of which Qt asks for the names of codecs: there are none. */
void *lacking_icu(void) { return NULL; }
