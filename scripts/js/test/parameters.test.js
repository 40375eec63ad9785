/** A model that its customers never see: a node with a worker. */

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after } from 'node:test';
import { blobHash, download, upload } from '../src/blobs.js';
import { connect } from '../src/connect.js';
import { example, testImages } from '../src/digits.js';
import { deploy, readVerifyingKey, registerKey, tariff, upgrade } from '../src/models.js';
import { Node } from '../src/node.js';
import { settlement } from '../src/requests.js';
import { serve } from '../src/workers.js';
import { parameterCommitment, setup, zkonnx } from '../src/zkonnx.js';
import { DIGITS, DIGITS_INTERFACE, LEASE, World } from './world.js';

const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
const basePath = `${folder}/node`;
const world = await World.start({ worker: true, basePath });
let stopped = false;
after(async () => {
	if (!stopped) await world.stop();
	await rm(folder, { recursive: true, force: true });
});

const { api, alice, bob, charlie } = world;
const { images } = await testImages();
const expected = await example('digits/expected.i32');

/** The digits' model with private parameters, of a salt of its own. */
async function hidden(name) {
	const path = `${folder}/${name}.onnx`;
	await zkonnx('hide', DIGITS, '--output', path);
	return { path, onnx: new Uint8Array(await readFile(path)), parameters: await parameterCommitment(path) };
}

const [first, second] = [await hidden('first'), await hidden('second')];
const keys = await setup(first.path, folder);
const key = await world.sealing(registerKey(api, bob, readVerifyingKey(keys.verifyingKey)));
const provingKey = await upload(api, keys.provingKey);

/** A version that answers with these parameters. */
const version = async ({ onnx, parameters }) => ({
	artifact: await upload(api, onnx),
	interface: DIGITS_INTERFACE,
	units: { fixed: 1, perInputElement: 0, perOutputElement: 0 },
	lease: LEASE,
	circuit: { key, provingKey, parameters },
});

/** Buys the answer to an image, and compares it with ONNX Runtime's. */
async function answered(outPoint, row) {
	const { request } = await world.order(alice, { outPoint, input: images[row] });
	const end = await world.sealing(settlement(api, request));
	assert.equal(end.status, 'Settled');
	assert.deepEqual(end.output, expected.slice(row * 40, (row + 1) * 40));
	return end;
}

let model;

world.test('answers of a private model settle', async () => {
	const what = { version: await version(first), tariff: tariff({ perCall: 1_000n }), split: world.thirds() };
	model = await world.sealing(deploy(api, bob, what));
	await world.bondWorker(charlie, world.worker, [model.version]);
	await answered(model.outPoint, 0);
	await answered(model.outPoint, 1);
});

world.test('a model that was trained again keeps its key', async () => {
	const outPoint = await world.sealing(upgrade(api, bob, model.outPoint, await version(second)));
	const next = { model: model.version.model, index: 1 };
	await world.sealing(serve(api, charlie, { version: next, slots: 4, lease: 1 }));
	await answered(outPoint, 2);
});

world.test('strangers can not fetch it from the node', async () => {
	await world.stop();
	stopped = true;
	const node = await Node.start({ args: ['--sealing', 'manual', '--rpc-methods', 'safe'], basePath });
	const stranger = await connect(node.url);
	try {
		for (const { onnx } of [first, second]) {
			await assert.rejects(download(stranger, blobHash(onnx)), /unsafe/);
		}
		assert.deepEqual(await download(stranger, provingKey), keys.provingKey);
	} finally {
		await stranger.disconnect();
		await node.stop();
	}
});
