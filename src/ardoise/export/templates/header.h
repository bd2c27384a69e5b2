/* A trained network in one C99 header, written by ardoise @VERSION@.
 *
 *     float image[NAME_INPUTS], probabilities[NAME_CLASSES];
 *     NAME_from_bytes(bytes, image);                (if the image is bytes, 0 to 255)
 *     NAME_predict_proba(image, probabilities);
 *     int most_probable = NAME_predict(image);      (a class by its number)
 *     puts(NAME_class_names[most_probable]);
 *
@ABOUT@
 * An image is NAME_INPUTS numbers, shape @SHAPE@, row by row.
 *
 * Arithmetic: @ARITHMETIC@
 * Memory: @CONSTANT@ bytes of constants, @WORK@ bytes of static work space, and little
 * on the stack; nothing is allocated. The work space serves one call at a time: for
 * several threads define NAME_STORAGE as `static _Thread_local` before the inclusion.
 *
 * Standard headers only; link with the mathematical library (-lm). Also valid C++. */

#ifndef ARDOISE_NAME_H
#define ARDOISE_NAME_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_INPUTS @N_INPUTS@
#define NAME_CLASSES @N_CLASSES@

#ifndef NAME_STORAGE
#define NAME_STORAGE static
#endif

#if defined(__GNUC__) || defined(__clang__)
#define NAME_INLINE static inline __attribute__((always_inline, unused))
#define NAME_RESTRICT __restrict__
#elif defined(__cplusplus)
#define NAME_INLINE static inline
#define NAME_RESTRICT
#else
#define NAME_INLINE static inline
#define NAME_RESTRICT restrict
#endif

static const char *const NAME_class_names[NAME_CLASSES] = {
@CLASS_NAMES@
};

/* -- the weights ------------------------------------------------------------------- */

@WEIGHTS@

/* -- the steps --------------------------------------------------------------------- */

@PARTS@

/* -- the network ------------------------------------------------------------------- */

NAME_STORAGE float NAME_memory[@MEMORY@];
@SUMS@
/* Write the probability of each class into `probabilities`. */
static inline void NAME_predict_proba(const float *image, float *probabilities)
{
    float *const m = NAME_memory;
@TABLES@
    (void)m;
@CALLS@
}

/* Return the number of the most probable class. */
static inline int NAME_predict(const float *image)
{
    float probabilities[NAME_CLASSES];
    int best = 0, i;
    NAME_predict_proba(image, probabilities);
    for (i = 1; i < NAME_CLASSES; i++)
        if (probabilities[i] > probabilities[best])
            best = i;
    return best;
}

/* Turn grey levels from 0 to 255 into what the network reads. */
static inline void NAME_from_bytes(const unsigned char *bytes, float *image)
{
    int i;
    for (i = 0; i < NAME_INPUTS; i++)
        image[i] = (float)bytes[i] / 255.0f;
}

#endif
