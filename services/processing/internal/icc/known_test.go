package icc_test

import "image/color"

func rgb(r, g, b uint8) color.NRGBA { return color.NRGBA{R: r, G: g, B: b, A: 255} }

func knownAdobeRGB() [][2]color.NRGBA {
	return [][2]color.NRGBA{
		{rgb(255, 255, 255), rgb(255, 255, 255)},
		{rgb(128, 128, 128), rgb(129, 129, 129)},
		{rgb(20, 20, 20), rgb(12, 12, 12)},
		{rgb(200, 80, 60), rgb(230, 79, 56)},
		{rgb(60, 140, 90), rgb(0, 141, 86)},
		{rgb(40, 90, 200), rgb(0, 90, 204)},
		{rgb(230, 200, 170), rgb(241, 201, 170)},
		{rgb(255, 0, 0), rgb(255, 0, 0)},
	}
}

func knownDisplayP3() [][2]color.NRGBA {
	return [][2]color.NRGBA{
		{rgb(255, 255, 255), rgb(255, 255, 255)},
		{rgb(128, 128, 128), rgb(128, 128, 128)},
		{rgb(20, 20, 20), rgb(20, 20, 20)},
		{rgb(200, 80, 60), rgb(216, 69, 50)},
		{rgb(60, 140, 90), rgb(0, 142, 85)},
		{rgb(40, 90, 200), rgb(10, 91, 207)},
		{rgb(230, 200, 170), rgb(236, 199, 166)},
		{rgb(0, 255, 0), rgb(0, 255, 0)},
	}
}
