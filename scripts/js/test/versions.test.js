/** Versions, descriptions, history, and models that pay models. */

import assert from 'node:assert/strict';
import { EXAMPLES, testImages } from '../src/digits.js';
import { deploy, model, split, tariff, WHOLE } from '../src/models.js';
import { earningsOf, settlement, withdraw } from '../src/requests.js';
import { serve } from '../src/workers.js';
import { abort, deprecate, describe, history, modelsOf, modelsTagged, promote, publish, resolve, rollback, stage, versions } from '../src/versions.js';
import { World } from './world.js';

const world = await World.forTests({ worker: true });
const { api, alice, bob, charlie, dave, ferdie } = world;
const { images } = await testImages();
const digits = await world.deployDigits();
await world.bondWorker(charlie, world.worker, [digits.version]);

const tip = async () => (await model(api, digits.model)).outPoint;
const changed = async (change, ...args) => world.sealing(change(api, bob, await tip(), ...args));

/** Buys an image, and returns the request. */
async function buy(outPoint, row = 0) {
	const { request } = await world.order(alice, { outPoint, input: images[row] });
	const end = await world.sealing(settlement(api, request));
	assert.equal(end.status, 'Settled');
	return end;
}

world.test('a published version answers a share, then all, then none', async () => {
	const next = { ...digits.record, lease: digits.record.lease };
	await changed(publish, next);
	await world.sealing(serve(api, charlie, { version: { model: digits.model, index: 1 }, slots: 4, lease: 1 }));
	await changed(stage, 1, WHOLE / 2);
	assert.deepEqual(await resolve(api, digits.model, 'Candidate'), { model: digits.model, index: 1 });
	await buy(await tip());
	await changed(promote);
	assert.equal((await resolve(api, digits.model, 'Stable')).index, 1);
	assert.equal((await buy(await tip())).version.index, 1);
	await changed(rollback, 0);
	assert.equal((await buy(await tip())).version.index, 0);
	await changed(stage, 1, 1);
	await changed(abort);
	assert.equal(await resolve(api, digits.model, 'Candidate'), null);
	await changed(deprecate, 1, 0);
	assert.equal((await versions(api, digits.model)).length, 2);
});

world.test('a model is found by its owner and by its tags', async () => {
	await changed(describe, { name: 'Digits', licence: 'Apache-2.0', tags: ['vision', 'digits'] });
	for (const found of [await modelsOf(api, bob.address), await modelsTagged(api, 'vision')]) {
		assert.deepEqual(found, [{ model: digits.model, name: 'Digits', description: null, licence: 'Apache-2.0', tags: ['digits', 'vision'], card: null }]);
	}
	assert.deepEqual(await modelsTagged(api, 'speech'), []);
	assert.deepEqual(await modelsOf(api, ferdie.address), []);
});

world.test('every change is listed, and who made it', async () => {
	const records = await history(api, digits.model);
	assert.equal(records.length, (await model(api, digits.model)).changes);
	assert.equal(records[0].spent, digits.outPoint);
	assert.ok(records.every(({ by }) => by === bob.address));
	const kinds = records.map(({ change }) => (typeof change === 'string' ? change : Object.keys(change)[0]));
	assert.deepEqual(kinds, ['Published', 'Staged', 'Promoted', 'RolledBack', 'Staged', 'Aborted', 'Deprecated', 'Described']);
});

world.test("a fine-tuned model pays its base model's owners", async () => {
	const shares = split(WHOLE / 2, [[dave.address, WHOLE / 4], [digits.model, WHOLE / 4]]);
	const { model: id, outPoint, version } = await world.sealing(deploy(api, bob, { version: digits.record, tariff: tariff({ perCall: 1_000n }), split: shares }));
	await world.sealing(serve(api, charlie, { version, slots: 4, lease: 1 }));
	const { payout, price } = await buy(outPoint);
	const parts = new Map(payout.beneficiaries);
	assert.equal(payout.platform + payout.worker + [...parts.values()].reduce((sum, part) => sum + part, 0n), price);
	// Bob and Eve, by halves, of a quarter of 700.
	assert.deepEqual([parts.get(dave.address), parts.get(bob.address) + parts.get(world.eve.address)], [175n, 175n]);
	assert.equal((await api.call.aimodelApi.earned(dave.address, id)).unwrap().current.toBigInt(), 175n);

	const owed = await earningsOf(api, dave.address);
	const before = (await api.query.system.account(ferdie.address)).data.free.toBigInt();
	assert.equal(await world.sealing(withdraw(api, dave, ferdie.address)), owed);
	assert.equal((await api.query.system.account(ferdie.address)).data.free.toBigInt() - before, owed);
});

world.test('the program `aimodel` publishes, stages and promotes versions, changes the price, and retires a model', async () => {
	const wine = `${EXAMPLES}/wine/wine.onnx`;
	const types = ['--input', 'f32[N<=64,13]', '--output', 'f32[N<=64,3]'];
	const { model: id } = await world.json('deploy', '--suri', '//Bob', '--model', wine, ...types, '--price', '0.25');
	const onIt = ['--suri', '//Bob', '--model', id];
	await world.json('publish', ...onIt, '--file', wine, ...types);
	await world.json('stage', ...onIt, '--version', '1', '--share', '50');
	await world.json('promote', ...onIt);
	assert.equal((await model(api, id)).version.index, 1);
	await world.json('deprecate', ...onIt, '--version', '0', '--notice', '100');
	await world.json('reprice', ...onIt, '--price', '0.5');
	const { maxPrice } = await world.json('quote', '--model', id, '--bytes', '52');
	assert.equal(maxPrice, '0.5 UNIT');
	const kept = await world.json('versions', '--model', id);
	assert.deepEqual(kept.map(({ index, deprecatedFrom }) => [index, deprecatedFrom === null]), [[0, false], [1, true]]);
	await world.json('retire', ...onIt);
	await assert.rejects(world.json('model', id), /There is no model|retired/);
});
