/** What needs no node: the statement, files, amounts. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { ascii, argmax, scores, testImages } from '../src/digits.js';
import { rpcError } from '../src/errors.js';
import { readVerifyingKey } from '../src/models.js';
import { format, parse, UNIT } from '../src/money.js';
import { binding, pack } from '../src/statement.js';

const bytes = (hex) => hexToU8a(`0x${hex}`);
const hex = (u8a) => u8aToHex(u8a).slice(2);
const vectors = JSON.parse(
	await readFile(new URL('../../../primitives/vectors/statement.json', import.meta.url), 'utf8'),
);
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

test('what can not be packed is refused', () => {
	assert.throws(() => pack('f32', new Uint8Array(4)), /f32 can not be packed/);
	assert.throws(() => pack('i32', new Uint8Array(5)), /no whole number of i32/);
});

test('a file that is no verifying key is refused with a sentence', () => {
	assert.throws(() => readVerifyingKey(new TextEncoder().encode('zkonnxPK and more')), /no verifying key/);
	assert.throws(() => readVerifyingKey(new TextEncoder().encode('zkonnxVK\x01')), /truncated/);
	assert.throws(() => readVerifyingKey(new TextEncoder().encode('zkonnxVK\x07\0')), /format 7; 2 is known/);
	const origin = new TextEncoder().encode('zkonnxVK\x02\0\x01\0\x09');
	assert.throws(() => readVerifyingKey(origin), /unknown origin 9/);
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
