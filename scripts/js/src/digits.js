/**
 * The example of handwritten digits: its files, and how an image looks.
 */

import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the examples. */
export const EXAMPLES = fileURLToPath(new URL('../../../examples', import.meta.url));

/** Pixels of an image, 8 rows of 8. */
export const PIXELS = 64;

/** Reads a file of the examples. */
export async function example(path) {
	return new Uint8Array(await readFile(`${EXAMPLES}/${path}`));
}

/**
 * The test images and their labels.
 *
 * @returns {Promise<{images: Uint8Array[], labels: Uint8Array}>}
 */
export async function testImages() {
	const [pixels, labels] = await Promise.all([example('digits/test_x.u8'), example('digits/test_y.u8')]);
	const images = Array.from(labels, (_, i) => pixels.slice(i * PIXELS, (i + 1) * PIXELS));
	return { images, labels };
}

const SHADES = ' .:-=+*#%@';

/**
 * An image of pixels from 0 to 16 as eight lines of text.
 *
 * @param {Uint8Array} image
 */
export function ascii(image) {
	const shade = (pixel) => SHADES[Math.round((Math.min(pixel, 16) / 16) * (SHADES.length - 1))].repeat(2);
	const row = (y) => Array.from(image.subarray(y * 8, (y + 1) * 8), shade).join('');
	return Array.from({ length: 8 }, (_, y) => row(y)).join('\n');
}

/**
 * The scores of an answer: little-endian 32-bit integers.
 *
 * @param {Uint8Array} output
 */
export function scores(output) {
	const view = new DataView(output.buffer, output.byteOffset, output.byteLength);
	return Array.from({ length: output.byteLength / 4 }, (_, i) => view.getInt32(4 * i, true));
}

/** The index of the first largest number. */
export function argmax(numbers) {
	return numbers.reduce((best, number, index) => (number > numbers[best] ? index : best), 0);
}
