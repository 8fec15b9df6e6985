/* The innovations likelihood of a latent twin and its gradient: training/likelihood.py in C.
 *
 * An extended Kalman filter along each measured repeat, and the way back through it. One step, with
 * h = silu(A x + a u + b), (f, k, z) = C h + c, gate = sigmoid(A x + a u + b):
 *     m = x + rate (goal - x),  goal = tanh f, rate = sigmoid(k), spread = s softplus(z)
 *     J = (diag(c1) C_f + diag(c2) C_k) diag(bend) A + diag(1 - rate),       the slope of m in x
 *         c1 = rate (1 - goal^2), c2 = rate (1 - rate) (goal - x), bend = the slope of silu
 *     P- = J P J' + diag(spread^2)
 *     e = y - (H m + d), G = P- H', S = H G + R, K = G S^-1:  x' = m + K e,  P' = P- - K G'
 *     loss = (e' S^-1 e + ln det S) / 2 (the constant is the caller's), where something was measured
 * All arrays are float64, row-major: drive and known (T, B), real (T, B, C), A (H, D), a (H), b (H),
 * C (3D, H), c (3D), start mean and variance (D), H (C, D), d (C), R (C, C). D <= STATE, H <= 128,
 * C <= 8.
 *
 * Along the lanes of a vector lie paths; a tile of LANES goes through all steps together. What a
 * step begins with is kept, the rest is computed again on the way back, and the weights' gradients
 * are collected in the same pass, lane by lane. One call works on the paths first ... first + count
 * - 1: threads share a batch by calling it on parts of it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef __AVX512F__
#define LANES 8
#else
#define LANES 4
#endif
#define WIDE 8                                        /* sums of a product that are held in registers */
#define MAX_HIDDEN 128
#define MAX_CHANNELS 8
#define NOISE_SCALE 0.15
#define INLINE static inline __attribute__((always_inline))
#define FOR(I, N) for (int I = 0; I < (N); I++)

typedef double vec __attribute__((vector_size(8 * LANES)));
typedef int64_t ivec __attribute__((vector_size(8 * LANES)));

/* Zeros pad the states to STATE and the hidden units to a multiple of WIDE: they get no gradient. */
typedef struct {
    int hidden, channels;
    double in[MAX_HIDDEN * STATE], in_by_state[STATE * MAX_HIDDEN];      /* A and its transpose */
    double in_drive[MAX_HIDDEN], in_bias[MAX_HIDDEN];
    double out[3 * STATE * MAX_HIDDEN], out_by_unit[MAX_HIDDEN * 3 * STATE], out_bias[3 * STATE];
    double decoder[MAX_CHANNELS * STATE], decoder_bias[MAX_CHANNELS];
    double noise[MAX_CHANNELS * MAX_CHANNELS], start_mean[STATE], start_variance[STATE];
} weights;

typedef struct {
    vec in[MAX_HIDDEN * STATE], in_drive[MAX_HIDDEN], in_bias[MAX_HIDDEN];
    vec out[3 * STATE * MAX_HIDDEN], out_bias[3 * STATE];
    vec decoder[MAX_CHANNELS * STATE], decoder_bias[MAX_CHANNELS];
    vec noise[MAX_CHANNELS * MAX_CHANNELS], start_mean[STATE], start_variance[STATE];
} sums;

/* A step of a tile: from what it begins with (x, P) to the foreseen response. */
typedef struct {
    vec x[STATE], P[STATE * STATE];
    vec before[MAX_HIDDEN], gate[MAX_HIDDEN], h[MAX_HIDDEN], bend[MAX_HIDDEN];
    vec goal[STATE], rate[STATE], z[STATE], spread[STATE], by_goal[STATE], by_rate[STATE];
    vec slope[STATE * STATE], slope_P[STATE * STATE];
    vec mean[STATE], prior[STATE * STATE];
    vec shared[STATE * MAX_CHANNELS], gain[STATE * MAX_CHANNELS];        /* G, K */
    vec inverse[MAX_CHANNELS * MAX_CHANNELS], told[MAX_CHANNELS], size;  /* S^-1, S^-1 e, ln det S */
    vec error[MAX_CHANNELS], u, known;
} step;

INLINE vec splat(double x) { return x - (vec){0}; }
INLINE vec choose(ivec which, vec a, vec b) { return (vec)(((ivec)a & which) | ((ivec)b & ~which)); }
INLINE vec least(vec a, vec b) { return choose(a < b, a, b); }
INLINE vec most(vec a, vec b) { return choose(a > b, a, b); }
INLINE double total(vec v) {
    double sum = 0;
    FOR(l, LANES) sum += v[l];
    return sum;
}

/* e^x = 2^n e^r, |r| <= ln 2 / 2, by its series: relative error below 1e-15. NaN stays NaN. */
INLINE vec vexp(vec x) {
    const double round = 6755399441055744.0;          /* 1.5 * 2^52 */
    x = least(most(x, splat(-700.0)), splat(700.0)) + (x - x);
    vec shifted = x * 1.4426950408889634 + round, n = shifted - round;
    vec r = (x - n * 0.693147180369123816490) - n * 1.90821492927058770002e-10;
    vec p = splat(1.0 / 6227020800.0);
    static const double by[] = {1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320,
                                1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 0.5, 1.0, 1.0};
    FOR(i, 13) p = p * r + by[i];
    ivec power = ((ivec)shifted - (ivec)splat(round) + 1023) << 52;
    return p * (vec)power;
}
INLINE vec vsigmoid(vec x) { return 1.0 / (1.0 + vexp(-x)); }
INLINE vec vtanh(vec x) { return 1.0 - 2.0 / (1.0 + vexp(2.0 * x)); }

INLINE vec vlog(vec y) {
    vec result = y;
    FOR(l, LANES) result[l] = __builtin_log(y[l]);
    return result;
}
/* ln(1 + e^z) = max(z, 0) + 2 atanh(e / (2 + e)), e = exp(-|z|): its series ends, y <= 1/3 */
INLINE vec vsoftplus(vec z) {
    vec e = vexp(-most(z, -z)), y = e / (2.0 + e), q = y * y, p = splat(1.0 / 35);
    for (int k = 33; k >= 1; k -= 2) p = p * q + 1.0 / k;
    return most(z, splat(0)) + 2.0 * y * p;
}

static void take_weights(weights *w, int latent, int hidden, int channels, const double *const *given) {
    const double *in = given[0], *out = given[3], *decoder = given[7];
    memset(w, 0, sizeof *w);
    w->hidden = (hidden + WIDE - 1) / WIDE * WIDE;
    w->channels = channels;
    FOR(k, hidden) {
        FOR(d, latent) w->in[k * STATE + d] = w->in_by_state[d * MAX_HIDDEN + k] = in[k * latent + d];
        w->in_drive[k] = given[1][k];
        w->in_bias[k] = given[2][k];
        FOR(part, 3) FOR(d, latent) {
            double value = out[(part * latent + d) * hidden + k];
            w->out[(part * STATE + d) * MAX_HIDDEN + k] = value;
            w->out_by_unit[k * 3 * STATE + part * STATE + d] = value;
        }
    }
    FOR(part, 3) FOR(d, latent) w->out_bias[part * STATE + d] = given[4][part * latent + d];
    FOR(d, latent) w->start_mean[d] = given[5][d], w->start_variance[d] = given[6][d];
    FOR(c, channels) {
        FOR(d, latent) w->decoder[c * STATE + d] = decoder[c * latent + d];
        w->decoder_bias[c] = given[8][c];
        FOR(e, channels) w->noise[c * MAX_CHANNELS + e] = given[9][c * channels + e];
    }
}

/* sum[q] += sum over i of by[i * by_step] * row[i * row_step + q]: vectors by numbers ... */
INLINE void by_numbers(vec *sum, const vec *by, long by_step, const double *row, long row_step, int count) {
    for (int i = 0; i < count; i++) {
        vec value = by[i * by_step];
        FOR(q, WIDE) sum[q] += value * row[i * row_step + q];
    }
}
/* ... and by vectors. */
INLINE void by_vectors(vec *sum, const vec *by, long by_step, const vec *row, long row_step, int count) {
    for (int i = 0; i < count; i++) {
        vec value = by[i * by_step];
        FOR(q, WIDE) sum[q] += value * row[i * row_step + q];
    }
}

/* The network at x and u: hidden layer, goal, rate, spread, the slope's factors. */
INLINE void network(const weights *w, step *s, const int hidden) {
    for (int k = 0; k < hidden; k += WIDE) {
        vec sum[WIDE];
        FOR(q, WIDE) sum[q] = w->in_bias[k + q] + s->u * w->in_drive[k + q];
        by_numbers(sum, s->x, 1, w->in_by_state + k, MAX_HIDDEN, STATE);
        FOR(q, WIDE) {
            vec gate = vsigmoid(sum[q]), h = sum[q] * gate;
            s->before[k + q] = sum[q];
            s->gate[k + q] = gate;
            s->h[k + q] = h;
            s->bend[k + q] = gate + h * (1.0 - gate);
        }
    }
    vec raw[3 * STATE];
    for (int r = 0; r < 3 * STATE; r += WIDE) {
        FOR(q, WIDE) raw[r + q] = splat(w->out_bias[r + q]);
        by_numbers(raw + r, s->h, 1, w->out_by_unit + r, 3 * STATE, hidden);
    }
    FOR(d, STATE) {
        vec goal = vtanh(raw[d]), rate = vsigmoid(raw[STATE + d]), away = goal - s->x[d];
        s->goal[d] = goal;
        s->rate[d] = rate;
        s->z[d] = raw[2 * STATE + d];
        s->spread[d] = NOISE_SCALE * vsoftplus(s->z[d]);
        s->by_goal[d] = rate * (1.0 - goal * goal);
        s->by_rate[d] = rate * (1.0 - rate) * away;
        s->mean[d] = s->x[d] + rate * away;
    }
}

/* J, J P and P- = J P J' + diag(spread^2). */
INLINE void foresee(const weights *w, step *s, const int hidden) {
    FOR(d, STATE) {
        vec row[MAX_HIDDEN];
        const double *goal = w->out + d * MAX_HIDDEN, *rate = w->out + (STATE + d) * MAX_HIDDEN;
        FOR(k, hidden) row[k] = (s->by_goal[d] * goal[k] + s->by_rate[d] * rate[k]) * s->bend[k];
        for (int j = 0; j < STATE; j += WIDE) {
            vec sum[WIDE] = {0};
            by_numbers(sum, row, 1, w->in + j, STATE, hidden);
            FOR(q, WIDE) s->slope[d * STATE + j + q] = sum[q];
        }
        s->slope[d * STATE + d] += 1.0 - s->rate[d];
    }
    FOR(d, STATE) for (int j = 0; j < STATE; j += WIDE) {
        vec sum[WIDE] = {0};
        by_vectors(sum, s->slope + d * STATE, 1, s->P + j, STATE, STATE);
        FOR(q, WIDE) s->slope_P[d * STATE + j + q] = sum[q];
    }
    FOR(d, STATE) {
        for (int j = d; j < STATE; j++) {
            vec sum = {0};
            FOR(i, STATE) sum += s->slope_P[d * STATE + i] * s->slope[j * STATE + i];
            s->prior[d * STATE + j] = s->prior[j * STATE + d] = sum;
        }
        s->prior[d * STATE + d] += s->spread[d] * s->spread[d];
    }
}

/* S = L L', its inverse and ln det; whether any lane's is no covariance. */
INLINE int invert(vec *S, vec *inverse, vec *size, int channels) {
    vec back[MAX_CHANNELS * MAX_CHANNELS];            /* L^-1 */
    int wrong = 0;
    *size = splat(0);
    FOR(i, channels) {
        vec *row = S + i * MAX_CHANNELS;
        FOR(j, i + 1) {
            vec sum = row[j];
            FOR(k, j) sum -= row[k] * S[j * MAX_CHANNELS + k];
            if (j < i) {
                row[j] = sum / S[j * MAX_CHANNELS + j];
                continue;
            }
            FOR(l, LANES) {
                wrong |= !(sum[l] > 0);
                row[i][l] = __builtin_sqrt(sum[l]);
            }
            *size += vlog(sum);
        }
    }
    FOR(j, channels) for (int i = j; i < channels; i++) {
        vec sum = splat(i == j);
        for (int k = j; k < i; k++) sum -= S[i * MAX_CHANNELS + k] * back[k * MAX_CHANNELS + j];
        back[i * MAX_CHANNELS + j] = sum / S[i * MAX_CHANNELS + i];
    }
    FOR(i, channels) FOR(j, i + 1) {
        vec sum = {0};
        for (int k = i; k < channels; k++) sum += back[k * MAX_CHANNELS + i] * back[k * MAX_CHANNELS + j];
        inverse[i * MAX_CHANNELS + j] = inverse[j * MAX_CHANNELS + i] = sum;
    }
    return wrong;
}

/* What is measured is held against what was foreseen; G, K, S^-1 and S^-1 e. */
INLINE int hold_against(const weights *w, step *s, const vec *real) {
    const int channels = w->channels;
    vec S[MAX_CHANNELS * MAX_CHANNELS];
    FOR(c, channels) {
        const double *row = w->decoder + c * STATE;
        vec sum = splat(w->decoder_bias[c]);
        FOR(d, STATE) sum += s->mean[d] * row[d];
        s->error[c] = real[c] - sum;
        FOR(d, STATE) {
            vec along = {0};
            FOR(k, STATE) along += s->prior[d * STATE + k] * row[k];
            s->shared[d * MAX_CHANNELS + c] = along;
        }
    }
    FOR(c, channels) FOR(e, channels) {
        vec sum = splat(w->noise[c * MAX_CHANNELS + e]);
        FOR(d, STATE) sum += s->shared[d * MAX_CHANNELS + e] * w->decoder[c * STATE + d];
        S[c * MAX_CHANNELS + e] = sum;
    }
    int wrong = invert(S, s->inverse, &s->size, channels);
    FOR(c, channels) {
        s->told[c] = splat(0);
        FOR(e, channels) s->told[c] += s->inverse[c * MAX_CHANNELS + e] * s->error[e];
        FOR(d, STATE) {
            vec sum = {0};
            FOR(e, channels) sum += s->shared[d * MAX_CHANNELS + e] * s->inverse[e * MAX_CHANNELS + c];
            s->gain[d * MAX_CHANNELS + c] = sum;
        }
    }
    return wrong;
}

/* x and P of the next step. */
INLINE void take_in(const weights *w, step *s) {
    FOR(d, STATE) {
        const vec *gain = s->gain + d * MAX_CHANNELS;
        vec sum = {0};
        FOR(c, w->channels) sum += gain[c] * s->error[c];
        s->x[d] = s->mean[d] + s->known * sum;
        for (int k = d; k < STATE; k++) {
            vec less = {0};
            FOR(c, w->channels) less += gain[c] * s->shared[k * MAX_CHANNELS + c];
            s->P[d * STATE + k] = s->P[k * STATE + d] = s->prior[d * STATE + k] - s->known * less;
        }
    }
}

/* Back through what a measurement did: x_grad, P_grad become those of the mean and of P-. */
INLINE void taken_back(const weights *w, const step *s, vec counts, vec *x_grad, vec *P_grad, sums *g) {
    const int channels = w->channels;
    const vec one = counts * s->known, known = s->known;
    vec along[MAX_CHANNELS], of_error[MAX_CHANNELS], of_S[MAX_CHANNELS * MAX_CHANNELS];
    vec spread[STATE * MAX_CHANNELS], of_shared[STATE * MAX_CHANNELS];
    FOR(c, channels) {
        vec sum = {0};
        FOR(d, STATE) sum += s->gain[d * MAX_CHANNELS + c] * x_grad[d];
        along[c] = known * sum;
        of_error[c] = one * s->told[c] + along[c];
        FOR(d, STATE) {
            vec by = {0};
            FOR(k, STATE) by += P_grad[d * STATE + k] * s->gain[k * MAX_CHANNELS + c];
            spread[d * MAX_CHANNELS + c] = known * by;
        }
    }
    FOR(c, channels) FOR(e, channels) {
        vec sum = 0.5 * one * (s->inverse[c * MAX_CHANNELS + e] - s->told[c] * s->told[e])
                - 0.5 * (along[c] * s->told[e] + along[e] * s->told[c]);
        FOR(d, STATE) sum += s->gain[d * MAX_CHANNELS + c] * spread[d * MAX_CHANNELS + e];
        of_S[c * MAX_CHANNELS + e] = sum;
    }
    FOR(c, channels) FOR(e, channels) g->noise[c * MAX_CHANNELS + e] += of_S[c * MAX_CHANNELS + e];
    FOR(d, STATE) FOR(c, channels) {
        vec sum = known * x_grad[d] * s->told[c] - 2.0 * spread[d * MAX_CHANNELS + c];
        FOR(e, channels) sum += of_S[e * MAX_CHANNELS + c] * w->decoder[e * STATE + d];
        of_shared[d * MAX_CHANNELS + c] = sum;
    }
    FOR(c, channels) {
        FOR(d, STATE) {
            vec sum = -of_error[c] * s->mean[d];
            FOR(e, channels) sum += of_S[c * MAX_CHANNELS + e] * s->shared[d * MAX_CHANNELS + e];
            FOR(k, STATE) sum += of_shared[k * MAX_CHANNELS + c] * s->prior[k * STATE + d];
            g->decoder[c * STATE + d] += sum;
            x_grad[d] -= of_error[c] * w->decoder[c * STATE + d];
        }
        g->decoder_bias[c] -= of_error[c];
    }
    FOR(d, STATE) for (int k = d; k < STATE; k++) {
        vec sum = P_grad[d * STATE + k];
        FOR(c, channels)
            sum += 0.5 * (of_shared[d * MAX_CHANNELS + c] * w->decoder[c * STATE + k]
                          + of_shared[k * MAX_CHANNELS + c] * w->decoder[c * STATE + d]);
        P_grad[d * STATE + k] = P_grad[k * STATE + d] = sum;
    }
}

/* to[i][j] = sum over k of a[i][k] b[k][j], or of a[k][i] b[k][j] where `turned`. */
INLINE void product(vec *to, const vec *a, const vec *b, const int turned) {
    FOR(i, STATE) for (int j = 0; j < STATE; j += WIDE) {
        vec sum[WIDE] = {0};
        by_vectors(sum, turned ? a + i : a + i * STATE, turned ? STATE : 1, b + j, STATE, STATE);
        FOR(q, WIDE) to[i * STATE + j + q] = sum[q];
    }
}

/* Back through the step itself: x_grad, P_grad of the mean and P- become those of x and P. */
INLINE void stepped_back(const weights *w, const step *s, const int hidden, vec *x_grad, vec *P_grad,
                         sums *g) {
    vec of_slope[STATE * STATE], half[STATE * STATE], of_bend[MAX_HIDDEN], raw[3 * STATE];
    product(of_slope, P_grad, s->slope_P, 0);
    FOR(i, STATE * STATE) of_slope[i] *= 2.0;
    product(half, P_grad, s->slope, 0);
    vec of_spread[STATE];
    FOR(d, STATE) of_spread[d] = 2.0 * s->spread[d] * P_grad[d * STATE + d];
    product(P_grad, s->slope, half, 1);
    memset(of_bend, 0, sizeof of_bend);
    FOR(d, STATE) {
        const double *goal = w->out + d * MAX_HIDDEN, *rate = w->out + (STATE + d) * MAX_HIDDEN;
        vec *to_goal = g->out + d * MAX_HIDDEN, *to_rate = g->out + (STATE + d) * MAX_HIDDEN;
        const vec c1 = s->by_goal[d], c2 = s->by_rate[d], away = s->goal[d] - s->x[d];
        vec of_c1 = {0}, of_c2 = {0};
        for (int k = 0; k < hidden; k += WIDE) {
            vec sum[WIDE] = {0};
            by_numbers(sum, of_slope + d * STATE, 1, w->in_by_state + k, MAX_HIDDEN, STATE);
            FOR(q, WIDE) {
                of_bend[k + q] += sum[q] * (c1 * goal[k + q] + c2 * rate[k + q]);
                vec bent = sum[q] * s->bend[k + q];
                of_c1 += bent * goal[k + q];
                of_c2 += bent * rate[k + q];
                to_goal[k + q] += c1 * bent;
                to_rate[k + q] += c2 * bent;
            }
        }
        vec keep = 1.0 - s->rate[d], flat = 1.0 - s->goal[d] * s->goal[d], mean = x_grad[d];
        vec of_rate = (mean * away - of_slope[d * STATE + d]) + of_c1 * flat
                    + of_c2 * (1.0 - 2.0 * s->rate[d]) * away;
        vec of_goal = mean * s->rate[d] - 2.0 * of_c1 * s->rate[d] * s->goal[d]
                    + of_c2 * s->rate[d] * keep;
        x_grad[d] = mean * keep - of_c2 * s->rate[d] * keep;
        raw[d] = of_goal * flat;
        raw[STATE + d] = of_rate * s->rate[d] * keep;
        raw[2 * STATE + d] = of_spread[d] * NOISE_SCALE * vsigmoid(s->z[d]);
    }
    FOR(r, 3 * STATE) {
        vec *to = g->out + r * MAX_HIDDEN;
        FOR(k, hidden) to[k] += raw[r] * s->h[k];
        g->out_bias[r] += raw[r];
    }
    vec of_before[MAX_HIDDEN];
    for (int k = 0; k < hidden; k += WIDE) {
        vec sum[WIDE] = {0};
        by_numbers(sum, raw, 1, w->out + k, MAX_HIDDEN, 3 * STATE);
        FOR(q, WIDE) {
            vec gate = s->gate[k + q], keep = 1.0 - gate;
            vec bends = gate * keep * (2.0 + s->before[k + q] * (1.0 - 2.0 * gate));
            of_before[k + q] = sum[q] * s->bend[k + q] + of_bend[k + q] * bends;
            g->in_bias[k + q] += of_before[k + q];
            g->in_drive[k + q] += of_before[k + q] * s->u;
        }
    }
    FOR(k, hidden) {
        vec row[STATE];
        const double *unit = w->out_by_unit + k * 3 * STATE;
        FOR(d, STATE) row[d] = (s->by_goal[d] * unit[d] + s->by_rate[d] * unit[STATE + d]) * s->bend[k];
        for (int j = 0; j < STATE; j += WIDE) {
            vec *to = g->in + k * STATE + j, sum[WIDE];
            FOR(q, WIDE) sum[q] = to[q] + of_before[k] * s->x[j + q];
            by_vectors(sum, row, 1, of_slope + j, STATE, STATE);
            FOR(q, WIDE) to[q] = sum[q];
        }
    }
    for (int j = 0; j < STATE; j += WIDE) by_numbers(x_grad + j, of_before, 1, w->in + j, STATE, hidden);
}

/* The measured values of a tile at a step; lanes beyond `rows` repeat the first path and count 0. */
INLINE void load(step *s, vec *real, const double *drive, const double *measured, const double *known,
                 int channels, int rows) {
    FOR(l, LANES) {
        int row = l < rows ? l : 0;
        s->u[l] = drive[row];
        s->known[l] = known[row];
        FOR(c, channels) real[c][l] = measured[row * channels + c];
    }
}

/* The loss of a tile, its gradient added to `g` where that is wanted; NaN: no covariance any more. */
INLINE double tile(const weights *w, step *s, const int hidden, int steps, int batch, int b, int rows,
                   const double *drive, const double *measured, const double *known, vec *kept, sums *g) {
    const long each = STATE + STATE * STATE;
    vec real[MAX_CHANNELS], counts = {0}, loss = {0};
    int wrong = 0;
    FOR(l, LANES) counts[l] = l < rows;
    memset(s->P, 0, sizeof s->P);
    FOR(d, STATE) {
        s->x[d] = splat(w->start_mean[d]);
        s->P[d * STATE + d] = splat(w->start_variance[d]);
    }
#define STEP(T)                                                                                    \
    long at = (long)(T) * batch + b;                                                               \
    load(s, real, drive + at, measured + at * w->channels, known + at, w->channels, rows);         \
    network(w, s, hidden);                                                                         \
    foresee(w, s, hidden);                                                                         \
    wrong |= hold_against(w, s, real)
    for (int t = 0; t < steps; t++) {
        if (g) {
            memcpy(kept + t * each, s->x, sizeof s->x);
            memcpy(kept + t * each + STATE, s->P, sizeof s->P);
        }
        STEP(t);
        vec surprise = s->size;
        FOR(c, w->channels) surprise += s->error[c] * s->told[c];
        loss += 0.5 * counts * s->known * surprise;
        take_in(w, s);
    }
    if (wrong) return __builtin_nan("");
    if (!g) return total(loss);
    vec x_grad[STATE] = {0}, P_grad[STATE * STATE] = {0};
    for (int t = steps - 1; t >= 0; t--) {
        memcpy(s->x, kept + t * each, sizeof s->x);
        memcpy(s->P, kept + t * each + STATE, sizeof s->P);
        STEP(t);
        taken_back(w, s, counts, x_grad, P_grad, g);
        stepped_back(w, s, hidden, x_grad, P_grad, g);
    }
    FOR(d, STATE) {
        g->start_mean[d] += x_grad[d];
        g->start_variance[d] += P_grad[d * STATE + d];
    }
    return total(loss);
}

static void give_sums(const sums *g, int latent, int hidden, int channels, double *const *to) {
    FOR(k, hidden) {
        FOR(d, latent) to[0][k * latent + d] = total(g->in[k * STATE + d]);
        to[1][k] = total(g->in_drive[k]);
        to[2][k] = total(g->in_bias[k]);
        FOR(part, 3) FOR(d, latent)
            to[3][(part * latent + d) * hidden + k] = total(g->out[(part * STATE + d) * MAX_HIDDEN + k]);
    }
    FOR(part, 3) FOR(d, latent) to[4][part * latent + d] = total(g->out_bias[part * STATE + d]);
    FOR(d, latent) {
        to[5][d] = total(g->start_mean[d]);
        to[6][d] = total(g->start_variance[d]);
    }
    FOR(c, channels) {
        FOR(d, latent) to[7][c * latent + d] = total(g->decoder[c * STATE + d]);
        to[8][c] = total(g->decoder_bias[c]);
        FOR(e, channels) to[9][c * channels + e] = total(g->noise[c * MAX_CHANNELS + e]);
    }
}

/* A thread's own room: what Windows gives a thread is aligned to 16 bytes, whatever is asked for. */
#define ITS_OWN(TYPE, NAME)                                                                        \
    static _Thread_local char NAME##_room[sizeof(TYPE) + sizeof(vec)];                             \
    TYPE *NAME = (TYPE *)(((uintptr_t)NAME##_room + sizeof(vec) - 1) / sizeof(vec) * sizeof(vec))

/* The loss of some paths in all; `gradients` NULL: none are wanted. NaN where memory ran out, too. */
double innovations(const double *drive, const double *measured, const double *known,
                   const double *const *given, int steps, int batch, int latent, int hidden, int channels,
                   int first, int count, double *const *gradients) {
    ITS_OWN(weights, w);
    ITS_OWN(step, s);
    ITS_OWN(sums, g);
    double loss = 0;
    void *room = 0;                                   /* Windows' C library has no aligned_alloc */
    vec *kept = 0;
    take_weights(w, latent, hidden, channels, given);
    if (gradients) {
        memset(g, 0, sizeof *g);
        size_t size = (size_t)steps * (STATE + STATE * STATE) * sizeof(vec);
        room = malloc(size + sizeof(vec));
        if (!room) return __builtin_nan("");
        kept = (vec *)(((uintptr_t)room + sizeof(vec)) / sizeof(vec) * sizeof(vec));
    }
    for (int b = first; b < first + count; b += LANES) {
        int left = first + count - b, rows = left < LANES ? left : LANES;
#define TILE(HIDDEN)                                                                               \
        loss += tile(w, s, HIDDEN, steps, batch, b, rows, drive, measured, known, kept,            \
                     gradients ? g : 0)
        if (w->hidden == 64) TILE(64);                /* the usual width: the compiler unrolls it */
        else TILE(w->hidden);
    }
    if (gradients) give_sums(g, latent, hidden, channels, gradients);
    free(room);
    return loss;
}

/* The hash of this source, given at compile time: a library that was built from another is refused. */
const char *source_hash(void) { return SOURCE_HASH; }
