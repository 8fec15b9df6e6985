/* The path of a latent neural SDE and its gradient: the loop of models/latent_path.py in C.
 *
 * One step, h = silu(A x + a u + b), (f, k, z) = C h + c:
 *     x' = x + sigmoid(k) (tanh(f) - x) + s softplus(z) xi
 * All arrays are float32, row-major, as the PyTorch path has them: start (B, D), drive (T, B),
 * noise and states (T, B, D), A (H, D), a (H), b (H), C (3D, H), c (3D).
 * Sixteen columns of the batch go through all steps together, so that everything they touch stays
 * in the first-level cache; backward() recomputes a step from the stored states instead of storing
 * its hidden layer. One thread: parallelism lies over jobs.
 */
#include <stdint.h>
#include <string.h>

#define LANES 16
#define MAX_LATENT 16
#define MAX_HIDDEN 128
#define NOISE_SCALE 0.15f

typedef float vec __attribute__((vector_size(4 * LANES)));
typedef int32_t ivec __attribute__((vector_size(4 * LANES)));

typedef struct {
    int latent, hidden;                       /* hidden is padded to a multiple of LANES with zeros */
    float in[MAX_HIDDEN][MAX_LATENT], in_drive[MAX_HIDDEN], in_bias[MAX_HIDDEN];
    float out[3 * MAX_LATENT][MAX_HIDDEN], out_bias[3 * MAX_LATENT];
} weights;

typedef struct {
    vec before[MAX_HIDDEN], gate[MAX_HIDDEN], h[MAX_HIDDEN];
    vec raw[3 * MAX_LATENT];
} layer;

static inline vec splat(float x) { return (vec){0} + x; }

static inline vec choose(ivec which, vec a, vec b) { return (vec)(((ivec)a & which) | ((ivec)b & ~which)); }
static inline vec least(vec a, vec b) { return choose(a < b, a, b); }
static inline vec most(vec a, vec b) { return choose(a > b, a, b); }

/* exp: x = n ln2 + r, |r| <= ln2/2, polynomial of degree six; relative error below 2e-7. */
static inline vec vexp(vec x) {
    x = least(most(x, splat(-87.0f)), splat(87.0f));
    vec scaled = x * 1.44269504f + 12582912.0f;
    vec n = scaled - 12582912.0f;
    vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
    vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    p = p * r * r + r + 1.0f;
    ivec power = (__builtin_convertvector(n, ivec) + 127) << 23;
    vec two_n;
    memcpy(&two_n, &power, sizeof two_n);
    return p * two_n;
}

static inline vec vsigmoid(vec x) { return 1.0f / (1.0f + vexp(-x)); }

static inline vec vtanh(vec x) { return 1.0f - 2.0f / (1.0f + vexp(2.0f * x)); }

/* log(1 + exp z) = max(z, 0) + 2 atanh(e / (2 + e)), e = exp(-|z|): the series is short, y <= 1/3 */
static inline vec vsoftplus(vec z) {
    vec e = vexp(-most(z, -z));
    vec y = e / (2.0f + e), q = y * y;
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
    w->hidden = (hidden + LANES - 1) / LANES * LANES;
    for (int k = 0; k < hidden; k++) {
        for (int d = 0; d < latent; d++) w->in[k][d] = in[k * latent + d];
        w->in_drive[k] = in_drive[k];
        w->in_bias[k] = in_bias[k];
        for (int j = 0; j < 3 * latent; j++) w->out[j][k] = out[j * hidden + k];
    }
    for (int j = 0; j < 3 * latent; j++) w->out_bias[j] = out_bias[j];
}

/* Read `width` values of up to sixteen batch columns, columns beyond the batch as zero. */
static inline void load(vec *to, const float *from, int width, int columns) {
    float *flat = (float *)to;
    if (columns < LANES) memset(to, 0, sizeof(vec) * (size_t)width);
    for (int l = 0; l < columns; l++)
        for (int d = 0; d < width; d++) flat[d * LANES + l] = from[l * width + d];
}

static inline void store(float *to, const vec *from, int width, int columns) {
    const float *flat = (const float *)from;
    for (int l = 0; l < columns; l++)
        for (int d = 0; d < width; d++) to[l * width + d] = flat[d * LANES + l];
}

static inline void evaluate(const weights *w, const vec *x, vec u, layer *v) {
    for (int k = 0; k < w->hidden; k += 4) {
        vec s0 = w->in_bias[k] + w->in_drive[k] * u;
        vec s1 = w->in_bias[k + 1] + w->in_drive[k + 1] * u;
        vec s2 = w->in_bias[k + 2] + w->in_drive[k + 2] * u;
        vec s3 = w->in_bias[k + 3] + w->in_drive[k + 3] * u;
        for (int d = 0; d < w->latent; d++) {
            s0 += w->in[k][d] * x[d];
            s1 += w->in[k + 1][d] * x[d];
            s2 += w->in[k + 2][d] * x[d];
            s3 += w->in[k + 3][d] * x[d];
        }
        v->before[k] = s0; v->before[k + 1] = s1; v->before[k + 2] = s2; v->before[k + 3] = s3;
    }
    for (int k = 0; k < w->hidden; k++) {
        v->gate[k] = vsigmoid(v->before[k]);
        v->h[k] = v->before[k] * v->gate[k];
    }
    for (int j = 0; j < 3 * w->latent; j += 2) {
        vec s0 = splat(w->out_bias[j]), s1 = splat(w->out_bias[j + 1]), t0 = splat(0), t1 = splat(0);
        for (int k = 0; k < w->hidden; k += 2) {
            s0 += w->out[j][k] * v->h[k];
            s1 += w->out[j + 1][k] * v->h[k];
            t0 += w->out[j][k + 1] * v->h[k + 1];
            t1 += w->out[j + 1][k + 1] * v->h[k + 1];
        }
        v->raw[j] = s0 + t0;
        v->raw[j + 1] = s1 + t1;
    }
}

void forward(const float *start, const float *drive, const float *noise, const float *in,
             const float *in_drive, const float *in_bias, const float *out, const float *out_bias,
             int steps, int batch, int latent, int hidden, float *states) {
    weights w;
    layer v;
    take_weights(&w, latent, hidden, in, in_drive, in_bias, out, out_bias);
    for (int b = 0; b < batch; b += LANES) {
        int columns = batch - b < LANES ? batch - b : LANES;
        vec x[MAX_LATENT], xi[MAX_LATENT], u;
        load(x, start + (long)b * latent, latent, columns);
        for (long t = 0; t < steps; t++) {
            load(&u, drive + t * batch + b, 1, columns);
            load(xi, noise + (t * batch + b) * latent, latent, columns);
            evaluate(&w, x, u, &v);
            for (int d = 0; d < latent; d++)
                x[d] += vsigmoid(v.raw[latent + d]) * (vtanh(v.raw[d]) - x[d])
                      + NOISE_SCALE * vsoftplus(v.raw[2 * latent + d]) * xi[d];
            store(states + (t * batch + b) * latent, x, latent, columns);
        }
    }
}

/* The weights' gradients, hidden units along the lanes: small enough to stay in the first cache. */
typedef struct {
    vec in[MAX_LATENT][MAX_HIDDEN / LANES], in_drive[MAX_HIDDEN / LANES], in_bias[MAX_HIDDEN / LANES];
    vec out[3 * MAX_LATENT][MAX_HIDDEN / LANES], out_bias[3 * MAX_LATENT];
} sums;

static inline float total(vec v) {
    float s = 0;
    for (int l = 0; l < LANES; l++) s += v[l];
    return s;
}

static void give_sums(const sums *g, int latent, int hidden, float *in, float *in_drive, float *in_bias,
                      float *out, float *out_bias) {
    for (int k = 0; k < hidden; k++) {
        for (int d = 0; d < latent; d++) in[k * latent + d] = g->in[d][k / LANES][k % LANES];
        in_drive[k] = g->in_drive[k / LANES][k % LANES];
        in_bias[k] = g->in_bias[k / LANES][k % LANES];
        for (int j = 0; j < 3 * latent; j++) out[j * hidden + k] = g->out[j][k / LANES][k % LANES];
    }
    for (int j = 0; j < 3 * latent; j++) out_bias[j] = total(g->out_bias[j]);
}

/* Columns of the batch along the lanes -> hidden units along the lanes: to[column][unit]. */
static inline void turn(vec (*to)[MAX_HIDDEN / LANES], const vec *from, int hidden) {
    const float *flat = (const float *)from;
    for (int l = 0; l < LANES; l++) {
        float *row = (float *)to[l];
        for (int k = 0; k < hidden; k++) row[k] = flat[k * LANES + l];
    }
}

/* sum[unit] += over the columns, value[column] * rows[column][unit] */
static inline void gather(vec *sum, vec value, vec (*rows)[MAX_HIDDEN / LANES], int blocks) {
    for (int k = 0; k < blocks; k += 4) {
        vec s0 = sum[k], s1 = splat(0), s2 = s1, s3 = s1;
        int more = blocks - k;
        for (int l = 0; l < LANES; l++) {
            s0 += value[l] * rows[l][k];
            if (more > 1) s1 += value[l] * rows[l][k + 1];
            if (more > 2) s2 += value[l] * rows[l][k + 2];
            if (more > 3) s3 += value[l] * rows[l][k + 3];
        }
        sum[k] = s0;
        if (more > 1) sum[k + 1] += s1;
        if (more > 2) sum[k + 2] += s2;
        if (more > 3) sum[k + 3] += s3;
    }
}

static void collect(sums *g, const weights *w, const layer *v, const vec *before, const vec *raw,
                    const vec *x, vec u) {
    vec rows[LANES][MAX_HIDDEN / LANES];
    int blocks = w->hidden / LANES;
    turn(rows, before, w->hidden);
    for (int d = 0; d < w->latent; d++) gather(g->in[d], x[d], rows, blocks);
    gather(g->in_drive, u, rows, blocks);
    gather(g->in_bias, splat(1), rows, blocks);
    turn(rows, v->h, w->hidden);
    for (int j = 0; j < 3 * w->latent; j++) {
        gather(g->out[j], raw[j], rows, blocks);
        g->out_bias[j] += raw[j];
    }
}

/* One step backwards: `grad` holds the gradient of the new state, becomes that of the old one. */
static inline vec step_back(const weights *w, const layer *v, const vec *x, vec u, const vec *xi,
                            vec *grad, sums *g) {
    int latent = w->latent;
    vec raw[3 * MAX_LATENT + 1], grad_u = splat(0);
    raw[3 * latent] = splat(0);               /* rows are read in pairs; 3 D may be odd */
    for (int d = 0; d < latent; d++) {
        vec goal = vtanh(v->raw[d]), gate = vsigmoid(v->raw[latent + d]), keep = 1.0f - gate;
        raw[d] = grad[d] * gate * (1.0f - goal * goal);
        raw[latent + d] = grad[d] * (goal - x[d]) * gate * keep;
        raw[2 * latent + d] = grad[d] * xi[d] * NOISE_SCALE * vsigmoid(v->raw[2 * latent + d]);
        grad[d] *= keep;
    }
    vec before[MAX_HIDDEN];
    for (int k = 0; k < w->hidden; k++) {
        vec s = splat(0), t = splat(0);
        for (int j = 0; j < 3 * latent; j += 2) {
            s += w->out[j][k] * raw[j];
            t += w->out[j + 1][k] * raw[j + 1];
        }
        before[k] = (s + t) * (v->gate[k] + v->h[k] * (1.0f - v->gate[k]));
        grad_u += w->in_drive[k] * before[k];
        for (int d = 0; d < latent; d++) grad[d] += w->in[k][d] * before[k];
    }
    if (g) collect(g, w, v, before, raw, x, u);
    return grad_u;
}

/* The gradients of `grad_states` (T, B, D); grad_in == NULL: those of the weights aren't wanted. */
void backward(const float *start, const float *drive, const float *noise, const float *in,
              const float *in_drive, const float *in_bias, const float *out, const float *out_bias,
              int steps, int batch, int latent, int hidden, const float *states,
              const float *grad_states, float *grad_start, float *grad_drive, float *grad_in,
              float *grad_in_drive, float *grad_in_bias, float *grad_out, float *grad_out_bias) {
    weights w;
    layer v;
    static _Thread_local sums g;
    if (grad_in) memset(&g, 0, sizeof g);
    take_weights(&w, latent, hidden, in, in_drive, in_bias, out, out_bias);
    for (int b = 0; b < batch; b += LANES) {
        int columns = batch - b < LANES ? batch - b : LANES;
        vec grad[MAX_LATENT], x[MAX_LATENT], xi[MAX_LATENT], more[MAX_LATENT], u;
        memset(grad, 0, sizeof grad);
        for (long t = steps - 1; t >= 0; t--) {
            long here = (t * batch + b) * latent;
            load(more, grad_states + here, latent, columns);
            for (int d = 0; d < latent; d++) grad[d] += more[d];
            load(&u, drive + t * batch + b, 1, columns);
            load(xi, noise + here, latent, columns);
            if (t > 0) load(x, states + here - (long)batch * latent, latent, columns);
            else load(x, start + (long)b * latent, latent, columns);
            evaluate(&w, x, u, &v);
            vec grad_u = step_back(&w, &v, x, u, xi, grad, grad_in ? &g : 0);
            store(grad_drive + t * batch + b, &grad_u, 1, columns);
        }
        store(grad_start + (long)b * latent, grad, latent, columns);
    }
    if (grad_in) give_sums(&g, latent, hidden, grad_in, grad_in_drive, grad_in_bias, grad_out, grad_out_bias);
}

/* The hash of this source, given at compile time: a kernel that was built from another is refused. */
const char *source_hash(void) { return SOURCE_HASH; }
