/** What a worker loses that does not answer, and who answers in its place: a node without a worker. */

import assert from 'node:assert/strict';
import { testImages } from '../src/digits.js';
import { UNIT } from '../src/money.js';
import { requestTx, settlement } from '../src/requests.js';
import { submitResultTx } from '../src/workers.js';
import { World } from './world.js';

const world = await World.forTests();
const { api, alice, charlie, dave } = world;
const { images } = await testImages();
const LEASE = 4;
const PRICE = 3n * UNIT + 7n;
const digits = await world.deployDigits({ lease: LEASE, price: PRICE });
const workers = { [charlie.address]: [charlie, world.worker], [dave.address]: [dave, world.worker2] };
for (const [account, operator] of Object.values(workers)) {
	await world.bondWorker(account, operator, [digits.version], { slots: 4 });
}
const order = () => world.order(alice, { outPoint: digits.outPoint, input: images[3] });
const bond = async (address) => (await api.query.workers.workers(address)).unwrap();

/** What the lapses of a request cost and brought, from the events since its creation. */
async function lapses(id, since) {
	const found = [];
	for (const { events } of await world.history(since)) {
		for (const { event } of events) {
			if (event.section !== 'workers' || event.method !== 'Slashed') continue;
			const { worker, request, amount, compensation, burned } = event.data;
			if (request.toNumber() !== id) continue;
			const [lost, gained, gone] = [amount, compensation, burned].map((n) => n.toBigInt());
			assert.equal(lost, gained + gone, 'what is not compensation is burned');
			found.push({ worker: worker.toString(), lost, gained, gone });
		}
	}
	return found;
}

world.test('where no worker answers, the customer has everything back and each holder loses its slash', async () => {
	const before = await world.money();
	const bonds = Object.fromEntries(
		await Promise.all(Object.keys(workers).map(async (who) => [who, (await bond(who)).bond.toBigInt()])),
	);
	const made = await order();
	const { collateral } = await world.leaseOf(made.request);
	assert.equal(collateral, api.consts.aimodel.minCollateral.toBigInt() + made.held);
	await world.sealTo(made.deadline + 1);

	const end = await settlement(api, made.request, { since: made.blockNumber });
	assert.deepEqual([end.status, end.reason, end.amount], ['Refunded', 'Expired', PRICE]);
	const slashed = await lapses(made.request, made.blockNumber);
	assert.deepEqual(slashed.map(({ worker }) => worker).sort(), Object.keys(workers).sort(), 'both, once each');
	for (const { worker, lost } of slashed) {
		assert.equal(lost, collateral);
		const record = await bond(worker);
		assert.equal(record.bond.toBigInt(), bonds[worker] - collateral);
		assert.equal(record.reserved.toBigInt(), 0n);
	}
	const most = (made.held * BigInt(api.consts.aimodel.lapseCompensation.toNumber())) / 1_000_000n;
	const gained = slashed.reduce((sum, lapse) => sum + lapse.gained, 0n);
	assert.equal(gained, most, 'the fixed fraction, however many leases lapse');
	const { fee } = made;
	const after = await world.money();
	assert.equal(after.free[alice.address], before.free[alice.address] - fee + gained);
	assert.equal(after.held[alice.address], before.held[alice.address]);
	const burned = slashed.reduce((sum, lapse) => sum + lapse.gone, 0n);
	assert.equal(after.issuance, before.issuance - fee - burned);
	assert.deepEqual(after.earnings, before.earnings);
});

world.test('a second worker takes over within the deadline and is paid; only the first is slashed', async () => {
	const made = await order();
	const first = await world.leaseOf(made.request);
	const stale = await world.proveFor(made.request, workers[first.worker][0], made.input);
	await world.sealTo(first.until + 1);
	const second = await world.leaseOf(made.request);
	assert.notEqual(second.worker, first.worker);
	assert.ok(second.until <= made.deadline);
	assert.equal(second.until - first.until - 1, LEASE, 'it has a whole lease of its own');

	const [account, operator] = workers[second.worker];
	const request = made.request;
	await world.refused('aimodel.NotLeaseHolder', submitResultTx(api, { request, ...stale }), workers[first.worker][1]);
	await world.refused('zkVerifier.ProofRejected', submitResultTx(api, { request, ...stale }), operator);
	const before = await world.money();
	const answer = await world.proveFor(request, account, made.input);
	await world.send(submitResultTx(api, { request, ...answer }), operator);
	const end = await settlement(api, request);
	assert.deepEqual([end.status, end.worker, end.price], ['Settled', second.worker, PRICE]);
	const earned = (await world.money()).earnings[second.worker] - (before.earnings[second.worker] ?? 0n);
	assert.equal(earned, end.payout.worker);
	assert.deepEqual((await lapses(request, made.blockNumber)).map(({ worker }) => worker), [first.worker]);
});

world.test('a request that nobody could answer is refused before its money is held', async () => {
	const alone = await world.deployDigits({ lease: LEASE });
	const tx = requestTx(api, { outPoint: alone.outPoint, input: images[0], maxFee: UNIT });
	await world.refused('aimodel.NoCapacity', tx, alice);
});

world.test('what lapses can be moved on, or cancelled, by call as soon as it has lapsed', async () => {
	const made = await order();
	const { until } = await world.leaseOf(made.request);
	await world.sealTo(until);
	// In the first block after the lease: before the chain itself comes to it.
	const { events } = await world.send(api.tx.aimodel.cancel(made.request), alice);
	const methods = events.filter(({ event }) => event.section === 'aimodel').map(({ event }) => event.method);
	assert.deepEqual(methods, ['Lapsed', 'Refunded']);
	assert.equal(await world.escrowOf(alice), 0n);
});
