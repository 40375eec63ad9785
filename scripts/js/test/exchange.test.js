/**
 * Models and inputs come to a worker over the chain's own network. Three nodes of a local chain: a
 * publisher, a worker, and a third one that has the rest when the publisher is gone; and peers of the
 * third one that lie.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { blobHash, download, upload } from '../src/blobs.js';
import { accounts, connect, rpc } from '../src/connect.js';
import { example, testImages } from '../src/digits.js';
import { deploy, readVerifyingKey, registerKey, split, tariff } from '../src/models.js';
import { UNIT } from '../src/money.js';
import { Node, PROGRAMS } from '../src/node.js';
import { ATTESTED, earningsOf, PROVEN, request, settlement } from '../src/requests.js';
import { send } from '../src/send.js';
import { inFolder, zkonnx } from '../src/zkonnx.js';
import { CHUNK, Liar } from './liar.js';
import { DIGITS, DIGITS_INTERFACE, digitsKeys, flipped, ODD_PRICE } from './world.js';

/** KiB that a node gives another one in a second: a chunk of the proving key in four seconds. */
const RATE = '64';

const { alice, bob, charlie, dave, worker } = await accounts();
const { images } = await testImages();
const expected = await example('digits/expected.i32');
const answerTo = (row) => expected.slice(row * 40, (row + 1) * 40);

const nodes = [];
const liars = [];
after(async () => {
	for (const liar of liars) await liar.stop();
	for (const { node, api } of nodes) {
		await api.disconnect();
		await node.stop();
	}
});

/** A node of the local chain, connected to those that run: a new one, or by its folder one that was. */
async function start(args, basePath) {
	const known = nodes.flatMap(({ address }) => ['--bootnodes', address]);
	// Nobody else on this machine is a peer.
	const own = ['--unsafe-force-node-key-generation', '--no-mdns'];
	const all = [...own, '--artifacts-rate', RATE, ...known, ...args];
	const node = await Node.start({ chain: 'local', args: all, basePath, metrics: true });
	const api = await connect(node.url);
	const [address] = (await rpc(api, 'system_localListenAddresses')).filter((it) => it.includes('/127.0.0.1/tcp/'));
	const started = { node, api, address };
	nodes.push(started);
	return started;
}

/** Waits until `condition` holds. */
async function until(condition, what, timeout = 60_000) {
	for (const end = Date.now() + timeout; Date.now() < end; await pause(100)) {
		if (await condition()) return;
	}
	throw new Error(`${what} within ${timeout / 1000} s; the worker's log:\n${server.node.tail()}`);
}

const bytesOf = async ({ node }, which) => (await node.metrics()).get(`aimodel_exchange_${which}_bytes_total`);

/** What the command `blob fetch` prints, asked of a running node. */
async function fetchByHand({ node }, hash) {
	const url = node.url.replace('ws:', 'http:');
	const { stdout } = await promisify(execFile)(`${PROGRAMS}/aimodel-node`, ['blob', 'fetch', hash, '--url', url]);
	return stdout.trim();
}

/** A list of models of the gateway: one that another node has. */
const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
after(() => rm(folder, { recursive: true, force: true }));
const iris = await example('iris/iris.onnx');
const listed = (name, hash) => ({ name, versions: [{ version: '1.0.0', uri: `peer://${hash}`, hash, bytes: iris.length }] });
const list = `${folder}/models.json`;
await writeFile(list, JSON.stringify([listed('iris', blobHash(iris)), listed('nobodys', `0x${'07'.repeat(32)}`)]));

const third = await start(['--alice']);
const gateway = ['--gateway-port', '0', '--gateway-models', list];
const startServer = (...args) => start(['--bob', '--worker', '--operator-suri', '//Worker', ...args], `${folder}/server`);
let server = await startServer(...gateway);
const publisher = await start([]);
await until(async () => (await rpc(server.api, 'system_health')).peers === 2, 'the worker has not found two peers');

const isPeer = async ({ id }) => (await rpc(third.api, 'system_peers')).some(({ peerId }) => peerId === id);

/**
 * Has the third node fetch a blob of two chunks that nobody says to have but a new peer, which lies, and waits until
 * the node has found that out. The fetch goes on.
 *
 * @param {(truth: Uint8Array, other: Uint8Array) => {claims: Uint8Array, gives: Uint8Array}} lie see `Liar.meet`
 * @param {string} misconduct what the node calls it
 */
async function lieAbout(lie, misconduct) {
	const [bytes, other] = [0, 1].map(() => new Uint8Array(randomBytes(CHUNK + 1)));
	const hash = blobHash(bytes);
	const liar = await Liar.meet(third.address, third.api.genesisHash.toU8a(), { hash, ...lie(bytes, other) });
	liars.push(liar);
	await until(() => isPeer(liar), 'the liar is no peer');
	const fetched = fetchByHand(third, hash);
	const believed = fetched.then(() => assert.fail('it was believed'));
	await Promise.race([believed, third.node.line(new RegExp(`${liar.id}.* is not asked any more: ${misconduct}`))]);
	return { hash, bytes, liar, fetched };
}

const wrongChunks = (bytes, other) => ({ claims: bytes, gives: other });
const wrongManifest = (_, other) => ({ claims: other, gives: other });

const keys = await digitsKeys();
const onnx = new Uint8Array(await readFile(DIGITS));
let artifact;
let provingKey;
let digits;
let common;
let lost;
let damaged;

test('who sends wrong bytes, or a wrong manifest, is found out', async () => {
	common = await lieAbout(wrongChunks, 'WrongChunk');
	// Nobody else had it when the lie was told. In half a minute it is asked again who has it.
	await upload(server.api, common.bytes);
	// These nobody ever has, so that they are given up after a minute.
	lost = [await lieAbout(wrongChunks, 'WrongChunk'), await lieAbout(wrongManifest, 'WrongManifest')];
});

test('a node gets by hand what another one has, but no model whose parameters are private', async () => {
	[artifact, provingKey] = [await upload(publisher.api, onnx), await upload(publisher.api, keys.provingKey)];
	const hidden = await inFolder(async (folder) => {
		await zkonnx('hide', DIGITS, '--output', `${folder}/hidden.onnx`);
		return upload(publisher.api, new Uint8Array(await readFile(`${folder}/hidden.onnx`)));
	});
	const deployed = registerKey(publisher.api, bob, readVerifyingKey(keys.verifyingKey)).then((key) =>
		deploy(publisher.api, bob, {
			version: {
				artifact,
				interface: DIGITS_INTERFACE,
				units: { fixed: 1, perInputElement: 0, perOutputElement: 0 },
				lease: 100,
				circuit: { key, provingKey },
			},
			tariff: tariff({ perCall: ODD_PRICE }),
			split: split(500_000, [[bob.address, 500_000]]),
		}),
	);
	deployed.catch(() => {}); // Awaited below.
	for (const hash of [artifact, provingKey]) {
		assert.equal(await fetchByHand(third, hash), hash);
		assert.equal(await rpc(third.api, 'blob_has', hash), true);
	}
	assert.deepEqual(await download(third.api, provingKey), keys.provingKey);
	await assert.rejects(fetchByHand(third, hidden), /none of 2 peers has it/);
	await assert.rejects(fetchByHand(third, `0x${'00'.repeat(32)}`), /none of 2 peers has it/);
	digits = await deployed;
});

test('a worker fetches what it offers to serve, and a third node supplies the rest when the publisher is gone', async () => {
	const { api } = third;
	assert.equal(await rpc(server.api, 'blob_has', provingKey), false);
	await Promise.all([
		send(api, api.tx.workers.register(1_000n * UNIT, worker.address), charlie),
		send(api, api.tx.workers.serve(digits.version, 0n, 1, 4), charlie),
	]);
	// The third node gave nothing before: what came beyond what it gives is the publisher's.
	await until(async () => {
		const came = await bytesOf(server, 'fetched');
		return came > (await bytesOf(third, 'served'));
	}, 'nothing has come from the publisher');
	await publisher.api.disconnect();
	await publisher.node.stop('SIGKILL');
	assert.equal(await rpc(server.api, 'blob_has', provingKey), false, 'it was stopped midway');

	await until(() => rpc(server.api, 'blob_has', provingKey), 'the proving key has not come');
	assert.deepEqual(await rpc(server.api, 'blob_fetching', provingKey), { state: 'stored' });
	await until(() => rpc(server.api, 'blob_has', artifact), 'the model has not come');
	const [came, rest] = [await bytesOf(server, 'fetched'), await bytesOf(third, 'served')];
	assert.equal(came, onnx.length + keys.provingKey.length);
	assert.ok(rest > 0 && rest < came, `${rest} of ${came} bytes came from the third node`);
	await rpc(server.api, 'worker_check', digits.version);
});

test('it serves, proves and is paid, also for an input that another node has', async () => {
	const { api } = third;
	const blob = { hash: await upload(api, images[2]), length: images[2].length };
	const order = (customer, input, assurance) =>
		request(api, customer, { outPoint: digits.outPoint, input, assurance, maxFee: 10n * UNIT });
	const orders = await Promise.all([order(alice, images[1], PROVEN), order(dave, blob, ATTESTED)]);
	const ends = await Promise.all(orders.map(({ request: id }) => settlement(api, id)));
	for (const end of ends) assert.deepEqual([end.status, end.worker], ['Settled', charlie.address]);
	assert.deepEqual(ends.map(({ assurance }) => assurance), ['Proven', 'Attested']);
	ends.forEach(({ output }, i) => assert.deepEqual(output, answerTo(i + 1)));
	const owed = ends.reduce((sum, { payout }) => sum + payout.worker, 0n);
	assert.equal(await earningsOf(api, charlie.address), owed);
});

test('what a liar has comes from another node, and the liar is not asked again', async () => {
	const { hash, bytes, liar, fetched } = common;
	assert.equal(await fetched, hash);
	assert.deepEqual(await download(third.api, hash), bytes);
	assert.ok(await isPeer(liar));
	assert.deepEqual(new Set(liar.asked), new Set([null, 0, 1].map((index) => ({ hash, index }))));
	assert.equal(liar.asked.length, 3);
});

test('what only liars have does not come, and other blobs do', async () => {
	for (const { hash, fetched } of lost) {
		await assert.rejects(fetched, /did not come: nobody sends more of it/);
		assert.equal(await rpc(third.api, 'blob_has', hash), false);
	}
	const asked = liars.map((liar) => liar.asked.length);
	const next = await upload(server.api, images[3]);
	assert.equal(await fetchByHand(third, next), next);
	assert.deepEqual(await Promise.all(liars.map(isPeer)), [true, true, true]);
	assert.deepEqual(liars.map((liar) => liar.asked.length), asked);
	assert.equal((await third.node.metrics()).get('aimodel_exchange_convicted_total'), 3);
});

test('its gateway serves a model that another node has, and says what nobody has', async () => {
	const [, url] = await server.node.line(/Open Inference Protocol at (http:\S+)/);
	const hash = await upload(third.api, iris);
	assert.equal(await rpc(server.api, 'blob_has', hash), false);
	const load = async (name) => {
		const answer = await fetch(`${url}/v2/models/${name}/infer`, { method: 'POST', body: '{"inputs":[]}' });
		return (await answer.json()).error;
	};
	assert.match(await load('iris'), /input/, 'it is there, and misses its inputs');
	assert.equal(await rpc(server.api, 'blob_has', hash), true);
	assert.equal((await fetch(`${url}/v2/models/iris/ready`)).status, 200);
	assert.match(await load('nobodys'), /none of \d peers has it/);
});

test('a worker whose model was damaged on its disk while it was away finds out with its first job, and fetches it again', async () => {
	const { api } = third;
	const ordered = request(api, alice, { outPoint: digits.outPoint, input: images[4], maxFee: 10n * UNIT });
	await server.api.disconnect();
	await server.node.stop();
	nodes.splice(nodes.indexOf(server), 1);
	const stored = `${folder}/server/chains/local/blobs/${artifact.slice(2)}`;
	await writeFile(stored, flipped(onnx, onnx.length >> 1));
	// A gateway would load the model, and so find out, before there is a job.
	server = await startServer();
	damaged = (await ordered).request;
	await server.node.line(new RegExp(`request=${damaged}: failed after .*: blob ${artifact} is corrupted`));
	await server.node.line(new RegExp(`fetched blob ${artifact}: ${onnx.length} bytes`));
	assert.deepEqual(new Uint8Array(await readFile(stored)), onnx);
});

test('the job that failed for it settles', async () => {
	const end = await settlement(third.api, damaged);
	assert.deepEqual([end.status, end.worker, end.output], ['Settled', charlie.address, answerTo(4)]);
});
