/** The node's commands for operators: what they tell, how they end, and that the way to mend which they name is one. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { blobHash } from '../src/blobs.js';
import { EXAMPLES, example } from '../src/digits.js';
import { PROGRAMS, ROOT } from '../src/node.js';
import { zkonnx } from '../src/zkonnx.js';
import { DIGITS } from './world.js';

const FLOAT = `${EXAMPLES}/digits/digits.onnx`;
const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
after(() => rm(folder, { recursive: true, force: true }));

/** Runs a command of the node's program: the code that it ends with, and what it prints. */
async function command(...args) {
	const ended = promisify(execFile)(`${PROGRAMS}/aimodel-node`, args, { cwd: ROOT });
	const { code = 0, stdout, stderr } = await ended.catch((error) => error);
	return { code, stdout, stderr };
}

/** A new file of the test's folder. */
async function written(name, bytes) {
	const file = `${folder}/${name}`;
	await writeFile(file, bytes);
	return file;
}

// --- model check ------------------------------------------------------------------------------

/** What is told of a model that is one. */
async function checked(file, ...args) {
	const { stdout, ...ended } = await command('model', 'check', file, '--json', ...args);
	return { ...ended, ...JSON.parse(stdout) };
}

test('a provable model is told with what it is, what a run takes, and what a proof takes', async () => {
	const { code, stderr, artifact, bytes, format, inputs, outputs, operators, constants, served, provable } = await checked(DIGITS);
	assert.deepEqual([code, stderr], [0, '']);
	const file = await readFile(DIGITS);
	assert.deepEqual([artifact, bytes, format], [blobHash(file), file.length, 'ONNX, opset 17']);
	assert.deepEqual([inputs, outputs], [['image uint8[?, 64]'], ['scores int32[?, 10]']]);
	assert.deepEqual(operators, { Add: 2, Cast: 1, Clip: 1, Div: 1, MatMulInteger: 2 });
	assert.ok(constants > 64 * 32 + 32 * 10, 'its weights are among them');
	assert.ok(served.run_ms > 0 && served.load_ms > 0 && served.memory_bytes > 0, JSON.stringify(served));
	assert.equal(served.batches, true);
	const circuit = await zkonnx('inspect', DIGITS);
	assert.deepEqual([provable.constraints, provable.multiply_accumulates], [circuit.constraints, circuit.multiply_accumulates]);
	assert.ok(provable.estimated_key_bytes > 0 && provable.estimated_proof_ms > 0, JSON.stringify(provable));

	const { stdout } = await command('model', 'check', DIGITS);
	assert.match(stdout, new RegExp(`^artifact +${artifact}$`, 'm'));
	assert.match(stdout, /^served +yes, in batches: loaded in [\d.]+ ms, [\d.]+ ms a run, \d+ kB$/m);
	assert.match(stdout, new RegExp(`^provable +yes: ${circuit.constraints} constraints, `, 'm'));
});

test('a float model is told with why it can not be proved, and with a way that makes it provable', async () => {
	const { code, operators, served, provable } = await checked(FLOAT);
	assert.equal(code, 0, 'a worker can serve it');
	assert.deepEqual(operators, { Gemm: 2, Relu: 1 });
	assert.ok(served.run_ms > 0);
	assert.match(provable.reason, /^the input 'image' is float \[N, 64\]; it must be uint8/);
	assert.equal('constraints' in provable, false);

	assert.match(provable.mend, /`zkonnx quantize`/);
	const quantized = `${folder}/quantized.onnx`;
	await zkonnx('quantize', FLOAT, '--calibration', `${EXAMPLES}/digits/calibration.u8`, '--output', quantized);
	assert.ok((await checked(quantized)).provable.constraints > 0);
});

test('a model that can not be run is told all the same, and the command fails', async () => {
	const bytes = Buffer.from(await example('digits/digits.onnx'));
	bytes.write('Rela', bytes.indexOf('Relu'));
	const unknown = await checked(await written('unknown.onnx', bytes));
	assert.equal(unknown.code, 1);
	assert.deepEqual(unknown.operators, { Gemm: 2, Rela: 1 });
	assert.match(unknown.served.error, /^not a model that can be served: .*Rela/);
	assert.match(unknown.stderr, /^Error: .*a worker can not serve it: not a model that can be served: .*Rela/);

	const without = await checked(DIGITS, '--onnxruntime', '/nowhere/libonnxruntime.so');
	assert.equal(without.code, 1);
	assert.match(without.served.error, /^ONNX Runtime is not at \/nowhere\/libonnxruntime\.so: run scripts\/setup\.sh/);
	assert.ok(without.provable.constraints > 0);
});

test('a file that is no model is named, with what is wrong with it', async () => {
	const whole = await readFile(DIGITS);
	const large = await written('large.onnx', '');
	await truncate(large, (64 << 20) + 1);
	for (const [file, reason] of [
		[await written('cut.onnx', whole.subarray(0, whole.length / 2)), 'the file is not an ONNX model: it ends in the middle of a field'],
		[await written('text.onnx', 'a model'), 'the file is not an ONNX model: '],
		[await written('empty.onnx', ''), ''],
		[large, 'it has 67108865 bytes; 67108864 are the most'],
		[folder, 'Is a directory'],
		[`${folder}/missing.onnx`, 'No such file or directory'],
	]) {
		const { code, stdout, stderr } = await command('model', 'check', file, '--json');
		assert.deepEqual([code, stdout], [1, ''], file);
		assert.ok(stderr.startsWith(`Error: Invalid input: ${file}: ${reason}`), stderr);
	}
});
