/** What the program `aimodel` reads from its command line. */

import { account } from './connect.js';
import { batch, split, tensor, WHOLE } from './models.js';
import { TIERS } from './plans.js';

/** A value that has to be given; `what` it is. */
export function wanted(value, what) {
	if (value === undefined) throw new Error(`${what[0].toUpperCase()}${what.slice(1)} is wanted; --help says how.`);
	return value;
}

/** An option that has to be given. */
export const need = (options, name) => wanted(options[name], `--${name}`);

/** The account that signs. */
export const signer = (options) => account(need(options, 'suri'));

/** An option that is a whole number. */
export function count(options, name, fallback) {
	const text = options[name] ?? (fallback === undefined ? need(options, name) : String(fallback));
	if (!/^\d+$/.test(text)) throw new Error(`--${name} takes a number, not "${text}".`);
	return Number(text);
}

/** Two numbers, `5/100`, or none. */
export function ratio(options, name) {
	if (options[name] === undefined) return [];
	const [, first, second] = /^(\d+)\/(\d+)$/.exec(options[name]) ?? [];
	if (!second) throw new Error(`--${name} takes two numbers, such as 5/100, not "${options[name]}".`);
	return [Number(first), Number(second)];
}

/** A tensor type as text: `u8[1,64]`, `f32[N<=64,13]`. */
export function type(text) {
	const [, element, shape] = /^(u8|i8|i32|i64|f32)\[(.*)\]$/i.exec(text) ?? [];
	const dimensions = shape?.split(',').map((part) => {
		const [, letter, size] = /^\s*(N<=)?(\d+)\s*$/.exec(part) ?? [];
		return size && (letter ? batch(Number(size)) : Number(size));
	});
	if (!element || !dimensions.every(Boolean)) throw new Error(`"${text}" is no tensor type; u8[1,64] is one.`);
	return tensor(element.toUpperCase(), dimensions);
}

/** A tier as text: `professional`. */
export function tier(text) {
	const found = TIERS.find((tier) => tier.toLowerCase() === text.toLowerCase());
	if (!found) throw new Error(`"${text}" is no tier; ${TIERS.join(', ').toLowerCase()} are.`);
	return found;
}

/** A share in percent, in millionths. */
function percent(text) {
	const share = Number(text) * (WHOLE / 100);
	if (!Number.isInteger(Math.round(share * 1e6) / 1e6) || !(share > 0)) throw new Error(`"${text}" is no share in percent.`);
	return Math.round(share);
}

/** The split that the options tell; what they leave is the owner's. */
export function shares(options, owner) {
	const worker = percent(options['worker-share']);
	const others = options.beneficiary.map((text) => {
		const [who, share] = text.split('=');
		return [who, percent(wanted(share, 'PAYEE=PERCENT'))];
	});
	const rest = WHOLE - worker - others.reduce((sum, [, share]) => sum + share, 0);
	return split(worker, rest > 0 ? [...others, [owner.address, rest]] : others);
}
