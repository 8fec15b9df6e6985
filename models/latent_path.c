/* The path of a latent neural SDE and its gradient: the loop of models/latent_path.py in C.
 *
 * One step, h = silu(A x + a u + b), (f, k, z) = C h + c:
 *     x' = x + sigmoid(k) (tanh(f) - x) + s softplus(z) xi
 * All arrays are float32, row-major, as the PyTorch path has them: start (B, D), drive (T, B),
 * noise and states (T, B, D), A (H, D), a (H), b (H), C (3D, H), c (3D).
 *
 * Sixteen paths (a tile) go through all steps together, so that everything they touch stays in the
 * first two caches. Along the lanes of a vector lie the units of a layer; with sixteen lanes a state
 * of sixteen is one vector, f, k and z are three, the hidden layer H / 16; nothing is ever transposed.
 * STATE, given at compile time, is what a state has room in: 16, or 32 for D from 17 on.
 * Every product is a small matrix product with its sums in registers: four rows by `WIDE` vectors,
 * so that what is loaded is used several times. backward() recomputes a step from the stored states
 * instead of storing its hidden layer. One call works on the paths first ... first + count - 1:
 * threads share a batch by calling it on parts of it.
 */
#include <stdint.h>
#include <string.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif

#ifdef __AVX512F__
#define LANES 16
#define WIDE 4
#else
#define LANES 8
#define WIDE 2                                        /* sixteen registers hold no more sums */
#endif
#define PARTS (STATE / LANES)                         /* vectors of a state */
#define RAW (3 * PARTS)                               /* ... and of f, k and z */
#define MAX_LATENT STATE
#define MAX_HIDDEN 128
#define MAX_BLOCKS (MAX_HIDDEN / LANES)
#define TILE 16
#define NOISE_SCALE 0.15f
#define INLINE static inline __attribute__((always_inline))

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));

/* Zeros pad every width to whole vectors: such units are 0 and get no gradient. Arrays over the
 * hidden layer are packed, `blocks` vectors a row: gaps would waste half of the first cache. */
typedef struct {
    int latent, blocks;                               /* blocks: of the hidden layer */
    vec in[(MAX_LATENT + 2) * MAX_BLOCKS];            /* by state, then drive, then bias */
    vec out[MAX_HIDDEN * RAW], out_bias[RAW];         /* by hidden unit: f, k, z */
    vec in_back[MAX_HIDDEN * PARTS];                  /* by hidden unit: states */
    vec out_back[3 * STATE * MAX_BLOCKS];             /* by raw output: hidden units */
} weights;

typedef struct {
    vec in[(MAX_LATENT + 2) * MAX_BLOCKS], out[3 * STATE * MAX_BLOCKS], out_bias[RAW];
} sums;

typedef struct {
    vec x[TILE * PARTS], xi[TILE * PARTS], grad[TILE * PARTS];
    float u[TILE];
    vec before[TILE * MAX_BLOCKS], gate[TILE * MAX_BLOCKS], h[TILE * MAX_BLOCKS];
    vec back[TILE * RAW];
} tile;

#ifdef __AVX512F__
INLINE vec splat(float x) { return (vec)_mm512_set1_ps(x); }
INLINE vec least(vec a, vec b) { return (vec)_mm512_min_ps((__m512)a, (__m512)b); }
INLINE vec most(vec a, vec b) { return (vec)_mm512_max_ps((__m512)a, (__m512)b); }
INLINE vec inverse(vec x) {
    vec guess = (vec)_mm512_rcp14_ps((__m512)x);      /* and one step of Newton: 2^-28 */
    return guess * (2.0f - x * guess);
}
INLINE vec nearest(vec x) { return (vec)_mm512_roundscale_ps((__m512)x, 0); }
INLINE vec times_power(vec x, vec n) { return (vec)_mm512_scalef_ps((__m512)x, (__m512)n); }
#define IN_REGISTER(V) __asm__("" : "+v"(V))          /* else each use loads it again */
#else
INLINE vec splat(float x) { return (vec){x, x, x, x, x, x, x, x}; }
INLINE vec choose(ivec which, vec a, vec b) { return (vec)(((ivec)a & which) | ((ivec)b & ~which)); }
INLINE vec least(vec a, vec b) { return choose(a < b, a, b); }
INLINE vec most(vec a, vec b) { return choose(a > b, a, b); }
INLINE vec inverse(vec x) { return 1.0f / x; }
INLINE vec nearest(vec x) { return (x + 12582912.0f) - 12582912.0f; }
INLINE vec times_power(vec x, vec n) {
    return x * (vec)((((ivec)(n + 12582912.0f)) - 0x4b400000 + 127) << 23);
}
#define IN_REGISTER(V)
#endif

/* 2^x = 2^n 2^r, |r| <= 1/2: the best polynomial of degree five, relative error below 8e-8.
   NaN stays NaN. */
INLINE vec exp2_(vec x) {
    x = least(most(x, splat(-120.0f)), splat(120.0f)) + (x - x);
    vec n = nearest(x), r = x - n;
    vec p = r * 0.0013276471519317915f + 0.009675541330669479f;
    p = p * r + 0.055507132749616155f;
    p = p * r + 0.24022119723934193f;
    p = p * r + 0.6931469670638644f;
    p = p * r + 1.0000000716546558f;
    return times_power(p, n);
}
#define LOG2_E 1.44269504f

INLINE vec vsigmoid(vec x) { return inverse(1.0f + exp2_(x * -LOG2_E)); }
INLINE vec vtanh(vec x) { return 1.0f - 2.0f * inverse(1.0f + exp2_(x * (2.0f * LOG2_E))); }

/* log(1 + exp z) = max(z, 0) + 2 atanh(e / (2 + e)), e = exp(-|z|): the series is short, y <= 1/3 */
INLINE vec vsoftplus(vec z) {
    vec e = exp2_(most(z, -z) * -LOG2_E);
    vec y = e * inverse(2.0f + e), q = y * y;
    vec s = 1.0f / 11 + q * (1.0f / 13);
    s = 1.0f / 9 + q * s;
    s = 1.0f / 7 + q * s;
    s = 1.0f / 5 + q * s;
    s = 1.0f / 3 + q * s;
    return most(z, splat(0)) + 2.0f * y * (1.0f + q * s);
}

static void take_weights(weights *w, int latent, int hidden, const float *in, const float *in_drive,
                         const float *in_bias, const float *out, const float *out_bias) {
    memset(w, 0, sizeof *w);
    w->latent = latent;
    w->blocks = (hidden + LANES - 1) / LANES;
    int row = w->blocks * LANES;
    for (int k = 0; k < hidden; k++) {
        for (int d = 0; d < latent; d++) {
            ((float *)w->in)[d * row + k] = in[k * latent + d];
            ((float *)w->in_back)[k * STATE + d] = in[k * latent + d];
        }
        ((float *)w->in)[MAX_LATENT * row + k] = in_drive[k];
        ((float *)w->in)[(MAX_LATENT + 1) * row + k] = in_bias[k];
        for (int part = 0; part < 3; part++)
            for (int d = 0; d < latent; d++) {
                float value = out[(part * latent + d) * hidden + k];
                ((float *)w->out)[(k * 3 + part) * STATE + d] = value;
                ((float *)w->out_back)[(part * STATE + d) * row + k] = value;
            }
    }
    for (int part = 0; part < 3; part++)
        for (int d = 0; d < latent; d++) ((float *)w->out_bias)[part * STATE + d] = out_bias[part * latent + d];
}

/* Rows of `latent` values <-> vectors; rows beyond the batch are zero. */
INLINE void load(vec *to, const float *from, int latent, int rows) {
    if (latent == STATE && rows == TILE) {
        memcpy(to, from, sizeof(float) * STATE * TILE);
        return;
    }
    memset(to, 0, sizeof(float) * STATE * TILE);
    for (int r = 0; r < rows; r++)
        memcpy(to + r * PARTS, from + r * latent, sizeof(float) * (size_t)latent);
}

INLINE void store(float *to, const vec *from, int latent, int rows) {
    for (int r = 0; r < rows; r++)
        memcpy(to + r * latent, from + r * PARTS, sizeof(float) * (size_t)latent);
}

/* sum[row][n] += sum over i of from[row][i] * by[i][n]: four rows by `wide` vectors, in registers. */
INLINE void accumulate(vec (*sum)[WIDE], const float *from, long from_step, const vec *by, long by_step,
                       int count, const int wide) {
    for (int i = 0; i < count; i++) {
        vec row[WIDE];
        for (int n = 0; n < wide; n++) {
            row[n] = by[i * by_step + n];
            IN_REGISTER(row[n]);
        }
        for (int r = 0; r < 4; r++) {
            vec value = splat(from[r * from_step + i]);
            for (int n = 0; n < wide; n++) sum[r][n] += value * row[n];
        }
    }
}

/* to[i][n] += sum over the rows of a tile of from[row][i] * by[row][n]: four i at a time. */
INLINE void outer_part(vec *to, long to_step, const float *from, long from_step, const vec *by,
                       long by_step, const int wide) {
    vec sum[4][WIDE];
    for (int i = 0; i < 4; i++)
        for (int n = 0; n < wide; n++) sum[i][n] = to[i * to_step + n];
    for (int r = 0; r < TILE; r++) {
        vec row[WIDE];
        for (int n = 0; n < wide; n++) {
            row[n] = by[r * by_step + n];
            IN_REGISTER(row[n]);
        }
        for (int i = 0; i < 4; i++) {
            vec value = splat(from[r * from_step + i]);
            for (int n = 0; n < wide; n++) sum[i][n] += value * row[n];
        }
    }
    for (int i = 0; i < 4; i++)
        for (int n = 0; n < wide; n++) to[i * to_step + n] = sum[i][n];
}

/* CALL(n, wide) for the vectors of a layer, WIDE at a time: `wide` is a constant within. */
#define BY_WIDE(BLOCKS, CALL)                                                                      \
    do {                                                                                           \
        int n_ = 0;                                                                                \
        for (; n_ + WIDE <= (BLOCKS); n_ += WIDE) CALL(n_, WIDE);                                  \
        if (WIDE > 3 && (BLOCKS) - n_ == 3) CALL(n_, 3);                                           \
        if (WIDE > 2 && (BLOCKS) - n_ == 2) CALL(n_, 2);                                           \
        if ((BLOCKS) - n_ == 1) CALL(n_, 1);                                                       \
    } while (0)

INLINE void outer(vec *to, long to_step, const float *from, long from_step, const vec *by,
                  long by_step, int blocks) {
#define OUTER(N, WIDTH) outer_part(to + N, to_step, from, from_step, by + N, by_step, WIDTH)
    BY_WIDE(blocks, OUTER);
}

/* Hidden units n ... n + wide - 1 of four rows. */
INLINE void hidden_part(const weights *w, tile *s, int r, int n, int latent, int blocks, const int wide,
                        const int keep_gate) {
    const vec *by_drive = w->in + MAX_LATENT * blocks + n, *bias = by_drive + blocks;
    vec sum[4][WIDE];
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < wide; i++) sum[q][i] = bias[i] + splat(s->u[r + q]) * by_drive[i];
    accumulate(sum, (const float *)s->x + r * STATE, STATE, w->in + n, blocks, latent, wide);
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < wide; i++) {
            vec gate = vsigmoid(sum[q][i]);
            s->h[(r + q) * blocks + n + i] = sum[q][i] * gate;
            if (keep_gate) s->gate[(r + q) * blocks + n + i] = gate;
        }
}

/* Hidden layer of a tile and f, k, z of four of its rows at a time, from its x and u. */
INLINE void hidden_layer(const weights *w, tile *s, int r, int latent, int blocks, const int keep_gate) {
#define HIDDEN(N, WIDTH) hidden_part(w, s, r, N, latent, blocks, WIDTH, keep_gate)
    BY_WIDE(blocks, HIDDEN);
}

INLINE void raw_part(const weights *w, const tile *s, int r, int n, int blocks, vec (*raw)[RAW],
                     const int wide) {
    vec sum[4][WIDE];
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < wide; i++) sum[q][i] = w->out_bias[n + i];
    accumulate(sum, (const float *)(s->h + r * blocks), LANES * blocks, w->out + n, RAW, LANES * blocks,
               wide);
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < wide; i++) raw[q][n + i] = sum[q][i];
}

/* f, k and z of four rows. */
INLINE void raw_outputs(const weights *w, const tile *s, int r, int blocks, vec (*raw)[RAW]) {
#define RAW_PART(N, WIDTH) raw_part(w, s, r, N, blocks, raw, WIDTH)
    BY_WIDE(RAW, RAW_PART);
}

/* Rows of the next step lie far off: ask for them early. */
INLINE void fetch(const float *from, int latent, int rows) {
    for (long i = 0; i < (long)latent * rows; i += 16) __builtin_prefetch(from + i);
}

INLINE void walk(const weights *w, tile *s, int latent, int blocks, int steps, int batch, int b, int rows,
                 const float *start, const float *drive, const float *noise, float *states) {
    load(s->x, start + (long)b * latent, latent, rows);
    memset(s->u, 0, sizeof s->u);
    for (long t = 0; t < steps; t++) {
        long here = (t * batch + b) * latent;
        memcpy(s->u, drive + t * batch + b, sizeof(float) * (size_t)rows);
        load(s->xi, noise + here, latent, rows);
        if (t + 1 < steps) fetch(noise + here + (long)batch * latent, latent, rows);
        for (int r = 0; r < TILE; r += 4) hidden_layer(w, s, r, latent, blocks, 0);
        for (int r = 0; r < TILE; r += 4) {
            vec raw[4][RAW];
            raw_outputs(w, s, r, blocks, raw);
            for (int q = 0; q < 4; q++)
                for (int p = 0; p < PARTS; p++) {
                    vec *x = s->x + (r + q) * PARTS + p, xi = s->xi[(r + q) * PARTS + p];
                    *x += vsigmoid(raw[q][PARTS + p]) * (vtanh(raw[q][p]) - *x)
                        + NOISE_SCALE * vsoftplus(raw[q][2 * PARTS + p]) * xi;
                }
        }
        store(states + here, s->x, latent, rows);
    }
}

INLINE float total(vec v) {
#ifdef __AVX512F__
    return _mm512_reduce_add_ps((__m512)v);
#else
    float sum = 0;
    for (int l = 0; l < LANES; l++) sum += v[l];
    return sum;
#endif
}

/* Gradients of hidden units n ... n + wide - 1 of four rows, before their bend. */
INLINE void hidden_back(const weights *w, tile *s, int r, int n, int latent, int blocks, const int wide,
                        vec *along) {
    const float *back = (const float *)(s->back + r * RAW);
    vec sum[4][WIDE];
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < wide; i++) sum[q][i] = splat(0);
    if (latent == STATE)                              /* f, k and z lie side by side */
        accumulate(sum, back, 3 * STATE, w->out_back + n, blocks, 3 * STATE, wide);
    else
        for (int part = 0; part < 3; part++)
            accumulate(sum, back + part * STATE, 3 * STATE, w->out_back + part * STATE * blocks + n,
                       blocks, latent, wide);
    for (int q = 0; q < 4; q++)
        for (int i = 0; i < wide; i++) {
            long at = (r + q) * blocks + n + i;
            vec before = sum[q][i] * (s->gate[at] + s->h[at] * (1.0f - s->gate[at]));
            s->before[at] = before;
            along[q] += w->in[MAX_LATENT * blocks + n + i] * before;
        }
}

/* One step backwards: `grad` holds the gradient of the new state, becomes that of the old one. */
INLINE void step_back(const weights *w, tile *s, int latent, int blocks, float *grad_u) {
    for (int r = 0; r < TILE; r += 4) hidden_layer(w, s, r, latent, blocks, 1);
    for (int r = 0; r < TILE; r += 4) {
        vec raw[4][RAW], along[4];
        raw_outputs(w, s, r, blocks, raw);
        for (int q = 0; q < 4; q++) {
            for (int p = 0; p < PARTS; p++) {
                int at = (r + q) * PARTS + p;
                vec *back = s->back + (r + q) * RAW + p, grad = s->grad[at];
                vec goal = vtanh(raw[q][p]), gate = vsigmoid(raw[q][PARTS + p]), keep = 1.0f - gate;
                back[0] = grad * gate * (1.0f - goal * goal);
                back[PARTS] = grad * (goal - s->x[at]) * gate * keep;
                back[2 * PARTS] = grad * s->xi[at] * NOISE_SCALE * vsigmoid(raw[q][2 * PARTS + p]);
                s->grad[at] = grad * keep;
            }
            along[q] = splat(0);
        }
#define HIDDEN_BACK(N, WIDTH) hidden_back(w, s, r, N, latent, blocks, WIDTH, along)
        BY_WIDE(blocks, HIDDEN_BACK);
        for (int q = 0; q < 4; q++) grad_u[r + q] = total(along[q]);
    }
    for (int r = 0; r < TILE; r += 8 / PARTS) {       /* eight sums: four would wait for each other */
        vec sum[8 / PARTS][PARTS];
        for (int q = 0; q < 8 / PARTS; q++)
            for (int p = 0; p < PARTS; p++) sum[q][p] = s->grad[(r + q) * PARTS + p];
        const float *before = (const float *)(s->before + r * blocks);
        for (int k = 0; k < LANES * blocks; k++) {
            vec row[PARTS];
            for (int p = 0; p < PARTS; p++) {
                row[p] = w->in_back[k * PARTS + p];
                IN_REGISTER(row[p]);
            }
            for (int q = 0; q < 8 / PARTS; q++) {
                vec value = splat(before[q * LANES * blocks + k]);
                for (int p = 0; p < PARTS; p++) sum[q][p] += value * row[p];
            }
        }
        for (int q = 0; q < 8 / PARTS; q++)
            for (int p = 0; p < PARTS; p++) s->grad[(r + q) * PARTS + p] = sum[q][p];
    }
}

/* The weights' gradients of one step. */
INLINE void collect(const tile *s, int latent, int blocks, sums *g) {
    int padded = (latent + 3) / 4 * 4;
    for (int i = 0; i < padded; i += 4) {
        outer(g->in + i * blocks, blocks, (const float *)s->x + i, STATE, s->before, blocks, blocks);
        for (int part = 0; part < 3; part++)
            outer(g->out + (part * STATE + i) * blocks, blocks,
                  (const float *)s->back + part * STATE + i, 3 * STATE, s->h, blocks, blocks);
    }
    for (int n = 0; n < blocks; n++) {
        vec of_drive = splat(0), of_bias = splat(0);
        for (int r = 0; r < TILE; r++) {
            of_drive += splat(s->u[r]) * s->before[r * blocks + n];
            of_bias += s->before[r * blocks + n];
        }
        g->in[MAX_LATENT * blocks + n] += of_drive;
        g->in[(MAX_LATENT + 1) * blocks + n] += of_bias;
    }
    for (int n = 0; n < RAW; n++) {
        vec of_bias = splat(0);
        for (int r = 0; r < TILE; r++) of_bias += s->back[r * RAW + n];
        g->out_bias[n] += of_bias;
    }
}

INLINE void walk_back(const weights *w, tile *s, int latent, int blocks, int steps, int batch, int b,
                      int rows, const float *start, const float *drive, const float *noise,
                      const float *states, const float *grad_states, float *grad_start,
                      float *grad_drive, sums *g) {
    vec more[TILE * PARTS];
    float grad_u[TILE];
    memset(s->grad, 0, sizeof s->grad);
    memset(s->u, 0, sizeof s->u);
    for (long t = steps - 1; t >= 0; t--) {
        long here = (t * batch + b) * latent;
        load(more, grad_states + here, latent, rows);
        for (int i = 0; i < TILE * PARTS; i++) s->grad[i] += more[i];
        memcpy(s->u, drive + t * batch + b, sizeof(float) * (size_t)rows);
        load(s->xi, noise + here, latent, rows);
        if (t > 0) {
            long before = here - (long)batch * latent;
            fetch(grad_states + before, latent, rows);
            fetch(noise + before, latent, rows);
            if (t > 1) fetch(states + before - (long)batch * latent, latent, rows);
        }
        load(s->x, t > 0 ? states + here - (long)batch * latent : start + (long)b * latent, latent, rows);
        step_back(w, s, latent, blocks, grad_u);
        if (g) collect(s, latent, blocks, g);
        memcpy(grad_drive + t * batch + b, grad_u, sizeof(float) * (size_t)rows);
    }
    store(grad_start + (long)b * latent, s->grad, latent, rows);
}

/* The widths as constants where they are the usual ones: the compiler unrolls what it knows. */
/* A thread's own room: what Windows gives a thread is aligned to 16 bytes, whatever is asked for. */
#define ITS_OWN(TYPE, NAME)                                                                        \
    static _Thread_local char NAME##_room[sizeof(TYPE) + sizeof(vec)];                             \
    TYPE *NAME = (TYPE *)(((uintptr_t)NAME##_room + sizeof(vec) - 1) / sizeof(vec) * sizeof(vec))

#define BY_WIDTH(CALL)                                                                             \
    if (latent == STATE && w->blocks == 64 / LANES) CALL(STATE, 64 / LANES);                       \
    else if (latent == STATE) CALL(STATE, w->blocks);                                              \
    else CALL(latent, w->blocks)

void forward(const float *start, const float *drive, const float *noise, const float *in,
             const float *in_drive, const float *in_bias, const float *out, const float *out_bias,
             int steps, int batch, int latent, int hidden, int first, int count, float *states) {
    ITS_OWN(weights, w);
    ITS_OWN(tile, s);
    take_weights(w, latent, hidden, in, in_drive, in_bias, out, out_bias);
    for (int b = first; b < first + count; b += TILE) {
        int left = first + count - b, rows = left < TILE ? left : TILE;
#define WALK(LATENT, BLOCKS)                                                                       \
        walk(w, s, LATENT, BLOCKS, steps, batch, b, rows, start, drive, noise, states)
        BY_WIDTH(WALK);
    }
}

static void give_sums(const sums *g, int latent, int hidden, float *in, float *in_drive, float *in_bias,
                      float *out, float *out_bias) {
    const float *of_in = (const float *)g->in, *of_out = (const float *)g->out;
    int row = (hidden + LANES - 1) / LANES * LANES;
    for (int k = 0; k < hidden; k++) {
        for (int d = 0; d < latent; d++) in[k * latent + d] = of_in[d * row + k];
        in_drive[k] = of_in[MAX_LATENT * row + k];
        in_bias[k] = of_in[(MAX_LATENT + 1) * row + k];
        for (int part = 0; part < 3; part++)
            for (int d = 0; d < latent; d++)
                out[(part * latent + d) * hidden + k] = of_out[(part * STATE + d) * row + k];
    }
    for (int part = 0; part < 3; part++)
        for (int d = 0; d < latent; d++) out_bias[part * latent + d] = ((const float *)g->out_bias)[part * STATE + d];
}

/* The gradients of `grad_states` (T, B, D); grad_in == NULL: those of the weights aren't wanted. */
void backward(const float *start, const float *drive, const float *noise, const float *in,
              const float *in_drive, const float *in_bias, const float *out, const float *out_bias,
              int steps, int batch, int latent, int hidden, int first, int count, const float *states,
              const float *grad_states, float *grad_start, float *grad_drive, float *grad_in,
              float *grad_in_drive, float *grad_in_bias, float *grad_out, float *grad_out_bias) {
    ITS_OWN(weights, w);
    ITS_OWN(tile, s);
    ITS_OWN(sums, g);
    if (grad_in) memset(g, 0, sizeof *g);
    take_weights(w, latent, hidden, in, in_drive, in_bias, out, out_bias);
    for (int b = first; b < first + count; b += TILE) {
        int left = first + count - b, rows = left < TILE ? left : TILE;
#define WALK_BACK(LATENT, BLOCKS)                                                                  \
        walk_back(w, s, LATENT, BLOCKS, steps, batch, b, rows, start, drive, noise, states,        \
                  grad_states, grad_start, grad_drive, grad_in ? g : 0)
        BY_WIDTH(WALK_BACK);
    }
    if (grad_in) give_sums(g, latent, hidden, grad_in, grad_in_drive, grad_in_bias, grad_out, grad_out_bias);
}

/* The hash of this source, given at compile time: a kernel that was built from another is refused. */
const char *source_hash(void) { return SOURCE_HASH; }
