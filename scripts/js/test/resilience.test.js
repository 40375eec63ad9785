/** What a worker's node survives: kills, overlaps, re-orgs, a chain that makes no block by itself. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import { rpc } from '../src/connect.js';
import { example, testImages } from '../src/digits.js';
import { UNIT } from '../src/money.js';
import { request, requestTx, requested, settlement, status } from '../src/requests.js';
import { findEvent, submit } from '../src/send.js';
import { World } from './world.js';

const { images } = await testImages();
const expected = await example('digits/expected.i32');
const answerTo = (row) => expected.slice(row * 40, (row + 1) * 40);

/** One world, whose node is killed on the way; Charlie serves the digits' model through it. */
const basePath = await mkdtemp(`${tmpdir()}/aimodel-`);
let world = await World.start({ worker: true, basePath });
const digits = await serving(world);
after(async () => {
	await world.stop();
	await rm(basePath, { recursive: true, force: true });
});

async function serving(world) {
	const model = await world.deployDigits();
	await world.bondWorker(world.charlie, world.worker, [model.version]);
	return model;
}

const orderTx = (row) => requestTx(world.api, { outPoint: digits.outPoint, input: images[row], maxFee: UNIT });
const ready = (id, options) => world.node.line(new RegExp(`request=${id}: ready`), options);
const idOf = ({ events }) => requested(findEvent(events, 'aimodel', 'Requested')).request;

/** A test in the world of the moment; where it fails, the end of the node's log is shown. */
const scenario = (name, run) => test(name, () => world.shown(run));

scenario('a worker tells for whom its operator key signs', async () => {
	const { api, charlie, worker } = world;
	const { operators, service } = await rpc(api, 'worker_status');
	assert.deepEqual(operators, [{ operator: worker.address, worker: charlie.address }]);
	assert.equal(service.queued, 0);
	await world.node.line(new RegExp(`Operator key ${worker.address} signs for nobody`));
	await world.node.line(new RegExp(`Operator key ${worker.address} signs for ${charlie.address}`));
});

scenario('overlapping runs of the offchain worker lead to one submission', async () => {
	const { api, alice } = world;
	const order = await world.order(alice, { outPoint: digits.outPoint, input: images[0] });
	await ready(order.request);

	const seals = Array.from({ length: 20 }, () => rpc(api, 'engine_createBlock', true, true, null));
	await Promise.all(seals);
	const end = await world.sealing(settlement(api, order.request));
	assert.deepEqual(end.output, answerTo(0));
	await world.seal(10);
	assert.deepEqual(await world.resultsOf([order.request]), [{ id: order.request, ok: true }]);
	const nonce = await api.rpc.system.accountNextIndex(world.worker.address);
	assert.equal(nonce.toNumber(), 1, 'nothing else was signed');
});

scenario('after a re-org in which a request id means another request, the worker answers the new one', async () => {
	const { api, alice, dave } = world;
	const base = await world.seal();
	// Signed for any fork: a mortal transaction names a block.
	const immortal = { era: 0 };

	const old = await submit(api, orderTx(1), alice, immortal);
	const a1 = await world.sealOn(base);
	const id = idOf(await old.included);
	await world.sealOn(a1);
	await ready(id);
	const from = world.node.lines.length;

	await submit(api, orderTx(2), dave, immortal);
	const b1 = await world.sealOn(base);
	const b2 = await world.sealOn(b1);
	const b3 = await world.sealOn(b2);
	assert.equal((await api.rpc.chain.getBlockHash()).toHex(), b3, 'the longer fork is the best');
	const now = await status(api, id);
	assert.deepEqual([now.status, now.customer], ['Open', dave.address], 'the id means another request');

	await ready(id, { from });
	const end = await world.sealing(settlement(api, id));
	assert.deepEqual([end.status, end.output], ['Settled', answerTo(2)]);

	// The pool brings the first one again, under a new id.
	const again = await world.sealing(settlement(api, id + 1));
	assert.deepEqual([again.status, again.output], ['Settled', answerTo(1)]);
	assert.deepEqual(await world.resultsOf([id, id + 1]), [{ id, ok: true }, { id: id + 1, ok: true }]);
});

scenario('a node that is killed at work finishes all that it had begun, and settles each once', async () => {
	const rows = Array.from({ length: 24 }, (_, i) => 10 + i);
	const earned = async () => (await world.money()).earnings[world.charlie.address];
	const before = await earned();
	const ids = await world.orderAll(world.alice, rows.map((row) => ({ outPoint: digits.outPoint, input: images[row] })));
	await world.killAtWork(ids);

	world = await World.start({ worker: true, basePath });
	const { api } = world;
	for (const id of ids) assert.equal((await status(api, id))?.status, 'Open', `request ${id}`);
	const ends = await world.sealing(Promise.all(ids.map((id) => settlement(api, id))));
	ends.forEach((end, i) => assert.deepEqual([end.status, end.output], ['Settled', answerTo(rows[i])]));
	await world.seal(10);
	assert.deepEqual(await world.resultsOf(ids), ids.map((id) => ({ id, ok: true })));
	const owed = ends.reduce((sum, { payout }) => sum + payout.worker, 0n);
	assert.equal((await earned()) - before, owed, 'each was paid once');
});

test('with instant sealing a request is settled without blocks by anybody else', async () => {
	const instant = await World.start({ worker: true, sealing: 'instant' });
	try {
		await instant.shown(async () => {
			const { api, alice } = instant;
			// Nothing but transactions and finished jobs asks for a block.
			instant.sealing = (promise) => promise;
			const { outPoint } = await serving(instant);
			const order = await request(api, alice, { outPoint, input: images[4], maxFee: UNIT });
			const end = await settlement(api, order.request, { timeout: 30_000 });
			assert.deepEqual([end.status, end.output], ['Settled', answerTo(4)]);
			assert.ok(end.settledAt - order.blockNumber <= 5, `after ${end.settledAt - order.blockNumber} blocks`);
		});
	} finally {
		await instant.stop();
	}
});
