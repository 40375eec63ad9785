/** Requests whose input or answer the chain never sees: a node with a worker. */

import assert from 'node:assert/strict';
import { u8aToHex } from '@polkadot/util';
import { rpc } from '../src/connect.js';
import { example, testImages } from '../src/digits.js';
import { hiddenInput, keepOpen, read } from '../src/hidden.js';
import { open, openingKey, sealOpening } from '../src/openings.js';
import { newSalt } from '../src/privacy.js';
import { UNIT } from '../src/money.js';
import { requestTx, settlement, status } from '../src/requests.js';
import { World } from './world.js';

const world = await World.forTests({ worker: true });
const { api, alice, bob, charlie, dave } = world;
const { images } = await testImages();
const expected = await example('digits/expected.i32');
const expectedScores = (row) => expected.slice(row * 40, (row + 1) * 40);

const MODES = {
	'the input': { input: 'Committed', output: 'Public' },
	'the answer': { input: 'Public', output: 'Committed' },
	'input and answer': { input: 'Committed', output: 'Committed' },
};

/** A model that hides this, served by Charlie through `//Worker`. */
const models = {};
for (const [name, privacy] of Object.entries(MODES)) models[name] = await world.deployDigits({ privacy });
await world.bondWorker(charlie, world.worker, Object.values(models).map(({ version }) => version));
const both = models['input and answer'];

/** Orders the answer to an image; nobody has told the worker yet what it hides. */
async function order(customer, { record, outPoint }, row, salt = newSalt()) {
	const input = hiddenInput(record, images[row], salt, customer.publicKey);
	return { ...(await world.order(customer, { outPoint, input })), salt, opening: { salt, input: record.circuit.privacy.input === 'Committed' ? images[row] : undefined } };
}

/** Tells the worker, and reads the answer. */
async function answered(made, { record }) {
	const refusals = [];
	const stop = await keepOpen(api, api, made.request, made.opening, (error) => refusals.push(error));
	const end = await world.sealing(settlement(api, made.request));
	stop();
	assert.deepEqual(refusals, []);
	assert.equal(end.status, 'Settled');
	return { ...end, answer: read(api, record, end, made.salt) };
}

/** Whether the bytes stand in any extrinsic, event, or storage value of the chain. */
async function seen(bytes) {
	const needle = u8aToHex(bytes).slice(2);
	const head = await api.rpc.chain.getBlockHash();
	for (const { hash } of await world.history()) {
		const block = await api.rpc.chain.getBlock(hash);
		const events = await (await api.at(hash)).query.system.events();
		if (block.toHex().includes(needle) || events.toHex().includes(needle)) return true;
	}
	const pairs = await rpc(api, 'state_getPairs', '0x', head.toHex());
	return pairs.some(([, value]) => value.includes(needle));
}

for (const [name, model] of Object.entries(models)) {
	world.test(`${name} stays with customer and worker, and the request settles`, async () => {
		// Rows of its own: the image of another mode is on the chain.
		const first = 10 * Object.keys(models).indexOf(name);
		for (const row of [first, first + 1]) {
			const made = await order(alice, model, row);
			const { answer, price } = await answered(made, model);
			assert.deepEqual(answer, expectedScores(row), "the answer is ONNX Runtime's, bit for bit");
			assert.equal(price, model.price);
			assert.equal(await seen(images[row]), MODES[name].input === 'Public', 'the image');
			assert.equal(await seen(expectedScores(row)), MODES[name].output === 'Public', 'the answer');
		}
	});
}

world.test('a copied commitment buys nothing, and costs its worker nothing', async () => {
	const made = await order(alice, both, 31);
	const { answer } = await answered(made, both);
	assert.deepEqual(answer, expectedScores(31));

	const input = hiddenInput(both.record, images[31], made.salt, alice.publicKey);
	const copy = await world.order(bob, { outPoint: both.outPoint, input });
	const lease = await world.leaseOf(copy.request);
	await assert.rejects(open(api, { request: copy.request, worker: lease.worker, ...made.opening }), /another salt, customer or input/);
	await world.seal(5);
	const now = await status(api, copy.request);
	assert.ok(!now.lease?.obliged, 'the worker has accepted nothing');
	await world.send(api.tx.aimodel.cancel(copy.request), bob);
	const end = await settlement(api, copy.request, { since: copy.blockNumber });
	assert.deepEqual([end.status, end.reason, end.amount], ['Refunded', 'Cancelled', copy.held]);
	const record = (await api.query.workers.workers(charlie.address)).unwrap();
	assert.equal(record.reserved.toBigInt(), 0n, 'the worker has nothing at stake');
});

world.test('an opening is refused that does not open, with a sentence', async () => {
	const made = await order(alice, both, 12);
	const { worker } = await world.leaseOf(made.request);
	const refused = (opening, pattern) => assert.rejects(open(api, { request: made.request, worker, ...opening }), pattern);
	await refused({ ...made.opening, salt: newSalt() }, /another salt, customer or input/);
	await refused({ ...made.opening, input: images[13] }, /another salt, customer or input/);
	await refused({ ...made.opening, input: images[12].slice(1) }, /has 63 bytes; the model takes 64/);
	const box = sealOpening(new Uint8Array(32).fill(9), made.opening);
	await assert.rejects(rpc(api, 'opening_put', made.request, u8aToHex(box)), /no box for the key/);
	await assert.rejects(rpc(api, 'opening_put', made.request, '0x00'), /no box for the key/);
	await assert.rejects(rpc(api, 'opening_put', 999_999, u8aToHex(box)), /not leased to a worker of this node/);
	await assert.rejects(openingKey(api, dave.address), { section: 'opening', name: 'AnotherWorker' });
	assert.deepEqual((await answered(made, both)).answer, expectedScores(12), 'the right one is taken afterwards');
	await assert.rejects(rpc(api, 'opening_put', made.request, u8aToHex(box)), /not leased to a worker of this node/);
});

world.test('a public request has nothing to open, and a wrong salt reads nothing', async () => {
	const model = await world.deployDigits();
	await world.bondWorker(charlie, world.worker, [model.version]);
	const made = await world.order(alice, { outPoint: model.outPoint, input: images[1] });
	const { worker } = await world.leaseOf(made.request);
	await assert.rejects(open(api, { request: made.request, worker, salt: newSalt() }), /no commitment to open/);
	await world.sealing(settlement(api, made.request));

	const hidden = await order(alice, both, 2);
	const end = await answered(hidden, both);
	assert.throws(() => read(api, both.record, end, newSalt()), /does not open/);
	assert.throws(() => read(api, both.record, { ...end, request: end.request + 1 }, hidden.salt), /does not open/);
});

world.test('a request says what its model wants to see', async () => {
	const input = images[0];
	const scalar = Uint8Array.of(...newSalt(), 0);
	const tx = (model, what) => requestTx(api, { outPoint: model.outPoint, input: what, maxFee: UNIT });
	await world.refused('aimodel.InputNotCommitted', tx(both, input), alice);
	await world.refused('aimodel.InputNotCommitted', tx(both, { commitment: scalar, bytes: input }), alice);
	await world.refused('aimodel.CommitmentMissing', tx(models['the answer'], input), alice);
	await world.refused('aimodel.CommitmentMissing', tx(models['the answer'], { commitment: scalar }), alice);
});
