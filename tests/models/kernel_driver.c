/* Both kernels on numbers of a generator, in this thread and in others: sums of what they return.
 *
 * Run natively and by Wine, the same numbers come out: `test_kernel_elsewhere.py`.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#ifdef _WIN32
#include <windows.h>
#define OPEN(PATH) (void *)LoadLibraryA(PATH)
#define FIND(LIBRARY, NAME) (void *)GetProcAddress((HMODULE)LIBRARY, NAME)
#else
#include <dlfcn.h>
#include <pthread.h>
#define OPEN(PATH) dlopen(PATH, RTLD_NOW)
#define FIND(LIBRARY, NAME) dlsym(LIBRARY, NAME)
#endif

enum { T = 30, B = 37, D = 12, H = 40, C = 2, THREADS = 12 };
typedef void forward_of(float *, float *, float *, float *, float *, float *, float *, float *, int, int, int,
                        int, int, int, float *);
typedef void backward_of(float *, float *, float *, float *, float *, float *, float *, float *, int, int, int,
                         int, int, int, float *, float *, float *, float *, float *, float *, float *, float *,
                         float *);
typedef double innovations_of(double *, double *, double *, double **, int, int, int, int, int, int, int,
                              double **);
static void *path_library, *innovations_library;
static uint64_t state;

static double uniform(void) {                         /* xorshift64, -1/2 ... 1/2 */
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) / 9007199254740992.0 - 0.5;
}

static float *floats(size_t size, double scale) {
    float *all = malloc(size * sizeof *all);
    for (size_t i = 0; i < size; i++) all[i] = (float)(scale * uniform());
    return all;
}

static double *doubles(size_t size, double scale, double offset) {
    double *all = malloc(size * sizeof *all);
    for (size_t i = 0; i < size; i++) all[i] = offset + scale * uniform();
    return all;
}

static void told(const char *name, const float *of_floats, const double *of_doubles, size_t size) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < size; i++) {
        double x = of_floats ? of_floats[i] : of_doubles[i];
        sum += x;
        squares += x * x;
    }
    printf("%s %.4g %.4g\n", name, sum, squares);
}

static void path(void) {
    size_t sizes[] = {B * D, T * B, H * D, H, H, 3 * D * H, 3 * D};
    float *start = floats(B * D, 2), *drive = floats(T * B, 2), *noise = floats(T * B * D, 2), *w[5], *g[7];
    float *states = floats(T * B * D, 0), *wanted = floats(T * B * D, 1);
    for (int i = 0; i < 5; i++) w[i] = floats(sizes[i + 2], 1);
    for (int i = 0; i < 7; i++) g[i] = floats(sizes[i], 0);
    ((forward_of *)FIND(path_library, "forward"))(start, drive, noise, w[0], w[1], w[2], w[3], w[4], T, B, D, H, 0,
                                                  B, states);
    ((backward_of *)FIND(path_library, "backward"))(start, drive, noise, w[0], w[1], w[2], w[3], w[4], T, B, D, H,
                                                    0, B, states, wanted, g[0], g[1], g[2], g[3], g[4], g[5], g[6]);
    told("states", states, 0, T * B * D);
    for (int i = 0; i < 7; i++) told("gradient", g[i], 0, sizes[i]);
}

static void innovations(void) {
    size_t sizes[] = {H * D, H, H, 3 * D * H, 3 * D, D, D, C * D, C, C * C};
    double *drive = doubles(T * B, 2, 0), *real = doubles(T * B * C, 1, 0), *known = doubles(T * B, 0, 1);
    double *w[10], *g[10];
    for (int i = 0; i < 10; i++) {
        w[i] = doubles(sizes[i], i == 6 ? 0.1 : 1, i == 6 ? 0.2 : 0);
        g[i] = doubles(sizes[i], 0, 0);
    }
    for (int i = 0; i < C * C; i++) w[9][i] = i % (C + 1) ? 0.01 : 0.1;
    double loss = ((innovations_of *)FIND(innovations_library, "innovations"))(drive, real, known, w, T, B, D, H, C,
                                                                               0, B, g);
    told("loss", 0, &loss, 1);
    for (int i = 0; i < 10; i++) told("gradient", 0, g[i], sizes[i]);
}

static void both(void) {
    state = 88172645463325252u;
    path();
    innovations();
}

#ifdef _WIN32
static DWORD WINAPI thread(void *nothing) {
#else
static void *thread(void *nothing) {
#endif
    (void)nothing;
    both();
    return 0;
}

int main(int count, char **words) {
    if (count != 3) return 2;
    path_library = OPEN(words[1]);
    innovations_library = OPEN(words[2]);
    if (!path_library || !innovations_library) return 3;
    both();
    for (size_t i = 0; i < THREADS; i++) {            /* one at a time, their rooms at other addresses */
        if (!malloc(48 + 16 * i)) return 4;
#ifdef _WIN32
        HANDLE other = CreateThread(0, 0, thread, 0, 0, 0);
        WaitForSingleObject(other, INFINITE);
#else
        pthread_t other;
        pthread_create(&other, 0, thread, 0);
        pthread_join(other, 0);
#endif
    }
    return 0;
}
