/** What a customer gets, and what everybody is paid: a node with a worker. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { u8aToHex } from '@polkadot/util';
import { blobHash, download, upload } from '../src/blobs.js';
import { rpc } from '../src/connect.js';
import { argmax, example, scores, testImages } from '../src/digits.js';
import { model, quote, reprice, tariff, WHOLE } from '../src/models.js';
import { format, UNIT } from '../src/money.js';
import { ATTESTED, earningsOf, requestTx, requested, settlement, status, withdraw } from '../src/requests.js';
import { findEvent, submit } from '../src/send.js';
import { jobsFor } from '../src/workers.js';
import { ODD_PRICE, World } from './world.js';

const world = await World.forTests({ worker: true });
const { api, alice, bob, charlie, eve, ferdie } = world;
const { images, labels } = await testImages();
const expected = await example('digits/expected.i32');
const expectedScores = (row) => expected.slice(row * 40, (row + 1) * 40);

/** Models with slots for a hundred open requests, served by Charlie through `//Worker`. */
const slots = Math.min(100, api.consts.workers.maxSlots.toNumber());
const digits = [];
for (let have = 0; have < 100; have += slots) digits.push(await world.deployDigits());
const wine = await world.deployWine();
await world.bondWorker(charlie, world.worker, [...digits, wine].map(({ version }) => version), { slots });

/** Every settlement of this file, with its request. */
const bills = [];

async function settled(order) {
	const end = await world.sealing(settlement(api, order.request));
	assert.equal(end.status, 'Settled');
	bills.push({ ...order, ...end });
	return end;
}

world.test('the runtime API is in the metadata, and answers', async () => {
	const [{ model: id, outPoint, version }] = digits;
	assert.deepEqual(Object.keys(api.call.aimodelApi).sort(), ['bill', 'bills', 'callDraw', 'earned', 'earningsOf', 'health', 'history', 'incentives', 'income', 'jobsFor', 'model', 'modelsOf', 'modelsTagged', 'offersOf', 'pendingChanges', 'pot', 'price', 'proofKey', 'quote', 'quoteChain', 'request', 'resolve', 'revenue', 'rewards', 'service', 'serviceBond', 'subscription', 'subscriptions', 'version', 'versions', 'voucher', 'workerFigures', 'workerOf']);
	const info = await model(api, id);
	assert.deepEqual([info.outPoint, info.owner, info.version], [outPoint, bob.address, version]);
	const { breakdown, ...quoted } = await quote(api, id, 64);
	assert.deepEqual(quoted, { rows: 1, minUnits: 1n, maxUnits: 1n, minPrice: ODD_PRICE, maxPrice: ODD_PRICE });
	const { price, ...items } = breakdown;
	assert.deepEqual([price, items.perCall], [ODD_PRICE, ODD_PRICE]);
	assert.equal(Object.values(items).reduce((sum, item) => sum + item, 0n), price, 'the items sum to the price');
	assert.equal(await status(api, 999_999), null);
	assert.deepEqual(await jobsFor(api, charlie.address), []);
	assert.equal(await earningsOf(api, ferdie.address), 0n);
	assert.equal((await api.call.aimodelApi.workerOf(world.worker.address)).unwrap().toString(), charlie.address);
	assert.ok((await api.call.aimodelApi.workerOf(ferdie.address)).isNone);
	await assert.rejects(quote(api, id, 63), { section: 'quote', name: 'ShapeLength' });
	await assert.rejects(quote(api, `0x${'00'.repeat(32)}`, 64), { section: 'quote', name: 'UnknownModel' });
});

world.test('a random forest answers a batch, attested, and bills its metered units', async () => {
	const rows = 7;
	const input = (await example('wine/test_x.f32')).slice(0, rows * 13 * 4);
	const units = 5n + BigInt(rows * 13) + 3n * BigInt(rows * 3);
	const price = 1_000_003n + 7_919n * units;
	assert.equal((await quote(api, wine.model, input.length)).maxPrice, price);

	const order = await world.order(alice, { outPoint: wine.outPoint, input, assurance: ATTESTED });
	assert.equal(order.held, price, 'no more is held than the price of the most units');
	const end = await settled(order);
	assert.deepEqual([end.assurance, end.units, end.price, end.refund], ['Attested', units, price, 0n]);
	assert.equal(end.outputHash, blobHash(end.output));

	const floats = (bytes) => new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
	const answer = floats(end.output);
	const reference = floats((await example('wine/expected.f32')).slice(0, rows * 3 * 4));
	assert.equal(answer.length, rows * 3);
	answer.forEach((p, i) => assert.ok(Math.abs(p - reference[i]) <= 1e-6, `probability ${i}: ${p}, not ${reference[i]}`));
	const truth = await example('wine/test_y.u8');
	for (let row = 0; row < rows; row++) {
		assert.equal(argmax([...answer.slice(row * 3, row * 3 + 3)]), truth[row]);
	}
});

world.test('an attested input may be a blob, which the worker accepts before it is obliged', async () => {
	const input = (await example('wine/test_x.f32')).slice(0, 52);
	const blob = { hash: await upload(api, input), length: input.length };
	const order = await world.order(alice, { outPoint: wine.outPoint, input: blob, assurance: ATTESTED });
	assert.equal((await world.leaseOf(order.request)).obliged, false);
	const end = await settled(order);
	assert.equal(end.output.length, 12);
	assert.deepEqual((await world.calls('workers', 'accept')).map(({ ok }) => ok), [true]);
});

world.test('a blob that nobody can fetch costs no worker anything', async () => {
	const hasty = await world.deployWine({ lease: 3 });
	await world.bondWorker(charlie, world.worker, [hasty.version]);
	const bonded = async () => (await api.query.workers.workers(charlie.address)).unwrap().bond.toBigInt();
	const before = await bonded();
	const input = { hash: blobHash(Uint8Array.of(1, 2, 3)), length: 52 };
	const order = await world.order(alice, { outPoint: hasty.outPoint, input, assurance: ATTESTED });
	await world.sealTo(order.deadline + 1);
	const end = await settlement(api, order.request, { since: order.blockNumber });
	assert.deepEqual([end.status, end.reason, end.amount], ['Refunded', 'Expired', order.held]);
	assert.equal(await world.escrowOf(alice), 0n);
	assert.equal(await bonded(), before);
	assert.equal((await api.query.workers.workers(charlie.address)).unwrap().reserved.toBigInt(), 0n);
});

world.test('a hundred open requests are settled, every answer is what ONNX Runtime computes', async () => {
	const pending = [];
	for (let row = 0; row < 100; row++) {
		const { outPoint } = digits[row % digits.length];
		const tx = requestTx(api, { outPoint, input: images[row], maxFee: UNIT });
		pending.push((await submit(api, tx, alice)).included);
	}
	const first = await world.height();
	const included = await world.sealing(Promise.all(pending));
	const orders = included.map(({ events }, row) => ({
		...requested(findEvent(events, 'aimodel', 'Requested')),
		row,
	}));
	assert.equal(new Set(orders.map(({ request }) => request)).size, 100);
	const then = await api.at(included.at(-1).blockHash);
	assert.equal((await then.query.aimodel.requests.entries()).length, 100, 'all are open at the same time');

	const answers = Promise.all(orders.map(({ request }) => settlement(api, request, { timeout: 240_000 })));
	const ends = await world.sealing(answers, { most: 1_000, breath: 200 });
	let right = 0;
	let rightByOrt = 0;
	ends.forEach((end, i) => {
		const { row } = orders[i];
		assert.equal(end.status, 'Settled');
		assert.deepEqual(end.output, expectedScores(row), `row ${row}`);
		right += argmax(scores(end.output)) === labels[row];
		rightByOrt += argmax(scores(expectedScores(row))) === labels[row];
		bills.push({ ...orders[i], ...end });
	});
	assert.equal(right, rightByOrt);
	assert.ok(right >= 95, `${right} of 100 are right`);

	const results = await world.calls('aimodel', 'submitResult', first);
	assert.equal(results.length, 100, 'one result a request: nonces do not choke, nothing is sent twice');
	assert.ok(results.every(({ ok }) => ok));
});

world.test('for odd prices and a three-way split, the parts sum to the price', async () => {
	let { outPoint } = digits[0];
	for (const price of [0n, 1n, 2n, 3n, 11n, 999_999n, 1_000_001n, UNIT / 3n]) {
		outPoint = await world.sealing(reprice(api, bob, outPoint, tariff({ perCall: price })));
		const order = await world.order(alice, { outPoint, input: images[7] });
		assert.equal(order.held, price);
		assert.equal((await settled(order)).price, price);
	}
	digits[0].outPoint = outPoint;
	for (const { price, payout, held, refund } of bills) {
		const { platform, worker, beneficiaries } = payout;
		assert.equal(platform + worker + beneficiaries[0][1] + beneficiaries[1][1], price);
		assert.equal(price + refund, held);
		assert.equal(platform, (price * 300_000n) / BigInt(WHOLE));
		assert.deepEqual([worker, ...beneficiaries.map(([, part]) => part)], thirds(price - platform));
		assert.deepEqual(beneficiaries.map(([who]) => who), [bob.address, eve.address]);
	}
});

/** The parts of 333334, 333333 and 333333 millionths: rounded down, the rest by largest remainder. */
function thirds(amount) {
	const shares = [333_334n, 333_333n, 333_333n];
	const parts = shares.map((share) => (amount * share) / 1_000_000n);
	const rests = shares.map((share, i) => ({ i, rest: (amount * share) % 1_000_000n }));
	rests.sort((a, b) => (a.rest === b.rest ? a.i - b.i : a.rest > b.rest ? -1 : 1));
	let left = amount - parts.reduce((sum, part) => sum + part);
	for (const { i } of rests) if (left-- > 0n) parts[i] += 1n;
	return parts;
}

world.test('earnings are what the bills say, and can be withdrawn to the last unit', async () => {
	const platform = api.consts.aimodel.platformAccount.toString();
	const owed = { [platform]: 0n, [charlie.address]: 0n, [bob.address]: 0n, [eve.address]: 0n };
	for (const { payout } of bills) {
		owed[platform] += payout.platform;
		owed[charlie.address] += payout.worker;
		for (const [who, part] of payout.beneficiaries) owed[who] += part;
	}
	assert.equal(bills.length, 110);
	for (const [address, amount] of Object.entries(owed)) assert.equal(await earningsOf(api, address), amount);
	for (const payee of [charlie, bob, eve]) {
		const before = (await world.money()).free[payee.address];
		assert.equal(await world.sealing(withdraw(api, payee)), owed[payee.address]);
		assert.equal(await earningsOf(api, payee.address), 0n);
		assert.ok((await world.money()).free[payee.address] < before + owed[payee.address], 'less the fee');
		await world.refused('aimodel.NothingToWithdraw', api.tx.aimodel.withdraw(), payee);
	}
	const { earnings } = await world.money();
	assert.deepEqual(earnings, { [platform]: owed[platform] });
});

world.test('the program `aimodel` quotes and buys, and says in one sentence what is wrong', async () => {
	const path = fileURLToPath(new URL('../src/cli.js', import.meta.url));
	const aimodel = (...args) => promisify(execFile)('node', [path, ...args, '--url', world.node.url, '--json']);
	const [{ model: id }] = digits;
	const quoted = JSON.parse((await aimodel('quote', '--model', id, '--bytes', '64')).stdout);
	assert.deepEqual([quoted.rows, quoted.maxPrice], [1, format(UNIT / 3n)]);

	const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
	try {
		await writeFile(`${folder}/image.u8`, images[20]);
		const order = ['request', '--model', id, '--input', `${folder}/image.u8`, '--suri', '//Ferdie'];
		const bought = JSON.parse((await world.sealing(aimodel(...order))).stdout);
		assert.equal(bought.status, 'Settled');
		assert.equal(bought.output, u8aToHex(expectedScores(20)));
		const low = await world.sealing(aimodel(...order, '--max-fee', '0.1').catch((error) => error));
		assert.equal(low.stderr, 'error: `max_fee` is below the price of the request.\n');
	} finally {
		await rm(folder, { recursive: true });
	}
	const failed = async (...args) => (await aimodel(...args).catch((error) => error)).stderr;
	assert.match(await failed('quote', '--model', id, '--bytes', '63'), /^error: The input is no whole number of rows/);
	assert.match(await failed('sing'), /^error: There is no command "sing"; --help lists them\.\n$/);
});

world.test('held funds are back at zero, and nothing was minted or burned but fees', async () => {
	assert.equal(await world.escrowOf(alice), 0n);
	assert.equal(await world.escrowOf(ferdie), 0n);
	assert.equal((await api.query.aimodel.requests.entries()).length, 0);
	const genesis = await api.at(api.genesisHash);
	const before = (await genesis.query.balances.totalIssuance()).toBigInt();
	const after = (await api.query.balances.totalIssuance()).toBigInt();
	let burned = 0n;
	for (const { events } of await world.history()) {
		for (const { event } of events) {
			if (event.section === 'transactionPayment' && event.method === 'TransactionFeePaid') {
				burned += event.data.actualFee.toBigInt();
			}
			assert.notEqual(`${event.section}.${event.method}`, 'workers.Slashed');
			assert.notEqual(`${event.section}.${event.method}`, 'aimodel.Deferred');
		}
	}
	assert.equal(before - after, burned);
});

world.test('blobs come and go by RPC, and an upload that was cut off goes on', async () => {
	const bytes = Uint8Array.from({ length: 3_000_001 }, (_, i) => (i * 2_654_435_761) >>> 24);
	const hash = blobHash(bytes);
	assert.equal(await rpc(api, 'blob_has', hash), false);
	assert.deepEqual(await rpc(api, 'blob_begin', hash, bytes.length), { stored: false, received: 0 });
	const part = `0x${Buffer.from(bytes.slice(0, 1_000_000)).toString('hex')}`;
	assert.equal((await rpc(api, 'blob_append', hash, 0, part)).received, 1_000_000);
	await assert.rejects(rpc(api, 'blob_finish', hash), /1000000 of 3000001 bytes are here/);
	await assert.rejects(rpc(api, 'blob_append', hash, 1_000_001, '0x00'), /begins at 1000000 at most/);
	assert.equal((await rpc(api, 'blob_append', hash, 0, part)).received, 1_000_000, 'a piece may come twice');

	const progress = [];
	assert.equal(await upload(api, bytes, { onProgress: (sent) => progress.push(sent) }), hash);
	assert.equal(progress[0], 1_000_000, 'it goes on where it stopped');
	assert.deepEqual(await download(api, hash), bytes);
	assert.ok((await rpc(api, 'blob_list')).some((blob) => blob.hash === hash && blob.length === bytes.length));
	assert.deepEqual(await rpc(api, 'blob_begin', hash, bytes.length), { stored: true, received: 0 });
});

world.test('a blob of another hash, or too large a one, is refused and nothing is stored', async () => {
	const wrong = blobHash(Uint8Array.of(9));
	await rpc(api, 'blob_begin', wrong, 1);
	await rpc(api, 'blob_append', wrong, 0, '0x08');
	await assert.rejects(rpc(api, 'blob_finish', wrong), /have the hash 0x.*, not 0x/);
	assert.equal(await rpc(api, 'blob_has', wrong), false);

	const large = blobHash(Uint8Array.of(10));
	await assert.rejects(rpc(api, 'blob_begin', large, 2 ** 40), /may have 1073741824 bytes at most/);
	await rpc(api, 'blob_begin', large, 1);
	await assert.rejects(rpc(api, 'blob_append', large, 0, '0x0a0b'), /length of 1 bytes; this piece ends at 2/);
	const piece = `0x${'00'.repeat((4 << 20) + 1)}`;
	await assert.rejects(rpc(api, 'blob_append', large, 0, piece), /4194304 bytes at most/);
	await assert.rejects(download(api, wrong), { section: 'blob', name: 'NotFound' });
});
