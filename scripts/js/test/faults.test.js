/**
 * What goes wrong around a running node: nothing is lost, no other request fails, the next request works.
 *
 * Other servers are this test's own proxy in front of the gateway: it answers rightly, late, or never.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, open, readFile, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { blobHash, download, upload } from '../src/blobs.js';
import { argmax, example, EXAMPLES, testImages } from '../src/digits.js';
import { PROGRAMS, ROOT } from '../src/node.js';
import { settlement } from '../src/requests.js';
import { World } from './world.js';

const run = promisify(execFile);
const MiB = 1 << 20;
const { images, labels } = await testImages();
const expected = await example('digits/expected.i32');
const answerTo = (row) => expected.slice(row * 40, (row + 1) * 40);
const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
const digits = new Uint8Array(await readFile(`${EXAMPLES}/digits/digits.onnx`));

// --- Another server ---------------------------------------------------------------------------

/** Where the proxy asks. */
let behind;
/** Called with each inference before it is passed on, and with its answer before that goes back. */
let onAsked = async () => {};
let onAnswer = async () => {};
const proxy = createServer(async (request, response) => {
	try {
		if (request.url === '/long') return void response.writeHead(200, { 'content-length': 12 * MiB }).end(Buffer.alloc(12 * MiB));
		if (request.url === '/digits') return void response.writeHead(200, { 'content-length': digits.length }).end(digits);
		const body = Buffer.concat(await request.toArray());
		const infers = request.url.endsWith('/infer');
		if (infers) await onAsked();
		const { host, connection, 'content-length': length, ...headers } = request.headers;
		const url = `${behind}${request.url.replace('/elsewhere/', '/models/')}`;
		const answer = await fetch(url, { method: request.method, headers, body: infers ? body : undefined });
		const told = Buffer.from(await answer.arrayBuffer());
		if (infers) await onAnswer();
		const kept = ['content-type', 'inference-header-content-length'].flatMap((name) => {
			const value = answer.headers.get(name);
			return value === null ? [] : [[name, value]];
		});
		response.writeHead(answer.status, Object.fromEntries(kept)).end(told);
	} catch {
		response.destroy();
	}
}).listen(0, '127.0.0.1');
await once(proxy, 'listening');
const elsewhere = `http://127.0.0.1:${proxy.address().port}`;

// --- The gateway ------------------------------------------------------------------------------

const file = (name) => `${folder}/${name}.onnx`;
const entry = (name, uri, options = {}, { bytes = digits.length, hash = blobHash(digits) } = {}) => ({
	name,
	versions: [{ version: '1.0.0', uri, hash, bytes }],
	options,
});
const remote = { backends: ['remote'] };
await copyFile(`${EXAMPLES}/digits/digits.onnx`, file('local'));
await copyFile(file('local'), file('replaced'));
await writeFile(file('corrupt'), digits.map((byte, at) => (at === 1000 ? byte ^ 1 : byte)));
for (const [name, bytes] of [['huge', 3 * 1024 * MiB], ['large', 1024 * MiB]]) {
	await (await open(file(name), 'w')).close();
	await truncate(file(name), bytes);
}
await writeFile(
	`${folder}/models.json`,
	JSON.stringify([
		...['local', 'replaced', 'corrupt', 'missing'].map((name) => entry(name, `file://${file(name)}`)),
		entry('huge', `file://${file('huge')}`, {}, { bytes: 3 * 1024 * MiB }),
		entry('large', `file://${file('large')}`, {}, { bytes: 1024 * MiB }),
		entry('far', `${elsewhere}/v2/elsewhere/local`, remote),
		entry('hanging', `${elsewhere}/v2/elsewhere/local`, {
			...remote,
			execution_timeout_ms: 500,
			suspend_ms: 60_000,
			fallback: ['local'],
		}),
		entry('long', `${elsewhere}/long`, {}, { bytes: 12 * MiB }),
		entry('fetched', `${elsewhere}/digits`),
	]),
);
const basePath = `${folder}/node`;
const args = ['--gateway-port', '0', '--gateway-models', `${folder}/models.json`, '--gateway-manage', '--gateway-stop-timeout', '30'];
let world;
let url;
async function start(options = {}) {
	world = await World.start({ worker: true, basePath, args, ...options });
	[, url] = await world.node.line(/Open Inference Protocol at (http:\S+)/);
	behind = url;
}
await start();
const provable = await servesOnChain();
after(async () => {
	await world.stop();
	proxy.closeAllConnections();
	proxy.close();
	await rm(folder, { recursive: true, force: true });
});

const asked = (row) => JSON.stringify({ inputs: [{ name: 'image', datatype: 'FP32', shape: [1, 64], data: Array.from(images[row]) }] });

async function post(path, body = '') {
	const answer = await fetch(`${url}${path}`, { method: 'POST', body });
	const text = await answer.text();
	return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

const infer = (model, row = 0) => post(`/v2/models/${model}/infer`, asked(row));

/** Charlie serves the digits' model on the chain through the node. */
async function servesOnChain() {
	const model = await world.deployDigits();
	await world.bondWorker(world.charlie, world.worker, [model.version]);
	return model;
}

/** An order on the chain, made now, is answered rightly. */
async function settles(row, { outPoint } = provable) {
	const { request } = await world.order(world.alice, { outPoint, input: images[row] });
	const end = await world.sealing(settlement(world.api, request));
	assert.deepEqual([end.status, end.output], ['Settled', answerTo(row)]);
}

/** A model answers rightly. */
async function answers(model = 'local', row = 0) {
	const answer = await infer(model, row);
	assert.equal(answer.status, 200, answer.error);
	assert.equal(argmax(answer.outputs[0].data), labels[row]);
	return answer;
}

/** Runs what goes wrong while others are answered, one after another; the next is answered after it. */
async function amongOthers(scenario) {
	let over = false;
	const others = (async () => {
		for (let row = 0; !over; row = (row + 1) % 3) await answers('local', row);
	})();
	others.catch(() => {});
	try {
		await scenario();
	} finally {
		over = true;
	}
	await others;
	await answers();
}

/** A test of what goes wrong while others are answered. */
const fault = (name, scenario) => test(name, () => world.shown(() => amongOthers(scenario)));

/** A connection: `sent` resolves when all is sent or nobody takes it, `told` is what came until it was closed. */
function raw(...pieces) {
	const { hostname, port } = new URL(url);
	const socket = connect({ host: hostname, port: Number(port) });
	let told = '';
	socket.setEncoding('latin1').on('data', (text) => (told += text)).on('error', () => {});
	const closed = new Promise((resolve) => socket.once('close', resolve)).then(() => told);
	const send = (piece) => new Promise((resolve) => socket.write(piece, 'latin1', (error) => resolve(!error)));
	const sent = (async () => {
		for (const piece of pieces) if (!(await send(piece))) return;
	})();
	return { socket, send, sent, closed };
}

const head = (...lines) => `${['POST /v2/models/local/infer HTTP/1.1', 'host: x', ...lines].join('\r\n')}\r\n\r\n`;

// --- Clients ----------------------------------------------------------------------------------

/** Goes on while all else is tested. */
const slowest = (async () => {
	const { socket, send, closed } = raw(head('content-length: 1000'));
	while (!socket.destroyed) {
		await send(' ');
		await pause(1_000);
	}
	return closed;
})();

fault('clients that send garbage, or leave midway', async () => {
	for (const garbage of ['\x16\x03\x01\x00\xff garbage\r\n\r\n', 'GET\r\n\r\n', head('content-length: many'), `${head('content-length: 4')}\xff\xfe{[`]) {
		const { socket, closed } = raw(garbage);
		socket.setTimeout(60_000, () => socket.destroy());
		assert.match((await Promise.race([closed, once(socket, 'data').then(([text]) => text)])) || 'HTTP/1.1 400', /^HTTP\/1\.1 400/);
		socket.destroy();
	}
	const body = asked(0);
	for (const part of ['', body.slice(0, 1), body.slice(0, -1), body]) {
		const { socket, sent } = raw(head(`content-length: ${body.length}`), part);
		await sent;
		socket.destroy();
	}
	const midway = raw(head(`content-length: ${body.length}`), body.slice(0, -1));
	await midway.sent;
	await settles(12);
	midway.socket.destroy();
});

fault('a gigabyte, announced or not', async () => {
	const announced = raw(head(`content-length: ${1 << 30}`));
	const [refusal] = await once(announced.socket, 'data');
	assert.match(refusal, /^HTTP\/1\.1 413 [^]*1073741824 bytes; 67108864 bytes are the most/);
	announced.socket.destroy();

	const chunked = raw(head('transfer-encoding: chunked'));
	const chunk = `100000\r\n${' '.repeat(MiB)}\r\n`;
	let taken = 0;
	while (taken < 1024 && !chunked.socket.destroyed && (await chunked.send(chunk))) {
		// Half of what is taken.
		if (++taken === 32) await settles(13);
	}
	assert.ok(taken >= 32 && taken < 200, `${taken} MiB were taken`);
	chunked.socket.destroy();
});

// --- Models -----------------------------------------------------------------------------------

fault('model files that are corrupt or missing', async () => {
	const corrupt = await infer('corrupt');
	assert.equal(corrupt.status, 503);
	assert.match(corrupt.error, /has the hash .*; the entry says/);
	const missing = await infer('missing');
	assert.equal(missing.status, 503);
	assert.match(missing.error, /missing\.onnx: No such file/);
	await copyFile(file('local'), file('missing'));
	assert.equal((await post('/v2/repository/models/missing/load')).status, 200);
	await answers('missing');
});

fault('a model file that is replaced under the node', async () => {
	await answers('replaced');
	await copyFile(`${EXAMPLES}/iris/iris.onnx`, file('other'));
	await rename(file('other'), file('replaced'));
	await answers('replaced', 1);
	assert.equal((await post('/v2/repository/models/replaced/unload')).status, 200);
	const refused = await post('/v2/repository/models/replaced/load');
	assert.equal(refused.status, 503);
	assert.match(refused.error, /replaced\.onnx has \d+ bytes; the entry says \d+/);
	assert.equal((await infer('replaced')).status, 503);
	await settles(14);
	await copyFile(file('local'), file('replaced'));
	assert.equal((await post('/v2/repository/models/replaced/load')).status, 200);
	await answers('replaced', 2);
});

fault('a model that takes more memory than models may', async () => {
	const refused = await infer('huge');
	assert.equal(refused.status, 503);
	assert.match(refused.error, /3221225472 bytes of memory do not fit: \d+ of 2147483648 are taken/);
	// Nothing made room in vain.
	for (const name of ['local', 'replaced']) assert.equal((await fetch(`${url}/v2/models/${name}/ready`)).status, 200);
});

fault('a model for which the system has no memory', async () => {
	const pid = world.node.child.pid;
	const limit = (bytes) => run('prlimit', ['--pid', String(pid), `--data=${bytes}:`]);
	const [, used] = /VmData:\s*(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'latin1'));
	await limit(Number(used) * 1024 + 256 * MiB);
	try {
		const refused = await infer('large');
		assert.equal(refused.status, 503);
		assert.match(refused.error, /there is no memory for 1073741824 bytes/);
		await answers('local', 3);
	} finally {
		await limit('unlimited');
	}
});

fault('a backend that hangs: the deadline fires, the breaker opens, the fallback answers', async () => {
	let arrived = 0;
	await answers('far');
	onAsked = () => (arrived++, new Promise(() => {}));
	try {
		const [first] = await Promise.all([answers('hanging', 4), settles(15)]);
		assert.equal(first.model_name, 'local', 'the fallback');
		assert.equal(arrived, 1);
		for (const row of [5, 6, 7]) assert.equal((await answers('hanging', row)).model_name, 'local');
		assert.equal(arrived, 1, 'it is not asked again while it is suspended');
	} finally {
		onAsked = async () => {};
	}
	proxy.closeAllConnections();
	await answers('far', 8);
	// Loaded anew it is tried anew.
	assert.equal((await post('/v2/repository/models/hanging/unload')).status, 200);
	assert.equal((await post('/v2/repository/models/hanging/load')).status, 200);
	assert.equal((await answers('hanging', 9)).model_name, 'hanging');
});

// --- The machine ------------------------------------------------------------------------------

fault('a client that sends a byte a second is told so', async () => {
	assert.match(await slowest, /^HTTP\/1\.1 408 [^]*too slowly: \d+ bytes in/);
});

test('a disk that is full', async () => {
	// A namespace of its own, in which anybody may mount.
	const data = `${folder}/small/chains/dev`;
	const disks = [`${data}/blobs`, `${data}/gateway`];
	const mounted = disks.map((at) => `mkdir -p ${at} && mount -t tmpfs -o size=4m tmpfs ${at}`);
	const under = ['unshare', '--user', '--map-root-user', '--mount', 'sh', '-c', `${mounted.join(' && ')} && exec "$@"`, 'node'];
	const large = world;
	const largeUrl = url;
	await start({ basePath: `${folder}/small`, under });
	const small = world;
	const fillers = disks.map((at) => `/proc/${small.node.child.pid}/root${at}/filler`);
	const noSpace = /No space left on device/;
	const refused = async () => {
		const { status, error } = await infer('long');
		assert.equal(status, 503);
		assert.match(error, noSpace);
	};
	try {
		await small.shown(async () => {
			const model = await servesOnChain();
			await amongOthers(async () => {
				// What does not fit leaves its room to others.
				await refused();
				await answers('fetched');
				await assert.rejects(upload(small.api, new Uint8Array(12 * MiB).fill(1)), noSpace);
				const bytes = new Uint8Array(MiB).fill(2);
				assert.equal(await upload(small.api, bytes), blobHash(bytes));

				for (const filler of fillers) await assert.rejects(writeFile(filler, new Uint8Array(4 * MiB)), { code: 'ENOSPC' });
				const next = new Uint8Array(MiB).fill(3);
				await assert.rejects(upload(small.api, next), noSpace);
				await refused();
				await answers('fetched', 1);
				await settles(16, model);

				for (const filler of fillers) await rm(filler);
				const kept = await upload(small.api, next);
				assert.deepEqual(await download(small.api, kept), next);
			});
		});
	} finally {
		await small.stop();
		world = large;
		url = largeUrl;
		behind = url;
	}
	await answers();
});

test('what would be ignored is refused', async () => {
	const gateway = ['--dev', '--tmp', '--worker', '--gateway-port', '0'];
	for (const [flags, reason] of [
		[['--gateway', 'open', '--gateway-tokens', '/nowhere'], /--gateway-tokens is of no use without --gateway token/],
		[['--gateway-ipfs', 'http://localhost'], /--gateway-ipfs is of no use without --gateway-models/],
		[['--gateway', 'subscribers', '--gateway-manage'], /--gateway-manage is of no use with --gateway subscribers/],
	]) {
		await assert.rejects(run(`${PROGRAMS}/aimodel-node`, [...gateway, ...flags], { cwd: ROOT }), ({ code, stderr }) => {
			assert.equal(code, 1);
			assert.match(stderr, reason);
			return true;
		});
	}
});

/** The worker answers requests, each once. */
async function paidOnce(ids) {
	const ends = await world.sealing(Promise.all(ids.map((id) => settlement(world.api, id))));
	await world.seal(5);
	assert.deepEqual(await world.resultsOf(ids), ids.map((id) => ({ id, ok: true })));
	return ends;
}

test('a library that is missing is named, with the way to get it, and jobs wait for the right one', () =>
	world.shown(async () => {
		const order = async () => (await world.order(world.alice, { outPoint: provable.outPoint, input: images[0] })).request;
		const begun = await order();
		await world.node.line(new RegExp(`request=${begun}: queued`));
		await world.stop();
		const missing = start({ args: [...args, '--onnxruntime', '/nowhere/libonnxruntime.so'] });
		await assert.rejects(missing, /ended with 1;[^]*^Error: .*ONNX Runtime is not at \/nowhere\/libonnxruntime\.so: run scripts\/setup\.sh, or .* --onnxruntime/m);
		// The chain goes on without the worker.
		world = await World.start({ basePath });
		const ids = [begun, await order()];
		for (const id of ids) assert.ok(await world.leaseOf(id), 'it is to be answered');
		await world.stop();

		await start();
		await answers();
		await paidOnce(ids);
	}));

test('a node that is killed while it answers and has jobs finishes what the chain has, and is paid once', () =>
	world.shown(async () => {
		const orders = Array.from({ length: 24 }, (_, row) => ({ outPoint: provable.outPoint, input: images[row] }));
		let held;
		const holds = new Promise((resolve) => (held = resolve));
		onAnswer = () => (held(), new Promise(() => {}));
		const call = infer('far').then(
			() => assert.fail('it was answered'),
			(error) => error,
		);
		await holds;
		onAnswer = async () => {};
		const ids = await world.orderAll(world.alice, orders);
		await world.killAtWork(ids);
		assert.ok((await call) instanceof TypeError, 'the client is told by the end of its connection');
		proxy.closeAllConnections();

		await start();
		await answers();
		await answers('far');
		const ends = await paidOnce(ids);
		ends.forEach((end, row) => assert.deepEqual([end.status, end.output], ['Settled', answerTo(row)]));
	}));

test('a node that is told to stop answers what it was asked, takes nothing more, and ends well', () =>
	world.shown(async () => {
		let held;
		const holds = new Promise((resolve) => (held = resolve));
		let release;
		const released = new Promise((resolve) => (release = resolve));
		onAnswer = () => (held(), released);
		const call = answers('far', 11);
		await holds;
		onAnswer = async () => {};
		const { child, ended } = world.node;
		world.node.stopping = true;
		child.kill('SIGTERM');
		await world.node.line(/Gateway: answers what was asked, and nothing more/);
		const { hostname, port } = new URL(url);
		for (let tries = 0; ; tries++) {
			const refused = await new Promise((resolve) => {
				const socket = connect({ host: hostname, port: Number(port) }, () => (socket.destroy(), resolve(false)));
				socket.once('error', () => resolve(true));
			});
			if (refused) break;
			assert.ok(tries < 100, 'connections are still taken');
			await pause(20);
		}
		assert.equal(child.exitCode, null);
		release();
		await call;
		await ended;
		assert.equal(child.exitCode, 0);
	}));
