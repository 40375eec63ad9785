/**
 * What a proof proves, version 1: the binding, then the input's scalars, then the output's.
 *
 * The chain builds these itself; here they are for whoever proves or checks outside of it. A scalar
 * is 32 bytes, little-endian. The vectors in `primitives/vectors/statement.json` hold for Rust, the
 * runtime and this module.
 */

import { u8aConcat, stringToU8a, bnToU8a } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';

/** Bits of a scalar that packing may fill. */
const CAPACITY = 248;

/** Bytes of an element, and whether it is a two's complement integer. */
const ELEMENTS = {
	u8: { width: 1, signed: false },
	i8: { width: 1, signed: true },
	i32: { width: 4, signed: true },
	i64: { width: 8, signed: true },
};

/**
 * Packs row-major, little-endian elements: ⌊248 / width⌋ a scalar, none straddling, the tail padded
 * with zeros. A signed element x of width w enters as x + 2^(w−1).
 *
 * @param {'u8' | 'i8' | 'i32' | 'i64'} element
 * @param {Uint8Array} bytes
 * @returns {Uint8Array[]}
 */
export function pack(element, bytes) {
	const kind = ELEMENTS[element];
	if (!kind) throw new TypeError(`${element} can not be packed; ${Object.keys(ELEMENTS).join(', ')} can`);
	const { width, signed } = kind;
	if (bytes.length % width !== 0) {
		throw new RangeError(`${bytes.length} bytes are no whole number of ${element} elements`);
	}
	const chunk = Math.floor(CAPACITY / (8 * width)) * width;
	const scalars = [];
	for (let at = 0; at < bytes.length; at += chunk) {
		const scalar = new Uint8Array(32);
		const part = bytes.subarray(at, at + chunk);
		scalar.set(part);
		if (signed) {
			// Adding 2^(w−1) modulo 2^w flips the sign bit.
			for (let last = width - 1; last < part.length; last += width) scalar[last] ^= 0x80;
		}
		scalars.push(scalar);
	}
	return scalars;
}

/**
 * The bytes that {@link pack} packed.
 *
 * @param {'u8' | 'i8' | 'i32' | 'i64'} element
 * @param {Uint8Array[]} scalars
 * @param {number} length how many bytes
 * @returns {Uint8Array}
 */
export function unpack(element, scalars, length) {
	const { width, signed } = ELEMENTS[element];
	const chunk = Math.floor(CAPACITY / (8 * width)) * width;
	const bytes = u8aConcat(...scalars.map((scalar) => scalar.subarray(0, chunk))).subarray(0, length);
	if (signed) for (let last = width - 1; last < length; last += width) bytes[last] ^= 0x80;
	const again = pack(element, bytes);
	const same = again.length === scalars.length && again.every((scalar, i) => scalar.every((byte, at) => byte === scalars[i][at]));
	if (!same) throw new RangeError(`The scalars are no packed ${element} elements of ${length} bytes.`);
	return bytes;
}

/**
 * Ties a proof to one request, one worker and one chain.
 *
 * @param {Uint8Array} genesis the hash of block 0
 * @param {number | bigint} request
 * @param {Uint8Array} worker the bonded account, not its operator
 * @returns {Uint8Array}
 */
export function binding(genesis, request, worker) {
	const id = bnToU8a(BigInt(request), { bitLength: 64, isLe: true });
	const scalar = blake2AsU8a(u8aConcat(stringToU8a('aimodel/binding/1'), genesis, id, worker), 256);
	scalar[31] = 0;
	return scalar;
}
