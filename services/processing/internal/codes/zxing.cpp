//go:build zxing && cgo

#define ZX_USE_UTF8 1
#include <ZXing/ReadBarcode.h>

#include <cstring>

#include "zxing.h"

extern "C" int filmgate_read(const uint8_t *pix, int width, int height, int stride, filmgate_code *out, int most) {
	try {
		ZXing::DecodeHints hints;
		hints.setFormats(ZXing::BarcodeFormat::QRCode);
		hints.setTryHarder(true);
		hints.setTryRotate(false); // a QR code is found however it is turned
		hints.setTryDownscale(false); // the caller has its own smaller pictures
		hints.setMaxNumberOfSymbols(static_cast<uint8_t>(most));
		ZXing::ImageView view(pix, width, height, ZXing::ImageFormat::Lum, stride);
		int n = 0;
		for (const auto &result : ZXing::ReadBarcodes(view, hints)) {
			if (!result.isValid() || n == most)
				continue;
			std::string text = result.text();
			if (text.size() > sizeof(out[n].text))
				continue;
			std::memcpy(out[n].text, text.data(), text.size());
			out[n].length = static_cast<int>(text.size());
			for (int i = 0; i < 4; i++) {
				out[n].corners[2 * i] = result.position()[i].x;
				out[n].corners[2 * i + 1] = result.position()[i].y;
			}
			n++;
		}
		return n;
	} catch (...) {
		return 0;
	}
}
