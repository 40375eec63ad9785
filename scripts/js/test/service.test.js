/** What plans promise of the service, who pays where it is not kept, and models for subscribers alone. */

import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { access, setAccess } from '../src/access.js';
import { tier as tierOf } from '../src/arguments.js';
import { testImages } from '../src/digits.js';
import { model } from '../src/models.js';
import { offer, periods, setPlans, subscribe, subscription } from '../src/plans.js';
import { earningsOf, requestByPlanTx, requestTx, status } from '../src/requests.js';
import { postServiceBond, service, serviceBond, terms, waivePenalty, withdrawServiceBond } from '../src/service.js';
import { submitResultTx } from '../src/workers.js';
import { World } from './world.js';

const world = await World.forTests();
const { api, alice, bob, charlie, ferdie } = world;
const { images } = await testImages();
const PRICE = 1_000_000_007n;
const DEADLINE = 15;
const { model: id, version } = await world.deployDigits({ lease: 3, price: PRICE });
await world.bondWorker(charlie, world.worker, [version]);
const { month } = periods(api);

/** A quarter of what is at stake; three quarters, where fewer than half of the leases were answered. */
const TERMS = terms({ deadline: DEADLINE, penalty: 250_000, availability: 500_000, breach: 750_000 });
const PLANS = [
	offer({ period: month, price: 50n * PRICE, tier: 'Professional', service: TERMS }),
	offer({ period: month, price: PRICE, tier: 'Standard' }),
];
const POSTED = 3n * PRICE;
const part = (amount, millionths) => (amount * BigInt(millionths)) / 1_000_000n;
/** What a lapsed lease brings the customer, from the worker. */
const COMPENSATION = part(PRICE, api.consts.aimodel.lapseCompensation.toNumber());

const tip = async () => (await model(api, id)).outPoint;
const orderTx = async () => requestTx(api, { outPoint: await tip(), input: images[0], maxFee: PRICE });
const byPlanTx = async () => requestByPlanTx(api, { outPoint: await tip(), input: images[0] });
const order = async (customer = alice) => world.orderWith(await orderTx(), customer);
const bond = () => serviceBond(api, id, bob.address);

/** Answers a request as its worker. */
async function answer({ request }) {
	const result = await world.proveFor(request, charlie, images[0]);
	await world.send(submitResultTx(api, { request, ...result }), world.worker);
}

world.test('who subscribes knows the terms, and calls on them only where a bond stands for them', async () => {
	await world.sealing(setPlans(api, bob, await tip(), PLANS));
	assert.equal(await service(api, alice.address, id), null);
	await world.sealing(subscribe(api, alice, await tip(), 0));
	const promised = { tier: 'Professional', terms: TERMS, waivesPenalty: false, covered: 0n };
	assert.deepEqual(await service(api, alice.address, id), promised);
	await world.refused('aimodel.PenaltyUncovered', await orderTx(), alice);
	await world.refused('aimodel.NotOwner', api.tx.aimodel.postServiceBond(id, POSTED), ferdie);

	await world.sealing(postServiceBond(api, bob, id, POSTED));
	assert.deepEqual(await service(api, alice.address, id), { ...promised, covered: POSTED });
	assert.deepEqual([await bond(), await world.heldFor(bob, 'ServiceBond')], [{ free: POSTED, reserved: 0n }, POSTED]);
	const made = await order();
	assert.equal(made.deadline, made.blockNumber + DEADLINE);
	await answer(made);
	assert.deepEqual(await bond(), { free: POSTED, reserved: 0n });
});

world.test('a missed deadline brings the penalty: from the worker, and the rest from the bond', async () => {
	const made = await order();
	const [usual, breach] = [TERMS.penalty, TERMS.breach].map((share) => part(PRICE, share));
	assert.deepEqual((await status(api, made.request)).penalty, { usual, availability: TERMS.availability, breach });
	assert.deepEqual(await bond(), { free: POSTED - breach, reserved: breach });
	await world.refused('aimodel.ServiceBondTooSmall', api.tx.aimodel.withdrawServiceBond(id, POSTED), bob);
	const [guarantee] = (await world.events('aimodel', 'Guaranteed', made.blockNumber)).filter(({ request }) => request.eq(made.request));
	assert.equal(guarantee.guarantor.toString(), bob.address);

	const before = await world.money();
	const end = await world.expire(made);
	// Half of the leases were answered, as promised.
	const fromBond = usual - COMPENSATION;
	assert.deepEqual([end.status, end.reason, end.amount], ['Refunded', 'Expired', PRICE]);
	assert.deepEqual(end.penalty, { owed: usual, amount: fromBond });
	assert.deepEqual(await bond(), { free: POSTED - fromBond, reserved: 0n });
	const after = await world.money();
	assert.equal(await earningsOf(api, alice.address), fromBond);
	assert.equal(after.free[alice.address], before.free[alice.address] + PRICE + COMPENSATION);
	assert.equal(after.held[bob.address], before.held[bob.address] - fromBond);
});

world.test('below the promised availability it brings more', async () => {
	const [left, earned] = [(await bond()).free, await earningsOf(api, alice.address)];
	const { penalty } = await world.expire(await order());
	assert.deepEqual(penalty, { owed: part(PRICE, TERMS.breach), amount: part(PRICE, TERMS.breach) - COMPENSATION });
	assert.equal((await bond()).free, left - penalty.amount);
	assert.equal(await earningsOf(api, alice.address), earned + penalty.amount);
});

world.test('of a call by plan the bond pays all, and the call is given back', async () => {
	const made = await world.orderWith(await byPlanTx(), alice);
	const { draw } = await status(api, made.request);
	const [left, { used, escrow }] = [(await bond()).free, await subscription(api, alice.address, id)];
	const { penalty } = await world.expire(made);
	assert.deepEqual(penalty, { owed: part(draw, TERMS.breach), amount: part(draw, TERMS.breach) });
	assert.equal((await bond()).free, left, 'all that was reserved is paid');
	const then = await subscription(api, alice.address, id);
	assert.deepEqual([then.used, then.escrow], [used - 1, escrow + draw]);
});

world.test('an owner takes back what is free; who waives the penalty calls all the same', async () => {
	await world.sealing(withdrawServiceBond(api, bob, id, (await bond()).free));
	assert.deepEqual([await bond(), await world.heldFor(bob, 'ServiceBond')], [null, 0n]);
	await world.refused('aimodel.PenaltyUncovered', await orderTx(), alice);
	await world.refused('aimodel.NotSubscribed', api.tx.aimodel.waivePenalty(id, true), ferdie);
	await world.sealing(waivePenalty(api, alice, id));
	const made = await order();
	assert.equal((await status(api, made.request)).penalty, null);
	assert.equal((await world.expire(made)).penalty, null);
});

world.test('a model for subscribers refuses strangers, and one for a tier those below it', async () => {
	const set = async (what) => world.sealing(setAccess(api, bob, await tip(), access(what)));
	await set({ subscribers: true });
	await world.refused('aimodel.SubscribersOnly', await orderTx(), ferdie);
	await world.sealing(subscribe(api, ferdie, await tip(), 1));
	for (const customer of [ferdie, alice, bob]) await answer(await order(customer));

	await set({ tier: 'Professional' });
	await world.refused('aimodel.TierTooLow', await orderTx(), ferdie);
	for (const customer of [alice, bob]) await answer(await order(customer));
	await set({});
});

world.test('the program `aimodel` sells terms, stands for them, and says on which one calls', async () => {
	const as = (suri, ...args) => world.json(args[0], '--model', id, ...args.slice(1), '--suri', suri);
	const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
	try {
		const plan = { price: '0.05', tier: 'Enterprise', service: { deadline: 30, penalty: 100_000 } };
		await writeFile(`${folder}/plans.json`, JSON.stringify([plan]));
		await as('//Bob', 'plans', '--set', `${folder}/plans.json`);
	} finally {
		await rm(folder, { recursive: true });
	}
	const [{ tier, price, deadline, penalty, availability, breach }] = await as('//Bob', 'plans');
	assert.deepEqual([tier, price, deadline, penalty, availability, breach], ['Enterprise', '0.05 UNIT', 30, '10 %', '0 %', '10 %']);
	assert.deepEqual(await as('//Bob', 'bond', '--post', '0.25'), { owner: bob.address, free: '0.25 UNIT', reserved: '0 UNIT' });
	await world.sealing(waivePenalty(api, alice, id, false));
	const mine = await as('//Alice', 'terms');
	assert.deepEqual(mine, { tier: 'Professional', deadline: DEADLINE, penalty: '25 %', availability: '50 %', breach: '75 %', waivesPenalty: false, covered: '0.25 UNIT' });
	await as('//Bob', 'access', '--tier', 'enterprise');
	await world.refused('aimodel.TierTooLow', await orderTx(), alice);
	assert.throws(() => tierOf('royal'), /^Error: "royal" is no tier; trial, standard, professional, enterprise are\.$/);
});
