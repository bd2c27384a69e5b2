/* An example for NAME.h: reads images from standard input and says what they show.
 *
 *     cc -std=c99 -O2 NAME_main.c -o NAME -lm
 *     ./NAME < images                    images of @N_INPUTS@ bytes, 0 to 255
 *     ./NAME --floats < images           of @N_INPUTS@ float32 numbers
 *     ./NAME --probabilities < images    print numbers instead of a name
 */

#include <stdio.h>
#include <string.h>

#include "NAME.h"

int main(int argc, char **argv)
{
    static unsigned char bytes[NAME_INPUTS];
    static float image[NAME_INPUTS], probabilities[NAME_CLASSES];
    int i, floats = 0, numbers = 0;

    for (i = 1; i < argc; i++) {
        floats = floats || strcmp(argv[i], "--floats") == 0;
        numbers = numbers || strcmp(argv[i], "--probabilities") == 0;
    }
    while (floats ? fread(image, sizeof image, 1, stdin) == 1
                  : fread(bytes, sizeof bytes, 1, stdin) == 1) {
        int best = 0;
        if (!floats)
            NAME_from_bytes(bytes, image);
        NAME_predict_proba(image, probabilities);
        for (i = 0; i < NAME_CLASSES; i++) {
            if (numbers)
                printf("%.9g%c", (double)probabilities[i], i + 1 < NAME_CLASSES ? ' ' : '\n');
            if (probabilities[i] > probabilities[best])
                best = i;
        }
        if (!numbers)
            printf("%s (%.1f %%)\n", NAME_class_names[best], 100.0 * (double)probabilities[best]);
    }
    return ferror(stdin) != 0;
}
