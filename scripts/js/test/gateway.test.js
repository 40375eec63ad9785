/** The gateway of a worker's node: models of the chain for clients of the Open Inference Protocol. */

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { after } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { signatureVerify } from '@polkadot/util-crypto';
import { example, testImages } from '../src/digits.js';
import { Caller, signedCall, signedVoucher } from '../src/gateway.js';
import { model } from '../src/models.js';
import { offer, periods, setPlans, subscribe, subscription } from '../src/plans.js';
import { earningsOf, settlement } from '../src/requests.js';
import { submit } from '../src/send.js';
import { describe } from '../src/versions.js';
import { submitResultTx } from '../src/workers.js';
import { ODD_PRICE, World } from './world.js';

const basePath = await mkdtemp(`${tmpdir()}/aimodel-`);
const start = (...args) => World.start({ worker: true, metrics: true, basePath, args: ['--gateway-port', '0', ...args] });
let world = await start();
after(async () => {
	await world.stop();
	await rm(basePath, { recursive: true, force: true });
});
const { images } = await testImages();
const expected = await example('digits/expected.i32');
const scores = (row) => Array.from(new Int32Array(expected.buffer.slice(expected.byteOffset + row * 40, expected.byteOffset + (row + 1) * 40)));

const digits = await world.deployDigits();
await world.sealing(describe(world.api, world.bob, digits.outPoint, { name: 'digits' }));
await world.bondWorker(world.charlie, world.worker, [digits.version]);

async function url() {
	const [, found] = await world.node.line(/Open Inference Protocol at (http:\S+)/, {});
	return found;
}

/** The JSON of an inference over the image of a row. */
const asked = (row, parameters = {}) =>
	JSON.stringify({ inputs: [{ name: 'image', datatype: 'UINT8', shape: [1, 64], data: Array.from(images[row]) }], parameters });

const post = async (path, body, headers = {}) => {
	const answer = await fetch(`${await url()}${path}`, { method: 'POST', body, headers });
	return { status: answer.status, ...(await answer.json()) };
};

/** Waits until the gateway has followed the chain to its best block. */
async function followed(name) {
	for (let tries = 0; tries < 100; tries++) {
		if ((await fetch(`${await url()}/v2/models/${name}/ready`)).status !== 404) return;
		await pause(50);
	}
	assert.fail(`the gateway does not know ${name}`);
}

world.test('what the worker offers is served by its id and its name, and costs what the chain says', async () => {
	await followed('digits');
	for (const name of ['digits', digits.model]) {
		const { status, outputs, model_name, model_version, parameters } = await post(`/v2/models/${name}/infer`, asked(0));
		assert.equal(status, 200);
		assert.deepEqual([model_name, model_version], [name, '0.0.0']);
		assert.deepEqual(outputs[0].data, scores(0));
		assert.deepEqual([parameters.units, BigInt(parameters.price)], [1, ODD_PRICE]);
	}
	const unknown = await post('/v2/models/cats/infer', asked(0));
	assert.equal(unknown.status, 404);
	assert.match(unknown.error, /no model `cats`; known are .*digits/);
});

world.test('an answer can be signed by the worker, for anybody to check', async () => {
	const { parameters } = await post('/v2/models/digits/infer', asked(1, { receipt: true }));
	const message = u8aConcat(stringToU8a('aimodel/receipt/1'), hexToU8a(parameters.receipt));
	assert.equal(parameters.receipt_signer, u8aToHex(world.worker.publicKey));
	assert.ok(signatureVerify(message, parameters.receipt_signature, world.worker.address).isValid);
	message[40] ^= 1;
	assert.ok(!signatureVerify(message, parameters.receipt_signature, world.worker.address).isValid);
});

world.test('the proof of a request of the chain is there before it is on the chain, and settles it', async () => {
	const { request } = await world.order(world.alice, { outPoint: (await model(world.api, digits.model)).outPoint, input: images[2] });
	const wrong = await post('/v2/models/digits/infer', asked(3, { proof: 'groth16', request_id: Number(request) }));
	assert.equal(wrong.status, 403, 'another input');
	const { status, outputs, parameters } = await post('/v2/models/digits/infer', asked(2, { proof: 'groth16', request_id: Number(request) }));
	assert.equal(status, 200);
	const read = async () => (await fetch(`${await url()}/v2/proofs/${parameters.proof_id}`)).json();
	// The offchain worker begins with the next block.
	await world.seal();
	let proof = await read();
	for (let tries = 0; proof.status !== 'done' && tries < 200; tries++) {
		assert.ok(['queued', 'running'].includes(proof.status), JSON.stringify(proof));
		await pause(50);
		proof = await read();
	}
	assert.equal(proof.status, 'done');
	// Whoever signs for the worker can bring it in before its node does.
	const output = new Uint8Array(Int32Array.from(outputs[0].data).buffer);
	await world.send(submitResultTx(world.api, { request, output, proof: hexToU8a(proof.proof) }), world.worker);
	const end = await settlement(world.api, request);
	assert.deepEqual([end.status, end.assurance, end.worker], ['Settled', 'Proven', world.charlie.address]);
	assert.equal((await world.calls('aimodel', 'submitResult')).filter(({ ok }) => ok).length, 1);
	const foreign = await post('/v2/models/digits/infer', asked(2, { proof: 'groth16', request_id: 999 }));
	assert.equal(foreign.status, 403);
	assert.match(foreign.error, /no lease of request 999/);
});

world.test('what the worker offers no more is served no more', async () => {
	await world.send(world.api.tx.workers.unserve(digits.version), world.charlie);
	for (let tries = 0; tries < 100; tries++) {
		if ((await post('/v2/models/digits/infer', asked(0))).status === 404) break;
		await pause(50);
	}
	assert.equal((await post('/v2/models/digits/infer', asked(0))).status, 404);
	await world.sealing(submit(world.api, world.api.tx.workers.serve(digits.version, 0, 1, 4), world.charlie).then(({ included }) => included));
});

world.test('subscribers sign their calls and vouchers for them, and have as many as their plan', async () => {
	await world.stop();
	world = await start('--gateway', 'subscribers');
	const { api, alice, bob, charlie, eve } = world;
	await followed('digits');
	const tip = async () => (await model(api, digits.model)).outPoint;
	const { month } = periods(api);
	await world.sealing(setPlans(api, bob, await tip(), [offer({ period: month, price: 4n * ODD_PRICE, quota: 2 })]));
	await world.sealing(subscribe(api, alice, await tip(), 0));

	const { genesis } = world;
	const worker = charlie.publicKey;
	const path = '/v2/models/digits/infer';
	const { term } = await subscription(api, alice.address, digits.model);
	const signed = (who, body, calls, call = {}) => ({
		...signedCall(who, { genesis, worker, path, body, ...call }),
		...(calls && signedVoucher(who, { genesis, worker, model: digits.model, term, calls })),
	});
	const body = asked(4);
	assert.equal((await post(path, body)).status, 401, 'not signed');
	assert.equal((await post(path, body, signed(eve, body))).status, 402, 'without a plan');
	assert.equal((await post(path, asked(5), signed(alice, body))).status, 401, 'signed for something else');
	assert.equal((await post(path, body, signed(alice, body, 0, { time: Date.now() - 25_000 }))).status, 401, 'signed before the gateway was there');
	const unpaid = await fetch(`${await url()}${path}`, { method: 'POST', body, headers: signed(alice, body) });
	assert.deepEqual([unpaid.status, unpaid.headers.get('aimodel-voucher-wanted')], [402, `${term}:1`]);
	const forged = { ...signed(alice, body), ...signedVoucher(eve, { genesis, worker, model: digits.model, term, calls: 1 }) };
	assert.equal((await post(path, body, forged)).status, 401, "somebody else's voucher");
	const other = '/v2/models/digits/versions/7.0.0/infer';
	const unpriced = await post(other, body, signed(alice, body, 1, { path: other }));
	assert.equal(unpriced.status, 403);
	assert.match(unpriced.error, /priced by its version 0\.0\.0/);
	const headers = signed(alice, body, 1);
	const first = await post(path, body, headers);
	assert.equal(first.status, 200, first.error);
	assert.deepEqual(first.outputs[0].data, scores(4));
	assert.equal((await post(path, body, headers)).status, 401, 'the same call twice');
	assert.equal((await post(path, body, signed(alice, body, 1))).status, 402, 'the same voucher');
	const caller = new Caller({ url: await url(), account: alice, model: digits.model, genesis, worker, made: { term, calls: 1n } });
	assert.deepEqual((await caller.infer(JSON.parse(body))).outputs[0].data, scores(4));
	await assert.rejects(caller.infer(JSON.parse(body)), (error) => error.status === 429 && /the calls of this period are used up/.test(error.message));
});

world.test('a worker is paid for the calls of subscribers, also of those before it was started anew', async () => {
	const { alice, charlie } = world;
	const before = await earningsOf(world.api, charlie.address);
	await world.seal();
	await world.stop();
	world = await start('--gateway', 'subscribers', '--gateway-settle-blocks', '3');
	const { api } = world;
	for (let blocks = 0; blocks < 12 && (await subscription(api, alice.address, digits.model)).used === 0; blocks++) {
		await world.seal();
		await pause(100);
	}
	const { used, escrow, price } = await subscription(api, alice.address, digits.model);
	assert.equal(used, 2);
	const [settled] = await world.events('aimodel', 'CallsSettled');
	assert.deepEqual([settled.calls.toNumber(), settled.account.toString()], [2, alice.address]);
	const paid = (await earningsOf(api, charlie.address)) - before;
	assert.ok(paid > 0n && settled.draw.pay.toBigInt() === paid);
	assert.equal(price - escrow, settled.draw.gross.toBigInt());
	await world.node.told('aimodel_revenue_total{source="calls"}', Number(paid));
	for (let block = 0; block < 10; block++) await world.seal();
	assert.equal((await world.events('aimodel', 'CallsSettled')).length, 1);
	assert.equal((await world.calls('aimodel', 'settleCalls')).length, 1, 'nothing is claimed twice');
});

world.test('an account that registers the operator key is served without a restart', async () => {
	const fresh = await World.start({ worker: true, args: ['--gateway-port', '0', '--gateway', 'subscribers'] });
	try {
		await fresh.shown(async () => {
			const [, at] = await fresh.node.line(/Open Inference Protocol at (http:\S+)/);
			const told = async () => (await (await fetch(`${at}/v2`)).json()).parameters;
			const call = async () => {
				const answer = await fetch(`${at}/v2/models/digits/infer`, { method: 'POST', body: asked(0) });
				return { status: answer.status, ...(await answer.json()) };
			};
			assert.deepEqual(await told(), { receipt_signer: u8aToHex(fresh.worker.publicKey) });
			const before = await call();
			assert.equal(before.status, 503);
			assert.match(before.error, /no bonded account has registered an operator key of this node yet/);
			await fresh.bondWorker(fresh.charlie, fresh.worker, []);
			for (let tries = 0; (await told()).worker === undefined && tries < 100; tries++) await pause(50);
			assert.equal((await told()).worker, u8aToHex(fresh.charlie.publicKey));
			const after = await call();
			assert.equal(after.status, 401, after.error);
		});
	} finally {
		await fresh.stop();
	}
});
