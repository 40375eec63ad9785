/** Amounts of the chain's currency as people read them. */

/** Decimals of the currency. */
export const DECIMALS = 12;

/** One `UNIT`. */
export const UNIT = 10n ** BigInt(DECIMALS);

/** The greatest amount. */
export const MOST = (1n << 128n) - 1n;

/**
 * An amount as text: `0.25 UNIT`.
 *
 * @param {bigint} amount
 */
export function format(amount) {
	if (amount < 0n) return `-${format(-amount)}`;
	const digits = amount.toString().padStart(DECIMALS + 1, '0');
	const fraction = digits.slice(-DECIMALS).replace(/0+$/, '');
	return `${digits.slice(0, -DECIMALS)}${fraction && `.${fraction}`} UNIT`;
}

/**
 * Reads an amount: `0.25` units.
 *
 * @param {string} text
 * @returns {bigint}
 */
export function parse(text) {
	const [, whole, fraction = ''] = /^(\d+)(?:\.(\d{1,12}))?$/.exec(text) ?? [];
	if (whole === undefined) throw new TypeError(`"${text}" is no amount; 0.25 is one.`);
	return BigInt(whole) * UNIT + BigInt(fraction.padEnd(DECIMALS, '0'));
}
