/** What needs no node: the statement, files, amounts. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hexToU8a, u8aToHex, u8aWrapBytes } from '@polkadot/util';
import { cryptoWaitReady, sr25519Verify } from '@polkadot/util-crypto';
import { ascii, argmax, scores, testImages } from '../src/digits.js';
import { rpcError } from '../src/errors.js';
import { voucherMessage } from '../src/gateway.js';
import { readVerifyingKey } from '../src/models.js';
import { format, parse, UNIT } from '../src/money.js';
import { commit, domain, hash, openOutput, permute } from '../src/privacy.js';
import { binding, pack } from '../src/statement.js';

const bytes = (hex) => hexToU8a(`0x${hex}`);
const hex = (u8a) => u8aToHex(u8a).slice(2);
/** The vectors that Rust is checked against, too. */
const read = async (name) => JSON.parse(await readFile(new URL(`../../../primitives/vectors/${name}.json`, import.meta.url), 'utf8'));
const [vectors, privacy, { vouchers }] = await Promise.all(['statement', 'privacy', 'voucher'].map(read));
/** A scalar as a field element, and back. */
const element = (scalar) => BigInt(u8aToHex(bytes(scalar).reverse()));
const scalar = (number) => hex(hexToU8a(`0x${number.toString(16).padStart(64, '0')}`).reverse());
await cryptoWaitReady();

test('tensors are packed as the vectors say', () => {
	assert.ok(vectors.packing.length > 5);
	for (const { dtype, bytes: tensor, scalars } of vectors.packing) {
		assert.deepEqual(pack(dtype, bytes(tensor)).map(hex), scalars);
	}
});

test('bindings are what the vectors say', () => {
	assert.ok(vectors.binding.length > 1);
	for (const { genesis, request, worker, scalar } of vectors.binding) {
		assert.equal(hex(binding(bytes(genesis), BigInt(request), bytes(worker))), scalar);
	}
});

test('vouchers are what the vectors say', () => {
	assert.ok(vouchers.length > 1);
	for (const { genesis, model, worker, term, calls, account, message, signature, valid } of vouchers) {
		const made = voucherMessage({ genesis: bytes(genesis), model: `0x${model}`, worker: bytes(worker), term: BigInt(term), calls: BigInt(calls) });
		assert.equal(hex(made), message);
		assert.equal(sr25519Verify(made, bytes(signature), bytes(account)) || sr25519Verify(u8aWrapBytes(made), bytes(signature), bytes(account)), valid);
	}
});

test('what can not be packed is refused', () => {
	assert.throws(() => pack('f32', new Uint8Array(4)), /f32 can not be packed/);
	assert.throws(() => pack('i32', new Uint8Array(5)), /no whole number of i32/);
});

test('commitments are what the vectors say', () => {
	for (const { state, result } of privacy.permutation) assert.deepEqual(permute(state.map(element)).map(scalar), result);
	for (const { tag, count, scalar: name } of privacy.domain) assert.equal(scalar(domain(tag, count)), name);
	for (const { tag, scalars, result } of privacy.hash) assert.equal(scalar(hash(tag, scalars.map(element))), result);
	assert.ok(privacy.commitment.length > 5);
	for (const { dtype, bytes: tensor, salt, holder, commitment } of privacy.commitment) {
		const input = tensor === '' ? null : { element: dtype, bytes: bytes(tensor) };
		assert.equal(hex(commit(bytes(salt), bytes(holder), input)), commitment);
	}
});

test('sealed answers open as the vectors say, and changed ones do not', () => {
	assert.ok(privacy.sealed.length > 5);
	for (const { dtype, bytes: tensor, salt, binding, sealed } of privacy.sealed) {
		const answer = { salt: bytes(salt), binding: bytes(binding), element: dtype, length: tensor.length / 2, bytes: bytes(sealed) };
		assert.equal(hex(openOutput(answer)), tensor);
		const refused = (change) => assert.throws(() => openOutput({ ...answer, ...change }), /does not open/);
		for (const part of ['salt', 'binding', 'bytes']) refused({ [part]: answer[part].map((byte, i) => byte ^ (i === 1)) });
		refused({ bytes: answer.bytes.slice(0, -32) });
	}
});

test('a file that is no verifying key is refused with a sentence', () => {
	assert.throws(() => readVerifyingKey(new TextEncoder().encode('zkonnxPK and more')), /no verifying key/);
	assert.throws(() => readVerifyingKey(new TextEncoder().encode('zkonnxVK\x01')), /truncated/);
	assert.throws(() => readVerifyingKey(new TextEncoder().encode('zkonnxVK\x07\0')), /format 7; 4 is known/);
	const origin = new TextEncoder().encode('zkonnxVK\x04\0\x01\0\0\x01\0\x09');
	assert.throws(() => readVerifyingKey(origin), /unknown origin 9/);
	const privacy = new TextEncoder().encode('zkonnxVK\x04\0\x01\0\0\x02\0\0');
	assert.throws(() => readVerifyingKey(privacy), /hides what is unknown/);
	const parameters = new TextEncoder().encode('zkonnxVK\x04\0\x01\0\0\x01\x02\0');
	assert.throws(() => readVerifyingKey(parameters), /parameters of an unknown kind/);
});

test('amounts are written and read without loss', () => {
	for (const amount of [0n, 1n, UNIT, 5n * UNIT + 1n, 123_456_789n * UNIT]) {
		assert.equal(parse(format(amount).replace(' UNIT', '')), amount);
	}
	assert.equal(format(UNIT / 4n), '0.25 UNIT');
	for (const wrong of ['', '1,5', '-1', '1e3', '0.1234567890123']) assert.throws(() => parse(wrong), /no amount/);
});

test('what the pool answers becomes a sentence with a name', () => {
	const error = rpcError(
		new Error('1010: Invalid Transaction: Inability to pay some fees , e.g. account balance too low'),
	);
	assert.equal(error.path, 'pool.Invalid');
	assert.match(error.message, /^The transaction is invalid: Inability to pay some fees, e\.g\. .*\.$/);
	assert.equal(rpcError(new Error('1014: Priority is too low: (1 vs 2)')).path, 'pool.PriorityTooLow');
	const other = new Error('no code here');
	assert.equal(rpcError(other), other);
});

test('an image is drawn as eight lines, the darkest pixel as @', async () => {
	const { images, labels } = await testImages();
	assert.equal(images.length, 450);
	assert.equal(labels.length, 450);
	for (const image of images) assert.ok(ascii(image).split('\n').every((line) => line.length === 16));
	assert.match(ascii(Uint8Array.of(16, ...new Uint8Array(63))), /^@@ {14}\n/);
});

test('scores are little-endian, and ties go to the first', () => {
	assert.deepEqual(scores(Uint8Array.of(1, 0, 0, 0, 255, 255, 255, 255)), [1, -1]);
	assert.equal(argmax([3, 7, 7, 1]), 1);
});
