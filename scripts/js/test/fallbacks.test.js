/**
 * Models that take a request over: Dave serves the first and never answers; behind the others is a node
 * that proves.
 */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { access, health, pause, setAccess, unpause } from '../src/access.js';
import { bill } from '../src/billing.js';
import { example, testImages } from '../src/digits.js';
import { model } from '../src/models.js';
import { format, UNIT } from '../src/money.js';
import { quoteChain, requestTx, settlement, status } from '../src/requests.js';
import { World } from './world.js';

const world = await World.forTests({ worker: true });
const { api, alice, bob, charlie, dave, ferdie } = world;
const { images } = await testImages();
const expected = await example('digits/expected.i32');

const [PRICE, DEAR, CHEAP] = [1_000_000_007n, 3_000_000_019n, 500_000_009n];
const [primary, dear, cheap] = [
	await world.deployDigits({ lease: 3, price: PRICE }),
	await world.deployDigits({ price: DEAR }),
	await world.deployDigits({ price: CHEAP }),
];
const wine = await world.deployWine();
await world.bondWorker(dave, world.worker2, [primary.version]);
await world.bondWorker(charlie, world.worker, [dear.version, cheap.version, wine.version]);

const tip = async ({ model: id }) => (await model(api, id)).outPoint;

/** What orders an image of the first model, with these behind it. */
async function chain(row, ...others) {
	const fallbacks = await Promise.all(others.map(tip));
	return { outPoint: await tip(primary), input: images[row], fallbacks };
}

const quoted = async (...others) => quoteChain(api, alice.address, { ...(await chain(0, ...others)), inputBytes: 64 });

/** How a request went from one model to another. */
async function handedOn({ request, blockNumber }) {
	const all = await world.events('aimodel', 'FellBack', blockNumber);
	return all
		.filter((event) => event.request.eq(request))
		.map(({ from, to, most, reason }) => [from.model.toHex(), to.model.toHex(), most.toBigInt(), reason.type]);
}

/** Waits for the answer, and checks that this model gave it, rightly, for its own price. */
async function answeredBy({ model: id, price }, { request, held }, row) {
	const end = await world.sealing(settlement(api, request));
	assert.deepEqual([end.status, end.version.model, end.assurance], ['Settled', id, 'Proven']);
	assert.deepEqual(end.output, expected.slice(row * 40, (row + 1) * 40));
	assert.deepEqual([end.price, end.refund, end.worker], [price, held - price, charlie.address]);
	assert.equal(await world.escrowOf(alice), 0n);
}

world.test('where the first worker lets its lease lapse, the fallback answers, at its own price', async () => {
	const made = await world.order(alice, await chain(0, dear, cheap));
	assert.deepEqual([made.version, made.held], [primary.version, DEAR], 'the most that any can cost is held');
	const first = await status(api, made.request);
	assert.deepEqual([first.fallbacks, first.lease.worker], [[dear.version, cheap.version], dave.address]);

	const before = await world.money();
	await world.sealTo(first.lease.until + 1);
	const second = await status(api, made.request);
	assert.deepEqual([second.version, second.fallbacks, second.lease.worker], [dear.version, [cheap.version], charlie.address]);
	assert.deepEqual(await handedOn(made), [[primary.model, dear.model, DEAR, 'Lapsed']]);
	// Of Dave's collateral, by what the first model would have cost.
	const compensation = (PRICE * api.consts.aimodel.lapseCompensation.toBigInt()) / 1_000_000n;
	assert.equal((await world.money()).free[alice.address], before.free[alice.address] + compensation);

	await answeredBy(dear, made, 0);
	assert.equal((await world.money()).earnings[dave.address], undefined);
	const calls = async ({ model: id }) => (await bill(api, alice.address, id)).current.calls;
	assert.deepEqual([await calls(primary), await calls(dear), await calls(cheap)], [0, 1, 0]);
});

world.test('a paused model is left out from the start, and a cheaper fallback costs less', async () => {
	await world.sealing(pause(api, bob, await tip(primary)));
	await world.refused('aimodel.ModelPaused', requestTx(api, { ...(await chain(1)), maxFee: UNIT }), alice);
	await assert.rejects(quoted(), { section: 'aimodel', name: 'ModelPaused' });
	const { held, serving, refused } = await quoted(cheap);
	assert.deepEqual([held, serving], [CHEAP, [{ outPoint: cheap.outPoint, version: cheap.version, most: CHEAP }]]);
	assert.deepEqual(refused, [{ outPoint: await tip(primary), reason: 'ModelPaused' }]);

	const made = await world.order(alice, await chain(1, cheap));
	assert.deepEqual([made.version, made.held], [cheap.version, CHEAP]);
	assert.deepEqual(await handedOn(made), [[primary.model, cheap.model, CHEAP, 'Refused']]);
	await answeredBy(cheap, made, 1);
	await world.sealing(unpause(api, bob, await tip(primary)));
});

world.test('a suspended model is left out, and whoever names no other is refused', async () => {
	const set = async (what) => world.sealing(setAccess(api, bob, await tip(primary), access(what)));
	await set({ breaker: { failures: 1, coolDown: 10_000 } });
	const lapsing = await world.order(alice, await chain(2));
	await world.expire(lapsing);
	assert.ok((await health(api, primary.model)).breaker.open);
	await world.refused('aimodel.ModelSuspended', requestTx(api, { ...(await chain(2)), maxFee: UNIT }), alice);
	assert.deepEqual((await quoted(dear, cheap)).refused.map(({ reason }) => reason), ['ModelSuspended']);
	await answeredBy(dear, await world.order(alice, await chain(2, dear, cheap)), 2);
	await set({});
});

world.test('a model that nobody serves is left out as well', async () => {
	await world.send(api.tx.workers.unserve(primary.version), dave);
	await world.refused('aimodel.NoCapacity', requestTx(api, { ...(await chain(3)), maxFee: UNIT }), alice);
	assert.deepEqual((await quoted(cheap)).refused.map(({ reason }) => reason), ['NoCapacity']);
	await answeredBy(cheap, await world.order(alice, await chain(3, cheap)), 3);
});

world.test('a fallback is another model, takes the same input, and costs no more than was agreed to', async () => {
	const refused = async (error, order) => world.refused(`aimodel.${error}`, requestTx(api, { maxFee: UNIT, ...order }), alice);
	await refused('DuplicateFallback', await chain(0, cheap, cheap));
	await refused('DuplicateFallback', await chain(0, primary));
	await refused('FallbackDiffers', await chain(0, wine));
	await refused('FeeTooLow', { ...(await chain(0, cheap, dear)), maxFee: DEAR - 1n });
	await refused('OutPointSpent', { ...(await chain(0)), fallbacks: [primary.outPoint] });
});

world.test('the program `aimodel` quotes each model, buys, and says who answered', async () => {
	const others = ['--model', primary.model, '--fallback', dear.model, '--fallback', cheap.model];
	const rows = await world.json('quote', ...others, '--bytes', '64', '--account', ferdie.address);
	assert.deepEqual(rows, [
		{ model: dear.model, version: 0, most: format(DEAR), serves: 'first' },
		{ model: cheap.model, version: 0, most: format(CHEAP), serves: 'as a fallback' },
		{ model: primary.model, serves: 'not now', reason: 'NoCapacity' },
	]);
	const [head] = (await world.aimodel('quote', ...others, '--bytes', '64', '--account', ferdie.address, '--csv')).split('\n');
	assert.equal(head, 'model,version,most,serves,reason');

	const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
	try {
		await writeFile(`${folder}/image.u8`, images[4]);
		const bought = await world.json('request', ...others, '--input', `${folder}/image.u8`, '--suri', '//Ferdie');
		assert.deepEqual([bought.status, bought.version, bought.held, bought.price], ['Settled', dear.version, format(DEAR), format(DEAR)]);
	} finally {
		await rm(folder, { recursive: true });
	}
});
