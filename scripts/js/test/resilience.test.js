/** What a worker's node survives: kills, overlaps, re-orgs, a chain that makes no block by itself. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { rpc } from '../src/connect.js';
import { example, testImages } from '../src/digits.js';
import { UNIT } from '../src/money.js';
import { request, requestTx, requested, settlement, status } from '../src/requests.js';
import { findEvent, submit } from '../src/send.js';
import { World } from './world.js';

const { images } = await testImages();
const expected = await example('digits/expected.i32');
const answerTo = (row) => expected.slice(row * 40, (row + 1) * 40);

/** A test with a world of its own. */
function scenario(name, options, run) {
	test(name, async () => {
		const world = await World.start({ worker: true, ...options });
		try {
			await run(world);
		} catch (error) {
			console.error(`--- the node's log ---\n${world.node.tail(100)}\n---`);
			throw error;
		} finally {
			await world.stop();
		}
	});
}

/** A world in which Charlie serves the digits' model through this node. */
async function serving(world) {
	const digits = await world.deployDigits();
	await world.bondWorker(world.charlie, world.worker, [digits.version]);
	return digits;
}

scenario('overlapping runs of the offchain worker lead to one submission', {}, async (world) => {
	const { api, alice } = world;
	const digits = await serving(world);
	const order = await world.order(alice, { outPoint: digits.outPoint, input: images[0] });
	await world.node.line(new RegExp(`request ${order.request}: ready`));

	const first = await world.height();
	const seals = Array.from({ length: 20 }, () => rpc(api, 'engine_createBlock', true, true, null));
	await Promise.all(seals);
	const end = await world.sealing(settlement(api, order.request));
	assert.deepEqual(end.output, answerTo(0));
	await world.seal(10);
	const results = await world.calls('aimodel', 'submitResult', first);
	assert.deepEqual(results.map(({ ok }) => ok), [true]);
	const nonce = await api.rpc.system.accountNextIndex(world.worker.address);
	assert.equal(nonce.toNumber(), 1, 'nothing else was signed');
});

scenario('after a re-org in which a request id means another request, the worker answers the new one', {}, async (world) => {
	const { api, alice, dave } = world;
	const digits = await serving(world);
	const base = await world.seal();
	// Signed for any fork: a mortal transaction names a block.
	const immortal = { era: 0 };
	const order = (row) => requestTx(api, { outPoint: digits.outPoint, input: images[row], maxFee: UNIT });

	const old = await submit(api, order(1), alice, immortal);
	const a1 = await world.sealOn(base);
	const { request: id } = requested(findEvent((await old.included).events, 'aimodel', 'Requested'));
	await world.sealOn(a1);
	await world.node.line(new RegExp(`request ${id}: ready`));
	const from = world.node.lines.length;

	await submit(api, order(2), dave, immortal);
	const b1 = await world.sealOn(base);
	const b2 = await world.sealOn(b1);
	const b3 = await world.sealOn(b2);
	assert.equal((await api.rpc.chain.getBlockHash()).toHex(), b3, 'the longer fork is the best');
	const now = await status(api, id);
	assert.deepEqual([now.status, now.customer], ['Open', dave.address], 'the id means another request');

	await world.node.line(new RegExp(`request ${id}: ready`), { from });
	const end = await world.sealing(settlement(api, id));
	assert.deepEqual([end.status, end.output], ['Settled', answerTo(2)]);

	// The pool brings the first one again, under a new id.
	const again = await world.sealing(settlement(api, id + 1));
	assert.deepEqual([again.status, again.output], ['Settled', answerTo(1)]);
	const results = (await world.calls('aimodel', 'submitResult')).filter(({ ok }) => ok);
	assert.deepEqual(results.map(({ args }) => args[0].toNumber()).sort(), [id, id + 1]);
});

scenario('with instant sealing a request is settled without blocks by anybody else', { sealing: 'instant' }, async (world) => {
	const { api, alice } = world;
	// Nothing but these transactions asks for a block.
	world.sealing = (promise) => promise;
	const digits = await serving(world);
	const order = await request(api, alice, { outPoint: digits.outPoint, input: images[4], maxFee: UNIT });
	const end = await settlement(api, order.request, { timeout: 30_000 });
	assert.deepEqual([end.status, end.output], ['Settled', answerTo(4)]);
	assert.ok(end.settledAt - order.blockNumber <= 5, `after ${end.settledAt - order.blockNumber} blocks`);
});

test('a node that is killed with jobs in its queue finishes and settles each once', async () => {
	const basePath = await mkdtemp(`${tmpdir()}/aimodel-`);
	let world = await World.start({ worker: true, basePath });
	try {
		const digits = await serving(world);
		const rows = [10, 11, 12, 13, 14];
		const tx = (row) => requestTx(world.api, { outPoint: digits.outPoint, input: images[row], maxFee: UNIT });
		const pending = [];
		for (const row of rows) pending.push((await submit(world.api, tx(row), world.alice)).included);
		await world.seal();
		const ids = (await Promise.all(pending)).map(({ events }) => requested(findEvent(events, 'aimodel', 'Requested')).request);
		await world.seal();
		await Promise.all(ids.map((id) => world.node.line(new RegExp(`request ${id}: queued`))));
		// The database writes behind: a kill can take back blocks that were reported final.
		await pause(1_000);
		await world.stop('SIGKILL');

		world = await World.start({ worker: true, basePath });
		const { api } = world;
		for (const id of ids) assert.equal((await status(api, id))?.status, 'Open', `request ${id}`);
		const ends = await world.sealing(Promise.all(ids.map((id) => settlement(api, id))));
		ends.forEach((end, i) => assert.deepEqual([end.status, end.output], ['Settled', answerTo(rows[i])]));
		await world.seal(10);
		const results = (await world.calls('aimodel', 'submitResult')).filter(({ ok }) => ok);
		assert.deepEqual(results.map(({ args }) => args[0].toNumber()).sort((a, b) => a - b), ids);
		const owed = ends.reduce((sum, { payout }) => sum + payout.worker, 0n);
		assert.equal((await world.money()).earnings[world.charlie.address], owed, 'each was paid once');
	} catch (error) {
		console.error(`--- the node's log ---\n${world.node.tail(100)}\n---`);
		throw error;
	} finally {
		await world.stop();
		await rm(basePath, { recursive: true, force: true });
	}
});
