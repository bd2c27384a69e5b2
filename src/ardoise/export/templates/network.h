/* The steps of a network in C99, hand-written; `NAME` becomes the name of the header.
 * Each part is copied into a header that needs it.
 *
 * Arrays are images (rows, columns, channels) or rows of numbers. In the innermost loop
 * all outputs get their share of one input: neighbours in memory, which compilers turn
 * into vector instructions. An input that is 0 costs nothing. */

/* -- window -- */
typedef struct {
    int height, width, channels;              /* of the image */
    int rows, columns;                        /* of the output */
    int kernel_rows, kernel_columns;
    int down, across;                         /* pixels from one window to the next */
    int top, left;                            /* rows and columns of padding */
    int dilation_down, dilation_across;       /* pixels from one tap to the next */
    int groups;
} NAME_window;

/* -- dense -- */
/* y = x W + b, with W (n_in, n_out). */
NAME_INLINE void NAME_dense(const float *NAME_RESTRICT x, float *NAME_RESTRICT y,
                            int n_in, int n_out, const float *NAME_RESTRICT W,
                            const float *NAME_RESTRICT b)
{
    int i, j;
    for (j = 0; j < n_out; j++)
        y[j] = b[j];
    for (i = 0; i < n_in; i++) {
        const float value = x[i];
        const float *NAME_RESTRICT weights = W + (size_t)i * n_out;
        if (value == 0.0f)
            continue;
        for (j = 0; j < n_out; j++)
            y[j] += value * weights[j];
    }
}

/* -- conv -- */
/* y = W times each window of x, plus b; W (rows, columns, channels of a group, filters). */
NAME_INLINE void NAME_conv(const float *NAME_RESTRICT x, float *NAME_RESTRICT y,
                           const NAME_window *w, int filters,
                           const float *NAME_RESTRICT W, const float *NAME_RESTRICT b)
{
    const int c = w->channels / w->groups, f = filters / w->groups;
    int i, j, r, s, g, k, o;
    for (i = 0; i < w->rows; i++)
        for (j = 0; j < w->columns; j++) {
            float *NAME_RESTRICT sums = y + ((size_t)i * w->columns + j) * filters;
            for (o = 0; o < filters; o++)
                sums[o] = b[o];
            for (r = 0; r < w->kernel_rows; r++) {
                const int up = i * w->down - w->top + r * w->dilation_down;
                if (up < 0 || up >= w->height)
                    continue;
                for (s = 0; s < w->kernel_columns; s++) {
                    const int at = j * w->across - w->left + s * w->dilation_across;
                    const float *pixel, *tap;
                    if (at < 0 || at >= w->width)
                        continue;
                    pixel = x + ((size_t)up * w->width + at) * w->channels;
                    tap = W + ((size_t)r * w->kernel_columns + s) * c * filters;
                    for (g = 0; g < w->groups; g++)
                        for (k = 0; k < c; k++) {
                            const float value = pixel[g * c + k];
                            const float *NAME_RESTRICT weights = tap + (size_t)k * filters + g * f;
                            if (value == 0.0f)
                                continue;
                            for (o = 0; o < f; o++)
                                sums[g * f + o] += value * weights[o];
                        }
                }
            }
        }
}

/* -- max_pool -- */
/* y = the maximum of each window of x, by channel. */
NAME_INLINE void NAME_max_pool(const float *x, float *y, const NAME_window *w)
{
    int i, j, k, r, s;
    for (i = 0; i < w->rows; i++)
        for (j = 0; j < w->columns; j++)
            for (k = 0; k < w->channels; k++) {
                float most = -HUGE_VALF;
                for (r = i * w->down - w->top; r < i * w->down - w->top + w->kernel_rows; r++)
                    for (s = j * w->across - w->left;
                         s < j * w->across - w->left + w->kernel_columns; s++)
                        if (r >= 0 && r < w->height && s >= 0 && s < w->width) {
                            const float v = x[((size_t)r * w->width + s) * w->channels + k];
                            if (v > most)
                                most = v;
                        }
                *y++ = most;
            }
}

/* -- average_pool -- */
/* y = the mean of each window of x, by channel; padding is not counted. */
NAME_INLINE void NAME_average_pool(const float *x, float *y, const NAME_window *w)
{
    int i, j, k, r, s;
    for (i = 0; i < w->rows; i++)
        for (j = 0; j < w->columns; j++)
            for (k = 0; k < w->channels; k++) {
                float sum = 0.0f;
                int count = 0;
                for (r = i * w->down - w->top; r < i * w->down - w->top + w->kernel_rows; r++)
                    for (s = j * w->across - w->left;
                         s < j * w->across - w->left + w->kernel_columns; s++)
                        if (r >= 0 && r < w->height && s >= 0 && s < w->width) {
                            sum += x[((size_t)r * w->width + s) * w->channels + k];
                            count++;
                        }
                *y++ = sum / (float)count;
            }
}

/* -- global_average -- */
/* y = the mean of each map of x: `pixels` of them. */
NAME_INLINE void NAME_global_average(const float *x, float *y, int pixels, int channels)
{
    int i, k;
    for (k = 0; k < channels; k++) {
        float sum = 0.0f;
        for (i = 0; i < pixels; i++)
            sum += x[(size_t)i * channels + k];
        y[k] = sum / (float)pixels;
    }
}

/* -- add -- */
NAME_INLINE void NAME_add(const float *x, const float *other, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = x[i] + other[i];
}

/* -- relu -- */
NAME_INLINE void NAME_relu(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

/* -- leaky_relu -- */
NAME_INLINE void NAME_leaky_relu(const float *x, float *y, int n, float negative_slope)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = x[i] > 0.0f ? x[i] : negative_slope * x[i];
}

/* -- elu -- */
NAME_INLINE void NAME_elu(const float *x, float *y, int n, float alpha)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = x[i] > 0.0f ? x[i] : alpha * expm1f(x[i]);
}

/* -- gelu -- */
/* x/2 (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) */
NAME_INLINE void NAME_gelu(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++) {
        const float v = x[i];
        y[i] = 0.5f * v * (1.0f + tanhf(0.79788456f * (v + 0.044715f * v * v * v)));
    }
}

/* -- tanh -- */
NAME_INLINE void NAME_tanh(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = tanhf(x[i]);
}

/* -- sigmoid -- */
/* 1 / (1 + e^-x), by a formula that cannot overflow. */
NAME_INLINE void NAME_sigmoid(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = 0.5f + 0.5f * tanhf(0.5f * x[i]);
}

/* -- softplus -- */
/* log(1 + e^x), by a formula that cannot overflow. */
NAME_INLINE void NAME_softplus(const float *x, float *y, int n)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = (x[i] > 0.0f ? x[i] : 0.0f) + log1pf(expf(-fabsf(x[i])));
}

/* -- affine -- */
/* y = x times factor plus shift, by channel. */
NAME_INLINE void NAME_affine(const float *x, float *y, int n, int channels,
                             const float *factor, const float *shift)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = x[i] * factor[i % channels] + shift[i % channels];
}

/* -- layer_norm -- */
/* y = x with mean 0 and variance 1 in each pixel, times gamma plus beta. */
NAME_INLINE void NAME_layer_norm(const float *x, float *y, int n, int channels, float epsilon,
                                 const float *gamma, const float *beta)
{
    int i, k;
    for (i = 0; i < n; i += channels, x += channels, y += channels) {
        float mean = 0.0f, variance = 0.0f, factor;
        for (k = 0; k < channels; k++)
            mean += x[k];
        mean /= (float)channels;
        for (k = 0; k < channels; k++)
            variance += (x[k] - mean) * (x[k] - mean);
        factor = 1.0f / sqrtf(variance / (float)channels + epsilon);
        for (k = 0; k < channels; k++)
            y[k] = (x[k] - mean) * factor * gamma[k] + beta[k];
    }
}

/* -- softmax -- */
/* y = e^x over its sum. */
NAME_INLINE void NAME_softmax(const float *x, float *y, int n)
{
    float most = x[0], sum = 0.0f;
    int i;
    for (i = 1; i < n; i++)
        if (x[i] > most)
            most = x[i];
    for (i = 0; i < n; i++) {
        y[i] = expf(x[i] - most);
        sum += y[i];
    }
    for (i = 0; i < n; i++)
        y[i] /= sum;
}

/* -- to_int8 -- */
/* The int8 number q whose scale * (q - zero) is nearest to v. */
NAME_INLINE int8_t NAME_to_int8(float v, float scale, int zero)
{
    const float q = floorf(v / scale + 0.5f) + (float)zero;
    if (!(q > -128.0f))
        return -128;
    return q < 127.0f ? (int8_t)q : 127;
}

/* -- quantize -- */
NAME_INLINE void NAME_quantize(const float *x, int8_t *y, int n, float scale, int zero)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = NAME_to_int8(x[i], scale, zero);
}

/* -- give -- */
/* Where sums of products go: into y as float32, or into q as int8. */
typedef struct {
    float x_scale;      /* x = x_scale * (q - x_zero) */
    int x_zero;
    float y_scale;      /* the same for what is given, if that is int8 */
    int y_zero;
} NAME_scales;

NAME_INLINE void NAME_give(const int32_t *sums, float *y, int8_t *q, int n,
                           const NAME_scales *s, const float *b, const float *scale)
{
    int j;
    for (j = 0; j < n; j++) {
        const float v = (float)sums[j] * (s->x_scale * scale[j]) + b[j];
        if (q)
            q[j] = NAME_to_int8(v, s->y_scale, s->y_zero);
        else
            y[j] = v;
    }
}

/* -- dense_int8 -- */
/* x W + b, with products of int8 numbers summed in int32. A product, at most 255 * 127,
 * fits into 16 bits: said so, gcc -O2 makes it 1.4 times as fast. */
NAME_INLINE void NAME_dense_int8(const int8_t *NAME_RESTRICT x, float *y, int8_t *q,
                                 int32_t *NAME_RESTRICT sums, const NAME_scales *scales,
                                 int n_in, int n_out, const int8_t *NAME_RESTRICT W,
                                 const float *b, const float *scale)
{
    int i, j;
    for (j = 0; j < n_out; j++)
        sums[j] = 0;
    for (i = 0; i < n_in; i++) {
        const int16_t value = (int16_t)(x[i] - scales->x_zero);
        const int8_t *NAME_RESTRICT weights = W + (size_t)i * n_out;
        if (value == 0)
            continue;
        for (j = 0; j < n_out; j++)
            sums[j] += (int16_t)(value * weights[j]);
    }
    NAME_give(sums, y, q, n_out, scales, b, scale);
}

/* -- conv_int8 -- */
/* W times each window of x, plus b, with products of int8 numbers summed in int32. */
NAME_INLINE void NAME_conv_int8(const int8_t *NAME_RESTRICT x, float *y, int8_t *q,
                                int32_t *NAME_RESTRICT sums, const NAME_scales *scales,
                                const NAME_window *w, int filters,
                                const int8_t *NAME_RESTRICT W, const float *b,
                                const float *scale)
{
    const int c = w->channels / w->groups, f = filters / w->groups;
    int i, j, r, s, g, k, o;
    for (i = 0; i < w->rows; i++)
        for (j = 0; j < w->columns; j++) {
            const size_t place = ((size_t)i * w->columns + j) * filters;
            for (o = 0; o < filters; o++)
                sums[o] = 0;
            for (r = 0; r < w->kernel_rows; r++) {
                const int up = i * w->down - w->top + r * w->dilation_down;
                if (up < 0 || up >= w->height)
                    continue;
                for (s = 0; s < w->kernel_columns; s++) {
                    const int at = j * w->across - w->left + s * w->dilation_across;
                    const int8_t *pixel, *tap;
                    if (at < 0 || at >= w->width)
                        continue;
                    pixel = x + ((size_t)up * w->width + at) * w->channels;
                    tap = W + ((size_t)r * w->kernel_columns + s) * c * filters;
                    for (g = 0; g < w->groups; g++)
                        for (k = 0; k < c; k++) {
                            const int16_t value = (int16_t)(pixel[g * c + k] - scales->x_zero);
                            const int8_t *NAME_RESTRICT weights = tap + (size_t)k * filters + g * f;
                            if (value == 0)
                                continue;
                            for (o = 0; o < f; o++)
                                sums[g * f + o] += (int16_t)(value * weights[o]);
                        }
                }
            }
            NAME_give(sums, y ? y + place : y, q ? q + place : q, filters, scales, b, scale);
        }
}

/* -- max_pool_int8 -- */
/* The maximum of each window, by channel: int8 numbers keep their order. */
NAME_INLINE void NAME_max_pool_int8(const int8_t *x, int8_t *y, const NAME_window *w)
{
    int i, j, k, r, s;
    for (i = 0; i < w->rows; i++)
        for (j = 0; j < w->columns; j++)
            for (k = 0; k < w->channels; k++) {
                int8_t most = -128;
                for (r = i * w->down - w->top; r < i * w->down - w->top + w->kernel_rows; r++)
                    for (s = j * w->across - w->left;
                         s < j * w->across - w->left + w->kernel_columns; s++)
                        if (r >= 0 && r < w->height && s >= 0 && s < w->width) {
                            const int8_t v = x[((size_t)r * w->width + s) * w->channels + k];
                            if (v > most)
                                most = v;
                        }
                *y++ = most;
            }
}

/* -- relu_int8 -- */
NAME_INLINE void NAME_relu_int8(const int8_t *x, int8_t *y, int n, int zero)
{
    int i;
    for (i = 0; i < n; i++)
        y[i] = x[i] > zero ? x[i] : (int8_t)zero;
}
