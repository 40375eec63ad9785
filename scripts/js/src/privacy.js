/**
 * Commitments, and answers that only their customer reads: what `zk-circuits/README.md` says under
 * "Privacy". The vectors in `primitives/vectors/privacy.json` hold for Rust and for this module.
 *
 * A scalar is 32 bytes, little-endian.
 */

import { grainGenConstants, poseidon } from '@noble/curves/abstract/poseidon';
import { bls12_381 } from '@noble/curves/bls12-381';
import { bnToU8a, stringToU8a, u8aConcat } from '@polkadot/util';
import { blake2AsU8a, randomAsU8a } from '@polkadot/util-crypto';
import { pack, unpack } from './statement.js';

const { Fr } = bls12_381.fields;

/** Width 5: the capacity, and a rate of four. */
const POSEIDON = { Fp: Fr, t: 5, roundsFull: 8, roundsPartial: 60, sboxPower: 5 };
const RATE = POSEIDON.t - 1;

/** Bytes of a salt. */
export const SALT = 31;

const permutation = once(() => poseidon({ ...POSEIDON, ...grainGenConstants(POSEIDON) }));

function once(make) {
	let made;
	return () => (made ??= make());
}

/** The permutation of five field elements. */
export const permute = (state) => permutation()(state);

/** The field element of a scalar, or of the bytes of a shorter number. */
function number(bytes) {
	return bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
}

/** A field element as a scalar. */
function scalar(element) {
	return bnToU8a(element, { bitLength: 256, isLe: true });
}

/** The first 31 bytes of a hash, as a number. */
const truncated = (message) => number(blake2AsU8a(message, 256).subarray(0, 31));

/** What separates the uses of the hash: its name, and how many scalars it takes. */
export function domain(tag, count) {
	const length = bnToU8a(count, { bitLength: 64, isLe: true });
	return truncated(u8aConcat(stringToU8a(`aimodel/poseidon/1${tag}`), length));
}

/** The hash of field elements. */
export function hash(tag, elements) {
	let state = [domain(tag, elements.length), 0n, 0n, 0n, 0n];
	for (let at = 0; at < elements.length; at += RATE) {
		elements.slice(at, at + RATE).forEach((element, i) => (state[i + 1] = Fr.add(state[i + 1], element)));
		state = permute(state);
	}
	return state[1];
}

/**
 * What names an account within a commitment.
 *
 * @param {Uint8Array} account its 32 bytes
 */
export function holder(account) {
	return scalar(truncated(u8aConcat(stringToU8a('aimodel/account/1'), account)));
}

/** A salt: a new one for each request, or equal inputs have equal commitments. */
export const newSalt = () => randomAsU8a(SALT);

/**
 * The commitment of a request: to the salt and the customer, and to the input where it is hidden.
 *
 * @param {Uint8Array} salt 31 bytes
 * @param {Uint8Array} who the customer's {@link holder}
 * @param {{element: string, bytes: Uint8Array} | null} [input]
 * @returns {Uint8Array} a scalar
 */
export function commit(salt, who, input = null) {
	if (salt.length !== SALT) throw new RangeError(`A salt has ${SALT} bytes, not ${salt.length}.`);
	const packed = input ? pack(input.element, input.bytes) : [];
	return scalar(hash('input', [salt, who, ...packed].map(number)));
}

/** The scalars that hide those of an output: they follow from it, so that none hides two outputs. */
function keystream(salt, binding, commitment, count) {
	const blocks = Math.ceil(count / RATE);
	const block = (index) => permute([domain('stream', 4), salt, binding, commitment, BigInt(index)]).slice(1);
	return Array.from({ length: blocks }, (_, index) => block(index)).flat().slice(0, count);
}

/**
 * The answer in what a result carries of it: a commitment, and a ciphertext.
 *
 * @param {object} sealed
 * @param {Uint8Array} sealed.salt of the request
 * @param {Uint8Array} sealed.binding of the request, and of the worker that answered
 * @param {string} sealed.element `i32`
 * @param {number} sealed.length the answer's bytes
 * @param {Uint8Array} sealed.bytes what the chain keeps
 * @returns {Uint8Array} the tensor's bytes
 */
export function openOutput({ salt, binding, element, length, bytes }) {
	const scalars = [];
	for (let at = 0; at < bytes.length; at += 32) scalars.push(number(bytes.subarray(at, at + 32)));
	const [commitment, ...ciphertext] = scalars;
	const secret = [salt, binding].map(number);
	const stream = keystream(...secret, commitment, ciphertext.length);
	const packed = ciphertext.map((scalar, i) => Fr.sub(scalar, stream[i]));
	if (hash('output', [...secret, ...packed]) !== commitment) {
		throw new RangeError('The answer does not open: another salt, request or worker.');
	}
	return unpack(element, packed.map(scalar), length);
}
