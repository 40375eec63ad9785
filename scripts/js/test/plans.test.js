/** Calls that a plan covers, and what they are paid from. */

import assert from 'node:assert/strict';
import { usage } from '../src/billing.js';
import { testImages } from '../src/digits.js';
import { model } from '../src/models.js';
import { cancelSubscription, changePlan, fundPot, offer, periods, pot, setPlans, subscribe, subscription, withdrawPot } from '../src/plans.js';
import { earningsOf, requestByPlanTx, settlement } from '../src/requests.js';
import { World } from './world.js';

const world = await World.forTests({ worker: true });
const { api, alice, bob, charlie, ferdie } = world;
const { images } = await testImages();
const digits = await world.deployDigits({ price: 1_000n });
await world.bondWorker(charlie, world.worker, [digits.version]);
const { month } = periods(api);

const PLANS = [
	offer({ period: month, price: 10_000n, quota: 2, tier: 'Standard' }),
	offer({ period: month, price: 40_000n, tier: 'Professional', limits: { rate: { calls: 2, window: 10_000 } } }),
	offer({ period: month, quota: 1, tier: 'Trial' }),
];
const tip = async () => (await model(api, digits.model)).outPoint;
const byPlan = async () => requestByPlanTx(api, { outPoint: await tip(), input: images[0] });

/** Buys an answer by plan; what the worker was paid. */
async function buy(customer) {
	const before = await earningsOf(api, charlie.address);
	const { request } = await world.orderWith(await byPlan(), customer);
	const end = await world.sealing(settlement(api, request));
	assert.deepEqual([end.status, end.price], ['Settled', 0n]);
	return (await earningsOf(api, charlie.address)) - before;
}

world.test('a subscriber calls without a fee, and the worker is paid from the plan', async () => {
	await world.sealing(setPlans(api, bob, await tip(), PLANS));
	await world.refused('aimodel.NotSubscribed', await byPlan(), alice);
	await world.sealing(subscribe(api, alice, await tip(), 0));
	const paid = await buy(alice);
	assert.ok(paid > 0n);
	const mine = await subscription(api, alice.address, digits.model);
	assert.deepEqual([mine.tier, mine.standing, mine.used, mine.quota], ['Standard', 'Active', 1, 2]);
	assert.ok(mine.escrow < mine.price && mine.escrow <= mine.price - paid);
});

world.test('a quota is a quota, until a dearer plan begins', async () => {
	await buy(alice);
	await world.refused('aimodel.QuotaExhausted', await byPlan(), alice);
	await world.sealing(changePlan(api, alice, await tip(), 1));
	await buy(alice);
	const mine = await subscription(api, alice.address, digits.model);
	assert.deepEqual([mine.tier, mine.quota, mine.used], ['Professional', null, 1]);
	await world.sealing(cancelSubscription(api, alice, digits.model));
	assert.equal((await subscription(api, alice.address, digits.model)).renews, false);
});

world.test('a plan brings limits of its own, and how much of them is used can be asked', async () => {
	await buy(alice);
	await world.refused('aimodel.RateLimited', await byPlan(), alice);
	const rows = new Map((await usage(api, alice.address, digits.model)).map(({ what, used, limit }) => [what, [used, limit]]));
	assert.deepEqual(rows.get('calls by plan'), [2, null]);
	assert.deepEqual(rows.get('requests in a window'), [2, 2]);
	assert.deepEqual(rows.get('open requests'), [0, null]);
	assert.match(await world.aimodel('usage', '--model', digits.model, alice.address), /^what +used +limit +until\ncalls by plan +2 /);
});

world.test('a trial is paid from the pot of the owner, and is had once', async () => {
	await world.sealing(subscribe(api, ferdie, await tip(), 2));
	await world.refused('aimodel.PlanUnfunded', await byPlan(), ferdie);
	await world.sealing(fundPot(api, bob, digits.model, 5_000n));
	const paid = await buy(ferdie);
	const left = await pot(api, digits.model, bob.address);
	assert.ok(paid > 0n && left.free <= 5_000n - paid && left.reserved === 0n);
	await world.refused('aimodel.QuotaExhausted', await byPlan(), ferdie);
	await world.refused('aimodel.AlreadySubscribed', api.tx.aimodel.subscribe(await tip(), 2), ferdie);
	await world.sealing(withdrawPot(api, bob, digits.model, left.free));
	assert.equal(await pot(api, digits.model, bob.address), null);
});
