#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// One code: its text in UTF-8, and its corners as x and y from the upper left on, as one reads it.
typedef struct {
	char text[1024];
	int length;
	int corners[8];
} filmgate_code;

// filmgate_read answers how many codes a grey picture shows, at most so many; never throws.
int filmgate_read(const uint8_t *pix, int width, int height, int stride, filmgate_code *out, int most);

#ifdef __cplusplus
}
#endif
