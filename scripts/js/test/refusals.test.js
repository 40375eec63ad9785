/**
 * What is refused, each with its own error, and no money moves: a node without a worker, whose part
 * this file plays, honestly and otherwise.
 */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { u8aConcat } from '@polkadot/util';
import { blobHash } from '../src/blobs.js';
import { account } from '../src/connect.js';
import { example, testImages } from '../src/digits.js';
import { readVerifyingKey, registerKeyTx, reprice, tariff, tensor } from '../src/models.js';
import { UNIT } from '../src/money.js';
import { ATTESTED, PROVEN, requestTx, settlement } from '../src/requests.js';
import { findEvent } from '../src/send.js';
import { submitResultTx, submitResultsTx } from '../src/workers.js';
import { digitsKeys, flipped, World } from './world.js';

const world = await World.forTests();
const { api, alice, bob, charlie, dave, ferdie } = world;
const { images } = await testImages();
const [digits, hasty, wine] = [
	await world.deployDigits(),
	await world.deployDigits({ lease: 3 }),
	await world.deployWine(),
];
const versions = [digits, hasty, wine].map(({ version }) => version);
await world.bondWorker(charlie, world.worker, versions);
await world.bondWorker(dave, world.worker2, versions);

/** The key that signs for a worker, by the worker's address. */
const OPERATORS = { [charlie.address]: world.worker, [dave.address]: world.worker2 };

/** A request of Alice's, who holds its lease, and an honest answer. */
async function leased(what = {}) {
	const order = await world.order(alice, { outPoint: digits.outPoint, input: images[0], ...what });
	const lease = await world.leaseOf(order.request);
	const [holder, rival] = lease.worker === charlie.address ? [charlie, dave] : [dave, charlie];
	const answer = await world.proveFor(order.request, holder, order.input);
	const operators = { operator: OPERATORS[holder.address], rivalOperator: OPERATORS[rival.address] };
	return { ...order, lease, holder, rival, ...operators, answer: { request: order.request, ...answer } };
}

const open = await leased();
const submitResult = (changes) => submitResultTx(api, { ...open.answer, ...changes });

/** Where the points of a proof are: A, B and C, each x and y. */
const [B, C] = [96, 96 + 192];
const withPoint = (bytes, at, point) => u8aConcat(bytes.slice(0, at), point, bytes.slice(at + point.length));

/** (0, 2): on the curve y² = x³ + 4, of order 3. */
const OF_ORDER_3 = Uint8Array.from({ length: 96 }, (_, i) => (i === 95 ? 2 : 0));

/** The point at infinity, as it is written uncompressed. */
const identity = (bytes) => Uint8Array.from({ length: bytes }, (_, i) => (i === 0 ? 0x40 : 0));

world.test('an output with a flipped bit', async () => {
	for (const at of [0, 39]) {
		const output = flipped(open.answer.output, at);
		await world.refused('zkVerifier.ProofRejected', submitResult({ output }), open.operator);
	}
});

world.test('a proof with a flipped bit', async () => {
	const { proof } = open.answer;
	for (const at of [95, B + 191, C + 95]) {
		await world.refused('zkVerifier.PointNotOnCurve', submitResult({ proof: flipped(proof, at) }), open.operator);
	}
	const flag = withPoint(proof, 0, Uint8Array.of(proof[0] | 0x80));
	await world.refused('zkVerifier.MalformedPoint', submitResult({ proof: flag }), open.operator);
});

world.test('a proof of valid points that proves nothing', async () => {
	const { proof } = open.answer;
	const swapped = u8aConcat(proof.slice(C), proof.slice(B, C), proof.slice(0, B));
	await world.refused('zkVerifier.ProofRejected', submitResult({ proof: swapped }), open.operator);
});

world.test('a proof with a point outside of the subgroup, or the identity', async () => {
	const { proof } = open.answer;
	for (const at of [0, C]) {
		const outside = withPoint(proof, at, OF_ORDER_3);
		await world.refused('zkVerifier.PointNotInSubgroup', submitResult({ proof: outside }), open.operator);
		const zero = withPoint(proof, at, identity(96));
		await world.refused('zkVerifier.IdentityPoint', submitResult({ proof: zero }), open.operator);
	}
	const zero = withPoint(proof, B, identity(192));
	await world.refused('zkVerifier.IdentityPoint', submitResult({ proof: zero }), open.operator);
});

world.test('a proof that is too short, or missing', async () => {
	const short = open.answer.proof.slice(0, 383);
	await world.refused('zkVerifier.MalformedProof', submitResult({ proof: short }), open.operator);
	await world.refused('aimodel.ProofMissing', submitResult({ proof: null }), open.operator);
});

world.test('an answer of another length, as a blob, or with more units than were used', async () => {
	const { output } = open.answer;
	await world.refused('aimodel.OutputLength', submitResult({ output: output.slice(0, 36) }), open.operator);
	const blob = { hash: blobHash(output), length: output.length };
	await world.refused('aimodel.OutputNotInline', submitResult({ output: blob }), open.operator);
	await world.refused('aimodel.TooManyUnits', submitResult({ units: 2 }), open.operator);
});

world.test('a valid proof that another bonded worker submits', async () => {
	await world.refused('aimodel.NotLeaseHolder', submitResult({}), open.rivalOperator);
});

world.test('a valid proof that was made for another bonded worker', async () => {
	const stolen = await world.proveFor(open.request, open.rival, open.input);
	await world.refused('zkVerifier.ProofRejected', submitResult({ proof: stolen.proof }), open.operator);
});

world.test('a result by anybody else: a stranger, the customer, the bonded account itself', async () => {
	for (const stranger of [ferdie, alice, open.holder]) {
		await world.refused('aimodel.NotLeaseHolder', submitResult({}), stranger);
	}
});

world.test('a batch with one wrong answer settles none, and the right one pays for all', async () => {
	// Chance deals them to two workers: of five orders, one of the workers holds three.
	const dealt = { [charlie.address]: [], [dave.address]: [] };
	const three = () => Object.values(dealt).find((held) => held.length === 3);
	for (let i = 0; !three(); i++) {
		const order = await leased({ input: images[i] });
		dealt[order.holder.address].push(order);
	}
	const orders = three();
	const others = Object.values(dealt).find((held) => held !== orders);
	for (const { answer, operator } of others) await world.send(submitResultTx(api, answer), operator);
	const [first, second, third] = orders.map(({ answer }) => answer);
	const { operator } = orders[0];
	const batch = (...results) => submitResultsTx(api, results);
	const wrong = { ...second, output: flipped(second.output) };
	await world.refused('zkVerifier.ProofRejected', batch(first, wrong, third), operator);
	const exchanged = [{ ...first, proof: second.proof }, { ...second, proof: first.proof }];
	await world.refused('zkVerifier.ProofRejected', batch(...exchanged), operator);
	await world.refused('aimodel.DuplicateResult', batch(first, second, first), operator);
	await world.refused('aimodel.NoResults', batch(), operator);
	await world.refused('aimodel.NotLeaseHolder', batch(first, second), orders[0].rivalOperator);

	const before = await world.escrowOf(alice);
	const { events } = await world.send(batch(first, second, third), operator);
	const settled = events.filter(({ event }) => event.section === 'aimodel' && event.method === 'Settled');
	assert.deepEqual(settled.map(({ event }) => event.data.request.toNumber()), [first, second, third].map(({ request }) => request));
	assert.equal(before - (await world.escrowOf(alice)), 3n * digits.price);
	await world.refused('aimodel.AlreadySettled', batch(first), operator);
});

world.test('a valid proof that is replayed for another request of the same input', async () => {
	const again = await leased();
	const { proof } = again.holder === open.holder ? open.answer : await world.proveFor(open.request, again.holder, open.input);
	const replay = submitResultTx(api, { ...again.answer, proof });
	await world.refused('zkVerifier.ProofRejected', replay, again.operator);
	await world.send(submitResultTx(api, again.answer), again.operator);
});

world.test('a cancel under a live lease, or by somebody else', async () => {
	await world.refused('aimodel.LeaseLive', api.tx.aimodel.cancel(open.request), alice);
	await world.refused('aimodel.NotCustomer', api.tx.aimodel.cancel(open.request), ferdie);
	await world.refused('aimodel.NotExpired', api.tx.aimodel.expire(open.request), ferdie);
	await world.refused('aimodel.NothingDue', api.tx.aimodel.advance(open.request), ferdie);
});

world.test('a second result; the first one is paid, and free', async () => {
	const { events } = await world.send(submitResult({}), open.operator);
	const paid = findEvent(events, 'aimodel', 'Settled').data;
	assert.equal(paid.price.toBigInt(), digits.price);
	assert.equal(findEvent(events, 'system', 'ExtrinsicSuccess').data.dispatchInfo.paysFee.type, 'No');
	await world.refused('aimodel.AlreadySettled', submitResult({}), open.operator);
	await world.refused('aimodel.AlreadySettled', api.tx.aimodel.cancel(open.request), alice);
	await world.refused('aimodel.UnknownRequest', submitResult({ request: 12_345 }), open.operator);
});

world.test('a result of a lapsed lease', async () => {
	const late = await leased({ outPoint: hasty.outPoint });
	await world.sealTo(late.lease.until);
	const error = await world.send(submitResultTx(api, late.answer), late.operator).catch((error) => error);
	assert.equal(error.path, 'aimodel.LeaseLapsed');
	await world.sealTo(late.deadline + 1);
});

world.test('a result after the deadline; the customer has everything back', async () => {
	const late = await leased({ outPoint: hasty.outPoint });
	await world.sealTo(late.deadline);
	const earned = (await world.money()).earnings;
	const error = await world.send(submitResultTx(api, late.answer), late.operator).catch((error) => error);
	assert.equal(error.path, 'aimodel.DeadlinePassed');
	const end = await settlement(api, late.request, { since: late.blockNumber });
	assert.deepEqual([end.status, end.reason, end.amount], ['Refunded', 'Expired', late.held]);
	const after = await world.money();
	assert.deepEqual(after.earnings, earned, 'nobody was paid');
	assert.equal(after.held[alice.address], 0n);
	await world.refused('aimodel.UnknownRequest', submitResultTx(api, late.answer), late.operator);
});

world.test('a max_fee below the quote', async () => {
	const order = { outPoint: digits.outPoint, input: images[0], maxFee: digits.price - 1n };
	await world.refused('aimodel.FeeTooLow', requestTx(api, order), alice);
});

world.test('a spent OutPoint, to buy from and to change', async () => {
	const stale = wine.outPoint;
	wine.outPoint = await world.sealing(reprice(api, bob, stale, tariff({ perCall: 5n })));
	const input = (await example('wine/test_x.f32')).slice(0, 52);
	await world.refused('aimodel.OutPointSpent', requestTx(api, { outPoint: stale, input, maxFee: UNIT, assurance: ATTESTED }), alice);
	await world.refused('aimodel.OutPointSpent', api.tx.aimodel.reprice(stale, tariff({ perCall: 6n })), bob);
	await world.refused('aimodel.NotOwner', api.tx.aimodel.reprice(wine.outPoint, tariff({ perCall: 6n })), ferdie);
});

world.test('an input of another length', async () => {
	for (const length of [0, 1, 63, 65, 128]) {
		const order = { outPoint: digits.outPoint, input: new Uint8Array(length), maxFee: UNIT };
		await world.refused('aimodel.InputLength', requestTx(api, order), alice);
	}
	for (const length of [51, 65 * 52]) {
		const order = { outPoint: wine.outPoint, input: new Uint8Array(length), maxFee: UNIT, assurance: ATTESTED };
		await world.refused('aimodel.InputLength', requestTx(api, order), alice);
	}
});

world.test('what can not be proved', async () => {
	const float = { outPoint: wine.outPoint, input: new Uint8Array(52), maxFee: UNIT, assurance: PROVEN };
	await world.refused('aimodel.NotProvable', requestTx(api, float), alice);
	const blob = { outPoint: digits.outPoint, input: { hash: blobHash(images[0]), length: 64 }, maxFee: UNIT };
	await world.refused('aimodel.InputNotInline', requestTx(api, blob), alice);
	const strict = { Proven: { weakestOrigin: 'Ceremony' } };
	const order = { outPoint: digits.outPoint, input: images[0], maxFee: UNIT, assurance: strict };
	await world.refused('aimodel.KeyTooWeak', requestTx(api, order), alice);
});

world.test('a deadline that leaves no room, or too much', async () => {
	const now = await world.height();
	const order = { outPoint: digits.outPoint, input: images[0], maxFee: UNIT };
	await world.refused('aimodel.DeadlineTooSoon', requestTx(api, { ...order, deadline: now + 100 }), alice);
	const latest = api.consts.aimodel.maxDeadline.toNumber();
	await world.refused('aimodel.DeadlineTooLate', requestTx(api, { ...order, deadline: now + latest + 10 }), alice);
});

world.test('a request that the customer can not pay, or that no bond covers', async () => {
	const dear = await world.deployDigits({ price: UNIT });
	const poor = account('//Poor');
	await world.send(api.tx.balances.transferKeepAlive(poor.address, UNIT / 2n), alice);
	await world.bondWorker(charlie, world.worker, [dear.version]);
	await world.refused('token.FundsUnavailable', requestTx(api, { outPoint: dear.outPoint, input: images[0], maxFee: UNIT }), poor);
	const rich = await world.deployDigits({ price: 2_000n * UNIT });
	await world.bondWorker(charlie, world.worker, [rich.version]);
	const order = { outPoint: rich.outPoint, input: images[0], maxFee: 3_000n * UNIT };
	await world.refused('aimodel.NoCapacity', requestTx(api, order), alice);
});

world.test('a proof where the worker gives its word, which costs the word', async () => {
	const input = (await example('wine/test_x.f32')).slice(0, 52);
	const order = await world.order(alice, { outPoint: wine.outPoint, input, assurance: ATTESTED });
	const { worker } = await world.leaseOf(order.request);
	const answer = { request: order.request, output: new Uint8Array(12), proof: open.answer.proof };
	await world.refused('aimodel.ProofUnexpected', submitResultTx(api, answer), OPERATORS[worker]);
	await world.send(submitResultTx(api, { ...answer, proof: null, units: 0 }), OPERATORS[worker]);
});

// --- Keys and versions ---------------------------------------------------------------------------

const verifyingKey = readVerifyingKey((await digitsKeys()).verifyingKey);
const deployTx = (record) => api.tx.aimodel.deploy(record, tariff({ perCall: 1n }), world.thirds());

world.test('a key that was registered for another artifact', async () => {
	const artifact = blobHash(await readFile(new URL('../package.json', import.meta.url)));
	await world.refused('aimodel.KeyOfAnotherArtifact', deployTx({ ...digits.record, artifact }), bob);
});

world.test('a key that nobody registered', async () => {
	const circuit = { ...digits.record.circuit, key: `0x${'77'.repeat(32)}` };
	await world.refused('aimodel.UnknownKey', deployTx({ ...digits.record, circuit }), bob);
});

world.test("a key of somebody else's, or for another statement", async () => {
	await world.refused('aimodel.ForeignKey', deployTx(digits.record), ferdie);
	const other = { input: tensor('U8', [1, 64]), output: tensor('I32', [1, 3]) };
	await world.refused('aimodel.KeyOfAnotherStatement', deployTx({ ...digits.record, interface: other }), bob);
	const float = { input: tensor('F32', [1, 64]), output: tensor('I32', [1, 10]) };
	await world.refused('aimodel.InterfaceNotProvable', deployTx({ ...digits.record, interface: float }), bob);
	await world.refused('zkVerifier.UnsupportedStatementVersion', registerKeyTx(api, { ...verifyingKey, statementVersion: 2 }), bob);
});

world.test('a key with an identity point, at any place', async () => {
	const G1 = [0, 672, 672 + 96, verifyingKey.points.length - 96];
	const G2 = [96, 288, 480];
	for (const [places, bytes] of [[G1, 96], [G2, 192]]) {
		for (const at of places) {
			const points = withPoint(verifyingKey.points, at, identity(bytes));
			await world.refused('zkVerifier.IdentityPoint', registerKeyTx(api, { ...verifyingKey, points }), bob);
		}
	}
});

world.test('a key with a point off its curve, or outside of the subgroup', async () => {
	for (const at of [95, 96 + 191, verifyingKey.points.length - 1]) {
		const points = flipped(verifyingKey.points, at);
		await world.refused('zkVerifier.PointNotOnCurve', registerKeyTx(api, { ...verifyingKey, points }), bob);
	}
	const points = withPoint(verifyingKey.points, 672, OF_ORDER_3);
	await world.refused('zkVerifier.PointNotInSubgroup', registerKeyTx(api, { ...verifyingKey, points }), bob);
});

world.test('a key of another length, twice, or that is in use', async () => {
	const register = (points) => registerKeyTx(api, { ...verifyingKey, points });
	await world.refused('zkVerifier.MalformedKey', register(verifyingKey.points.slice(0, -1)), bob);
	await world.refused('zkVerifier.MalformedKey', register(verifyingKey.points.slice(0, 768)), bob);
	const most = api.consts.zkVerifier.maxPublicInputs.toNumber();
	const many = u8aConcat(verifyingKey.points.slice(0, 672), ...Array(most + 2).fill(verifyingKey.points.slice(672, 768)));
	await world.refused('zkVerifier.TooManyPublicInputs', register(many), bob);
	await world.refused('zkVerifier.KeyAlreadyRegistered', register(verifyingKey.points), bob);
	await world.refused('zkVerifier.KeyInUse', api.tx.zkVerifier.removeKey(digits.record.circuit.key), bob);
	await world.refused('zkVerifier.NotRegistrant', api.tx.zkVerifier.removeKey(digits.record.circuit.key), ferdie);
});
