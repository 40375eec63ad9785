/** The node's commands for operators: what they tell, how they end, and that the way to mend which they name is one. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { promisify } from 'node:util';
import { blobHash, upload } from '../src/blobs.js';
import { rpc } from '../src/connect.js';
import { EXAMPLES, example } from '../src/digits.js';
import { UNIT } from '../src/money.js';
import { PROGRAMS, ROOT } from '../src/node.js';
import { zkonnx } from '../src/zkonnx.js';
import { DIGITS, flipped, World } from './world.js';

const FLOAT = `${EXAMPLES}/digits/digits.onnx`;
const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
after(() => rm(folder, { recursive: true, force: true }));

/** Runs a program: the code that it ends with, and what it prints. */
async function run(program, ...args) {
	const { code = 0, stdout, stderr } = await promisify(execFile)(program, args, { cwd: ROOT }).catch((error) => error);
	return { code, stdout, stderr };
}

const NODE = `${PROGRAMS}/aimodel-node`;
const command = (...args) => run(NODE, ...args);

/** A new file of the test's folder. */
async function written(name, bytes) {
	const file = `${folder}/${name}`;
	await writeFile(file, bytes);
	return file;
}

/** A port that is taken until the test is over, or was a moment ago. */
async function port(scenario = () => {}) {
	const server = createServer().listen(0, '127.0.0.1');
	await once(server, 'listening');
	const number = String(server.address().port);
	try {
		await scenario(number);
	} finally {
		server.close();
	}
	return number;
}

/** No node answers, and none has the ports. */
const nobody = ['--url', 'http://127.0.0.1:9', '--ports', await port()];
const basePath = `${folder}/node`;
const data = `${basePath}/chains/dev`;
/** The development chain as if it were none: its clock is compared, and nobody makes its keys. Commands read no more of it. */
const specification = { name: 'Development', id: 'dev', chainType: 'Live', bootNodes: [], genesis: { raw: { top: {}, childrenDefault: {} } } };
const chain = await written('chain.json', JSON.stringify(specification));
const place = ['--chain', chain, '--base-path', basePath];
const digits = await readFile(DIGITS);

// --- model check ------------------------------------------------------------------------------

/** What is told of a model that is one. */
async function checked(file, ...args) {
	const { stdout, ...ended } = await command('model', 'check', file, '--json', ...args);
	return { ...ended, ...JSON.parse(stdout) };
}

test('a provable model is told with what it is, what a run takes, and what a proof takes', async () => {
	const { code, stderr, artifact, bytes, format, inputs, outputs, operators, constants, served, provable } = await checked(DIGITS);
	assert.deepEqual([code, stderr], [0, '']);
	assert.deepEqual([artifact, bytes, format], [blobHash(digits), digits.length, 'ONNX, opset 17']);
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
		const large = await written('large.onnx', '');
	await truncate(large, (64 << 20) + 1);
	for (const [file, reason] of [
		[await written('cut.onnx', digits.subarray(0, digits.length / 2)), 'the file is not an ONNX model: it ends in the middle of a field'],
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

// --- doctor -----------------------------------------------------------------------------------

/** What the doctor finds. It fails if a check does, and what is not well has a way to mend. */
async function read({ code, stdout, stderr }) {
	const findings = JSON.parse(stdout);
	for (const { check, state, found, mend } of findings) {
		assert.ok(found, check);
		assert.equal(Boolean(mend), state !== 'ok', `${check}: ${found}`);
	}
	const of = (state) => findings.filter((finding) => finding.state === state).map(({ check }) => check);
	const failed = of('failed');
	const reason = failed.length > 0 ? `Error: Invalid input: ${failed.length} of ${findings.length} checks failed\n` : '';
	assert.deepEqual([code, stderr], [failed.length > 0 ? 1 : 0, reason]);
	return { findings, failed, warned: of('warning'), find: (name) => findings.find(({ check }) => check === name) };
}

const doctor = async (...args) => read(await command('doctor', '--json', ...args));

test('a worker that serves is well, once a bonded account has registered its key, and until clock and chain are apart', async () => {
	const world = await World.start({ worker: true, basePath, args: ['--gateway-port', '0'] });
	const { api, node, charlie, worker } = world;
	try {
		await world.shown(async () => {
			const [, gateway] = await node.line(/Open Inference Protocol at http:\S+:(\d+)/);
			const [network] = (await rpc(api, 'system_localListenAddresses')).filter((it) => it.includes('/127.0.0.1/tcp/'));
			const ports = [new URL(node.url).port, network.split('/')[4]];
			const url = node.url.replace('ws:', 'http:');
			const look = () => doctor(...place, '--url', url, '--ports', ports.join(), '--gateway-ports', gateway);
			await upload(api, digits);
			await world.seal();

			const before = await look();
			assert.deepEqual(before.failed, ['keys']);
			assert.match(before.find('keys').mend, /`workers\.register`/);
			await world.send(api.tx.workers.register(1_000n * UNIT, worker.address), charlie);

			const { findings } = await look();
			assert.deepEqual(
				findings.map(({ check, state }) => `${check} ${state}`),
				['library', 'keys', 'disk', 'blobs', 'chain', 'clock', 'port', 'port', 'gateway'].map((check) => `${check} ok`),
			);
			const [library, keys, disk, blobs, best, clock, ...taken] = findings.map(({ found }) => found);
			assert.match(library, /ORT Build Info/);
			assert.equal(keys, `${worker.address} signs for ${charlie.address}`);
			assert.ok(disk.endsWith(` MB free at ${data}`), disk);
			assert.equal(blobs, '1 with 0 MB, all as their hashes say');
			assert.match(best, /^aimodel-node at block 2, 0 peers$/);
			assert.match(clock, /^\d+ s (ahead of|behind) the best block$/);
			assert.deepEqual(taken, [...ports, `port ${gateway}`].map((it) => `${it} is taken; a node runs here`));

			// Sealed blocks are a slot apart, however fast they come.
			await world.seal(100);
			const apart = await look();
			assert.deepEqual(apart.failed, ['clock']);
			assert.match(apart.find('clock').found, /^\d{3} s behind the best block$/);
		});
	} finally {
		await world.stop();
	}
});

test('where no node runs, what it needs is looked at', async () => {
	const stopped = await doctor(...place, ...nobody);
	assert.deepEqual([stopped.failed, stopped.warned], [['keys'], ['chain', 'clock']]);
	assert.equal(stopped.find('keys').found, `no operator key in ${data}/keystore`);
	assert.match(stopped.find('chain').found, /^no node answers at http:\/\/127\.0\.0\.1:9: .*refused/);
	assert.match(stopped.find('port').found, /^\d+ is free$/);

	const [, mend] = /^`aimodel-node (key insert [^`]+)`/.exec(stopped.find('keys').mend);
	assert.equal((await command(...mend.split(' '), '--suri', '//Worker', ...place)).code, 0);
	const mended = await doctor(...place, ...nobody);
	assert.deepEqual([mended.failed, mended.warned], [[], ['chain', 'clock']]);
	assert.equal(mended.find('keys').found, `1 in ${data}/keystore`);
});

test('a blob that was damaged is named, and can be put again', async () => {
	const hash = blobHash(digits);
	const put = () => command('blob', 'put', DIGITS, ...place);
	const blobs = async () => (await doctor(...place, ...nobody)).find('blobs');
	await put();
	await writeFile(`${data}/blobs/${hash.slice(2)}`, flipped(digits, 1000));
	const { state, found, mend } = await blobs();
	assert.equal(state, 'failed');
	assert.ok(found.startsWith(`blob ${hash} is corrupted`), found);

	assert.match(mend, /`aimodel-node blob put FILE`/);
	assert.equal((await put()).stdout, `${hash}\n`);
	assert.equal((await blobs()).found, '1 with 0 MB, all as their hashes say');
});

test('a library that is missing, or is another one, is named', async () => {
	for (const [path, reason] of [
		['/nowhere/libonnxruntime.so', 'ONNX Runtime is not at /nowhere/libonnxruntime.so: '],
		[DIGITS, `ONNX Runtime can not be loaded from ${DIGITS}: `],
	]) {
		const { failed, find } = await doctor('--dev', ...nobody, '--onnxruntime', path);
		assert.deepEqual(failed, ['library']);
		assert.ok(find('library').found.startsWith(reason), find('library').found);
		assert.match(find('library').mend, /^run scripts\/setup\.sh, .*--onnxruntime$/);
	}
});

test('a port that something else has is named, with the flags that choose another', () =>
	port(async (taken) => {
		const { failed, find } = await doctor('--dev', '--url', 'http://127.0.0.1:9', '--ports', taken, '--gateway-ports', taken);
		assert.deepEqual(failed, ['port', 'gateway']);
		assert.match(find('port').found, new RegExp(`^${taken}: Address already in use`));
		assert.match(find('port').mend, /--rpc-port, --port or --prometheus-port$/);
		assert.match(find('gateway').found, new RegExp(`^port ${taken}: Address already in use`));
		assert.match(find('gateway').mend, /--gateway-port or --gateway-grpc-port$/);
	}));

test('a folder that can not be written, or on a disk that is nearly full, is named', async () => {
	const disk = `${folder}/disk`;
	for (const [mount, found, mend] of [
		['ro', `${disk}: Read-only file system`, /^let the node's user write there, .*--base-path$/],
		['size=4m', `4 MB free at ${disk}`, /^make room, .*--base-path$/],
	]) {
		// A namespace of its own, in which anybody may mount.
		const script = `mkdir -p ${disk} && mount -t tmpfs -o ${mount} tmpfs ${disk} && exec "$@"`;
		const mounted = ['--user', '--map-root-user', '--mount', 'sh', '-c', script, 'doctor', NODE, 'doctor', '--json'];
		const { failed, find } = await read(await run('unshare', ...mounted, '--chain', chain, '--base-path', `${disk}/node`, ...nobody));
		assert.deepEqual(failed, ['keys', 'disk']);
		assert.ok(find('disk').found.startsWith(found), find('disk').found);
		assert.match(find('disk').mend, mend);
	}
});
