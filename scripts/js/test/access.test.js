/** Who may use a model, and when nobody may. */

import assert from 'node:assert/strict';
import { access, allow, disallow, health, pause, setAccess, unpause } from '../src/access.js';
import { testImages } from '../src/digits.js';
import { model } from '../src/models.js';
import { requestTx } from '../src/requests.js';
import { submitResultTx } from '../src/workers.js';
import { World } from './world.js';

const world = await World.forTests();
const { api, alice, bob, charlie, ferdie } = world;
const { images } = await testImages();
const digits = await world.deployDigits({ lease: 3 });
await world.bondWorker(charlie, world.worker, [digits.version]);

const tip = async () => (await model(api, digits.model)).outPoint;
const order = async () => requestTx(api, { outPoint: await tip(), input: images[0], maxFee: 10n ** 12n });
const refused = async (error, customer) => world.refused(`aimodel.${error}`, await order(), customer);
const set = async (what) => world.sealing(setAccess(api, bob, await tip(), access(what)));

/** An answer that settles. */
async function buy(customer) {
	const made = await world.order(customer, { outPoint: await tip(), input: images[0] });
	const answer = await world.proveFor(made.request, charlie, made.input);
	await world.send(submitResultTx(api, { request: made.request, ...answer }), world.worker);
}

/** A request whose lease lapses. */
async function fail(customer) {
	const { request } = await world.order(customer, { outPoint: await tip(), input: images[0] });
	await world.sealTo((await world.leaseOf(request)).until + 1);
	await world.send(api.tx.aimodel.cancel(request), customer).catch(() => {});
}

world.test('only who is allowed may use a model with an allow-list', async () => {
	await set({ allowList: true });
	await world.sealing(allow(api, bob, digits.model, [alice.address]));
	await buy(alice);
	await refused('NotAllowed', ferdie);
	await world.sealing(disallow(api, bob, digits.model, [alice.address]));
	await refused('NotAllowed', alice);
	await set({});
});

world.test('a paused model takes no requests', async () => {
	await world.sealing(pause(api, bob, await tip()));
	await refused('ModelPaused', alice);
	await world.sealing(unpause(api, bob, await tip()));
	await buy(alice);
});

world.test('an account makes so many requests in a window', async () => {
	await set({ rate: { calls: 1, window: 432_000 } });
	await buy(ferdie);
	await refused('RateLimited', ferdie);
	await set({});
});

world.test('a model that fails in a row is suspended, admits a trial, and resumes', async () => {
	await set({ breaker: { failures: 2, coolDown: 4 } });
	await fail(alice);
	await fail(alice);
	const { breaker, figures } = await health(api, digits.model);
	assert.ok(breaker.open.until > 0);
	assert.ok(figures.availability < 1 && figures.latency >= 1 && figures.answers === 3);
	await refused('ModelSuspended', alice);
	await world.sealTo(breaker.open.until);
	await buy(alice);
	assert.deepEqual((await health(api, digits.model)).breaker, { closed: { failures: 0 } });
	const told = (await world.history()).flatMap(({ events }) => events.map(({ event }) => event.method));
	assert.deepEqual([told.includes('Suspended'), told.includes('Resumed')], [true, true]);
});
