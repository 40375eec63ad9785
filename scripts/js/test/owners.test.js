/** A model that three accounts own together, of whom two change it. */

import assert from 'node:assert/strict';
import { allow, health } from '../src/access.js';
import { model, reprice, tariff } from '../src/models.js';
import { approve, callOf, pendingChanges, unlock, withdrawApproval } from '../src/owners.js';
import { history } from '../src/versions.js';
import { World } from './world.js';

const world = await World.forTests();
const { api, alice, bob, dave, eve, ferdie } = world;
const { model: id, outPoint } = await world.deployWine({ price: tariff({ perCall: 1n }) });
const MEMBERS = [alice, dave, eve].map(({ address }) => address);

const info = () => model(api, id);
const tip = async () => (await info()).outPoint;
const price = async () => (await info()).tariff.perCall;
const pending = () => pendingChanges(api, id);
const repriceTx = (at, perCall) => api.tx.aimodel.reprice(at, tariff({ perCall }));

/** Lets a member ask for a price of the output that is live. */
const ask = async (member, perCall) => world.sealing(reprice(api, member, await tip(), tariff({ perCall })));

/** Who approved what is pending, without the block until which that counts. */
const approvals = async () => (await pending()).map(({ approved }) => approved.map(({ by }) => by));

world.test('a lock takes a model from its owner, and gives it to a set', async () => {
	await world.refused('aimodel.UnsoundLock', api.tx.aimodel.setLock(outPoint, { members: [alice.address], threshold: 2 }), bob);
	await world.aimodel('lock', '--model', id, '--threshold', '2', ...MEMBERS, '--suri', '//Bob');
	const { lock: set, owner } = await info();
	assert.deepEqual([set.members.toSorted(), set.threshold, owner], [MEMBERS.toSorted(), 2, bob.address]);
	for (const other of [bob, ferdie]) {
		await world.refused('aimodel.NotMember', repriceTx(await tip(), 2n), other);
		await world.refused('aimodel.NotMember', api.tx.aimodel.setLock(await tip(), null), other);
	}
});

world.test('two of three change the model, and the third is not asked', async () => {
	const before = await tip();
	const { blockNumber } = await world.send(repriceTx(before, 2n), alice);
	const [{ successor, ...rest }, ...others] = await pending();
	const until = blockNumber + api.consts.aimodel.approvalPeriod.toNumber();
	const call = repriceTx(before, 2n).method.hash.toHex();
	assert.deepEqual([rest, others], [{ call, approved: [{ by: alice.address, until }], missing: 1 }, []]);
	assert.deepEqual([await tip(), await price()], [before, 1], 'nothing has come out yet');

	assert.equal(await ask(dave, 2n), successor, 'what comes out is what Alice was told');
	assert.deepEqual([await tip(), await price(), await pending()], [successor, 2, []]);
	await world.refused('aimodel.OutPointSpent', repriceTx(before, 2n), eve);
	const { spent, by, with: also } = (await history(api, id)).at(-1);
	assert.deepEqual([spent, by, also], [before, dave.address, [alice.address]]);
});

world.test('approvals of different changes do not add up, until a member changes its mind', async () => {
	const before = await tip();
	assert.equal(await ask(alice, 3n), before);
	await ask(dave, 4n);
	assert.deepEqual((await approvals()).flat().toSorted(), [alice.address, dave.address].toSorted());
	assert.deepEqual([await tip(), await price()], [before, 2]);
	await ask(alice, 4n);
	assert.deepEqual([await price(), await pending()], [4, []]);
});

world.test('an approval ends with the output that it is of', async () => {
	const before = await tip();
	await ask(eve, 5n);
	await ask(alice, 6n);
	await ask(dave, 6n);
	assert.deepEqual([await price(), await pending()], [6, []]);
	await world.refused('aimodel.OutPointSpent', repriceTx(before, 5n), dave);
	await ask(dave, 5n);
	assert.deepEqual([await approvals(), await price()], [[[dave.address]], 6], "Eve's does not count for the new output");
	await world.sealing(withdrawApproval(api, dave, await tip()));
	assert.deepEqual(await pending(), []);
	await world.refused('aimodel.NotApproved', api.tx.aimodel.withdrawApproval(await tip()), dave);
	await ask(eve, 5n);
	assert.deepEqual([await approvals(), await price()], [[[eve.address]], 6], "nor does Dave's, which he took back");
	await world.sealing(withdrawApproval(api, eve, await tip()));
});

world.test('what can not be done can not be approved', async () => {
	const unsound = tariff({ perCall: 1n, min: 2n, max: 1n });
	await world.refused('aimodel.UnsoundTariff', api.tx.aimodel.reprice(await tip(), unsound), alice);
	await world.refused('aimodel.UnknownVersion', api.tx.aimodel.rollback(await tip(), 9), alice);
	await world.refused('aimodel.NotPaused', api.tx.aimodel.unpause(await tip()), alice);
	assert.deepEqual(await pending(), []);
});

world.test('an allow-list is changed by two as well, and what else is pending stays', async () => {
	await ask(eve, 7n);
	for (const [member, expected] of [[alice, 0], [dave, 1]]) {
		await world.sealing(allow(api, member, id, [ferdie.address]));
		assert.equal((await health(api, id)).allowed, expected);
	}
	assert.deepEqual(await approvals(), [[eve.address]]);
	await ask(alice, 7n);
	assert.equal(await price(), 7);
});

world.test('a member sees what another approved, and approves it by name', async () => {
	const asked = await world.json('pause', '--model', id, '--suri', '//Alice');
	assert.deepEqual([asked.by, asked.missing], [[alice.address], 1]);
	assert.equal((await callOf(api, (await pending())[0])).method, 'pause');
	const [head, row] = (await world.aimodel('approvals', '--model', id)).split('\n').map((line) => line.split(/  +/));
	assert.deepEqual(head, ['call', 'change', 'to', 'by', 'missing', 'until', 'successor']);
	assert.deepEqual(row.slice(0, 5), [asked.approved, 'pause', '[]', JSON.stringify([alice.address]), '1']);
	await assert.rejects(approve(api, eve, id, outPoint), { name: 'NotPending' });

	const done = await world.json('approve', '--model', id, asked.approved, '--suri', '//Eve');
	assert.deepEqual([done.missing, done.successor], [0, await tip()]);
	assert.equal((await health(api, id)).access.paused, true);
	await world.refused('aimodel.ModelPaused', api.tx.aimodel.pause(await tip()), alice);
});

world.test('of a call within another one, the hash alone is known', async () => {
	await world.send(api.tx.sudo.sudoAs(dave.address, api.tx.aimodel.unpause(await tip())), alice);
	const [{ call, approved }] = await pending();
	assert.deepEqual([call, approved[0].by], [api.tx.aimodel.unpause(await tip()).method.hash.toHex(), dave.address]);
	await assert.rejects(approve(api, eve, id, call), { name: 'CallNotFound' });
	await world.send(api.tx.aimodel.unpause(await tip()), eve);
	assert.equal((await health(api, id)).access.paused, false);
});

world.test('a set gives the model back by its own vote', async () => {
	await world.sealing(unlock(api, dave, await tip()));
	const [{ call }] = await pending();
	assert.deepEqual(await world.json('unapprove', '--model', id, '--suri', '//Dave'), { model: id, withdrawn: call });
	await world.sealing(unlock(api, eve, await tip()));
	assert.notEqual((await info()).lock, null);
	await world.sealing(unlock(api, alice, await tip()));
	assert.equal((await info()).lock, null);
	await world.refused('aimodel.NotOwner', repriceTx(await tip(), 8n), alice);
	await ask(bob, 8n);
	assert.equal(await price(), 8);
});
