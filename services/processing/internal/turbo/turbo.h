#include <stddef.h>
#include <stdint.h>

// filmgate_decode decodes a JPEG to planes of its own size, for which the caller has made room, if libjpeg-turbo finds this width,
// height and subsampling in its header too. It answers 0 if it did, and had nothing to say about the file; else the planes hold anything.
int filmgate_decode(const uint8_t *src, size_t size, int width, int height, int subsampling, uint8_t *y, uint8_t *cb, uint8_t *cr, int strideY, int strideC);

// filmgate_encode writes planes of 4:2:0 as a JPEG and answers 0 if it could. The caller gives out to filmgate_free in either case.
int filmgate_encode(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int width, int height, int strideY, int strideC, int quality, uint8_t **out,
	unsigned long *size);

void filmgate_free(uint8_t *out);
