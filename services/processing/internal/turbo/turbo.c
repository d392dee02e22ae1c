//go:build turbo && cgo

#include <turbojpeg.h>

#include "turbo.h"

int filmgate_decode(const uint8_t *src, size_t size, int width, int height, int subsampling, uint8_t *y, uint8_t *cb, uint8_t *cr, int strideY, int strideC) {
	tjhandle handle = tjInitDecompress();
	if (!handle) return -1;
	int w, h, s, colours;
	int failed = tjDecompressHeader3(handle, src, size, &w, &h, &s, &colours) || w != width || h != height || s != subsampling;
	if (!failed) {
		uint8_t *planes[3] = {y, cb, cr};
		int strides[3] = {strideY, strideC, strideC};
		failed = tjDecompressToYUVPlanes(handle, src, size, planes, width, strides, height, TJFLAG_STOPONWARNING | TJFLAG_LIMITSCANS | TJFLAG_ACCURATEDCT);
	}
	tjDestroy(handle);
	return failed;
}

int filmgate_encode(const uint8_t *y, const uint8_t *cb, const uint8_t *cr, int width, int height, int strideY, int strideC, int quality, uint8_t **out,
	unsigned long *size) {
	tjhandle handle = tjInitCompress();
	if (!handle) return -1;
	const uint8_t *planes[3] = {y, cb, cr};
	const int strides[3] = {strideY, strideC, strideC};
	int failed = tjCompressFromYUVPlanes(handle, planes, width, strides, height, TJSAMP_420, out, size, quality, TJFLAG_STOPONWARNING | TJFLAG_ACCURATEDCT);
	tjDestroy(handle);
	return failed;
}

void filmgate_free(uint8_t *out) { tjFree(out); }
