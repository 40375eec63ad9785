/**
 * The world of an end-to-end test: a node, a connection, the development accounts, and the words
 * that the tests are told in.
 *
 * Blocks come when a test asks for them: `send` puts a transaction into the next block, `sealing`
 * makes blocks until something has happened.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { after, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { upload } from '../src/blobs.js';
import { blocks } from '../src/blocks.js';
import { accounts, connect, rpc } from '../src/connect.js';
import { EXAMPLES, example } from '../src/digits.js';
import { ChainError } from '../src/errors.js';
import { batch, deploy, readVerifyingKey, registerKey, split, tariff, tensor } from '../src/models.js';
import { UNIT } from '../src/money.js';
import { Node } from '../src/node.js';
import { requestTx, requested, settlement, status } from '../src/requests.js';
import { findEvent, submit } from '../src/send.js';
import { binding } from '../src/statement.js';
import { register, serve } from '../src/workers.js';
import { inFolder, prove, setup } from '../src/zkonnx.js';

/** The program `aimodel`. */
const CLI = fileURLToPath(new URL('../src/cli.js', import.meta.url));

/** Milliseconds between two blocks that are sealed in a row, so that what follows a block can happen. */
const BREATH = 60;

/** Blocks of a lease that no test waits for: more than a slow machine seals during the work. */
export const LEASE = 5_000;

/** The provable model of the example. */
export const DIGITS = `${EXAMPLES}/digits/digits.provable.onnx`;

/** What each side of the digits' model is. */
export const DIGITS_INTERFACE = { input: tensor('U8', [1, 64]), output: tensor('I32', [1, 10]) };

/** What each side of the wines' model is: 1 to 64 rows. */
export const WINE_INTERFACE = { input: tensor('F32', [batch(64), 13]), output: tensor('F32', [batch(64), 3]) };

/** A price that no split divides evenly. */
export const ODD_PRICE = 1_000_000_007n;

/** Everything is seen. */
const PUBLIC = { input: 'Public', output: 'Public' };

/** The keys of the digits' model that hide this much: made once a test file. */
export function digitsKeys(privacy = PUBLIC) {
	const name = `${privacy.input} ${privacy.output}`;
	if (!keys.has(name)) keys.set(name, inFolder((folder) => setup(DIGITS, folder, 'model', privacy)));
	return keys.get(name);
}

const keys = new Map();

/** A chain with blocks on demand. */
export class World {
	/**
	 * @param {object} [options]
	 * @param {boolean} [options.worker] whether the node answers requests, as `//Worker`
	 * @param {string} [options.sealing]
	 * @param {string} [options.basePath]
	 * @param {string[]} [options.under] see `Node.start`
	 */
	static async start({ worker = false, sealing = 'manual', basePath, metrics = false, under, args = [] } = {}) {
		const world = new World();
		// Tests look back at every block.
		const all = ['--sealing', sealing, '--state-pruning', 'archive', ...(worker ? ['--worker'] : []), ...args];
		world.node = await Node.start({ args: all, basePath, metrics, under });
		world.api = await connect(world.node.url);
		world.genesis = world.api.genesisHash.toU8a();
		Object.assign(world, await accounts());
		return world;
	}

	/** Starts a world that ends with the test file. */
	static async forTests(options) {
		const world = await World.start(options);
		after(() => world.stop());
		return world;
	}

	/** A test in this world. */
	test(name, scenario) {
		test(name, () => this.shown(scenario));
	}

	/** Runs a scenario; where it fails, the end of the node's log is shown. */
	async shown(scenario) {
		try {
			await scenario();
		} catch (error) {
			console.error(`--- the node's log ---\n${this.node.tail(100)}\n---`);
			throw error;
		}
	}

	async stop(signal) {
		await this.api.disconnect();
		await this.node.stop(signal);
	}

	/**
	 * Kills the node while it works for these requests: a result is on its way, and another one is not there yet.
	 *
	 * The database keeps the end of its log in memory, so that a kill takes back the last blocks. Two are above the one
	 * with the orders.
	 */
	async killAtWork(ids) {
		const { node } = this;
		const told = (what, those = ids) => new RegExp(`request=(${those.join('|')}): ${what}`);
		await Promise.all(ids.map((id) => node.line(told('queued', [id]))));
		await node.line(told('ready'));
		await this.seal();
		await node.line(told('signed and sent'));
		// Then the log is whole.
		const closed = once(node.child, 'close');
		await this.stop('SIGKILL');
		await closed;
		const ready = ids.filter((id) => node.lines.some((line) => told('ready', [id]).test(line)));
		assert.ok(ready.length < ids.length, 'nothing was left to do when it was killed');
	}

	// --- Blocks -------------------------------------------------------------------------------

	/** Seals blocks, final at once, and returns the hash of the last. */
	async seal(count = 1) {
		let block;
		for (let i = 0; i < count; i++) block = await rpc(this.api, 'engine_createBlock', true, true, null);
		return block.hash;
	}

	/** Seals a block on another one than the best, and makes nothing final. */
	async sealOn(parent) {
		return (await rpc(this.api, 'engine_createBlock', true, false, parent)).hash;
	}

	/** Seals blocks until `promise` is settled, and gives up after `most` of them. */
	async sealing(promise, { most = 500, breath = BREATH } = {}) {
		let settled = false;
		const done = promise.finally(() => (settled = true));
		done.catch(() => {});
		for (let i = 0; i < most && !settled; i++) {
			await this.seal();
			await Promise.race([done.catch(() => {}), pause(breath)]);
		}
		if (settled) return done;
		throw new Error(`It has not happened within ${most} blocks. The end of the log:\n${this.node.tail()}`);
	}

	/** The number of the best block. */
	async height() {
		return (await this.api.rpc.chain.getHeader()).number.toNumber();
	}

	/** Seals until the block of this number. */
	async sealTo(number) {
		await this.seal(number - (await this.height()));
	}

	// --- Transactions -------------------------------------------------------------------------

	/** Puts a transaction into the next block. */
	async send(tx, signer, options) {
		const { included } = await submit(this.api, tx, signer, options);
		await this.seal();
		return included;
	}

	/**
	 * Sends what must be refused with this error, and checks that no money has moved but the fee.
	 *
	 * @param {string} path `aimodel.FeeTooLow`
	 */
	async refused(path, tx, signer) {
		const before = await this.money();
		const error = await this.send(tx, signer).then(
			() => assert.fail(`${path} was expected, and it succeeded`),
			(error) => error,
		);
		assert.ok(error instanceof ChainError, String(error));
		assert.equal(error.path, path);
		assert.match(error.message, /^[A-Z`].+\.$/, 'an error is a sentence');
		const paid = findEvent(error.events, 'transactionPayment', 'TransactionFeePaid');
		const fee = paid ? paid.data.actualFee.toBigInt() : 0n;
		assert.ok(fee > 0n, 'a failed transaction pays its fee');
		const after = await this.money();
		before.free[signer.address] -= fee;
		before.issuance -= fee;
		assert.deepEqual(after, before, 'nothing but the fee has moved');
		return error;
	}

	/** Every amount that a mistake could move. */
	async money() {
		const { api } = this;
		const free = {};
		const held = {};
		const at = await api.at(await api.rpc.chain.getBlockHash());
		for (const [key, { data }] of await at.query.system.account.entries()) {
			const address = key.args[0].toString();
			free[address] = data.free.toBigInt();
			held[address] = data.reserved.toBigInt();
		}
		// The deposit of a customer's record comes back by itself.
		for (const [key, holds] of await at.query.balances.holds.entries()) {
			const deposit = holds.find(({ id }) => id.isAimodel && id.asAimodel.type === 'CustomerDeposit');
			const address = key.args[0].toString();
			free[address] += deposit?.amount.toBigInt() ?? 0n;
			held[address] -= deposit?.amount.toBigInt() ?? 0n;
		}
		const earnings = {};
		for (const [key, amount] of await at.query.aimodel.earnings.entries()) {
			earnings[key.args[0].toString()] = amount.toBigInt();
		}
		const issuance = (await at.query.balances.totalIssuance()).toBigInt();
		return { free, held, earnings, issuance };
	}

	/** Held for open requests of an account. */
	escrowOf(account) {
		return this.heldFor(account, 'Escrow');
	}

	/** Held of an account for a reason: `Escrow`, `ServiceBond`, ... */
	async heldFor({ address }, reason) {
		const holds = await this.api.query.balances.holds(address);
		const found = holds.find(({ id }) => id.isAimodel && id.asAimodel.type === reason);
		return found ? found.amount.toBigInt() : 0n;
	}

	/** Blocks from `first` to the best one. */
	async history(first = 1) {
		return blocks(this.api, first, await this.height());
	}

	/** The extrinsics of this call in blocks from `first` on, and whether each succeeded. */
	async calls(section, method, first = 1) {
		const found = [];
		for (const { hash, events } of await this.history(first)) {
			const { block } = await this.api.rpc.chain.getBlock(hash);
			block.extrinsics.forEach((extrinsic, index) => {
				if (extrinsic.method.section !== section || extrinsic.method.method !== method) return;
				const ok = events.some(
					({ phase, event }) =>
						phase.isApplyExtrinsic &&
						phase.asApplyExtrinsic.toNumber() === index &&
						event.section === 'system' &&
						event.method === 'ExtrinsicSuccess',
				);
				found.push({ args: extrinsic.method.args, signer: extrinsic.signer.toString(), ok });
			});
		}
		return found;
	}

	/** What the events of this name tell, in blocks from `first` on. */
	async events(section, method, first = 1) {
		const all = (await this.history(first)).flatMap(({ events }) => events);
		return all.filter(({ event }) => event.section === section && event.method === method).map(({ event }) => event.data);
	}

	/** Runs the program `aimodel`, and makes blocks meanwhile: what it prints. */
	async aimodel(...args) {
		const run = promisify(execFile)('node', [CLI, ...args, '--url', this.node.url]);
		return (await this.sealing(run)).stdout;
	}

	/** The same, read as JSON. */
	async json(...args) {
		return JSON.parse(await this.aimodel(...args, '--json'));
	}

	// --- Models and workers -------------------------------------------------------------------

	/** A three-way split whose parts are no round numbers. */
	thirds() {
		return split(333_334, [[this.bob.address, 333_333], [this.eve.address, 333_333]]);
	}

	/** Bob deploys the digits' model, and the node gets its blobs. */
	async deployDigits({ lease = LEASE, price = ODD_PRICE, privacy = PUBLIC } = {}) {
		const { api, bob } = this;
		const keys = await digitsKeys(privacy);
		const key = await this.sealing(registerKey(api, bob, readVerifyingKey(keys.verifyingKey)));
		const onnx = new Uint8Array(await readFile(DIGITS));
		const provingKey = await upload(api, keys.provingKey);
		const version = {
			artifact: await upload(api, onnx),
			interface: DIGITS_INTERFACE,
			units: { fixed: 1, perInputElement: 0, perOutputElement: 0 },
			lease,
			circuit: { key, provingKey, privacy },
		};
		const what = { version, tariff: tariff({ perCall: price }), split: this.thirds() };
		return { ...(await this.sealing(deploy(api, bob, what))), record: version, price };
	}

	/** Bob deploys the wines' model, priced by its units. */
	async deployWine({ lease = LEASE, price = tariff({ perCall: 1_000_003n, perUnit: 7_919n }) } = {}) {
		const { api, bob } = this;
		const version = {
			artifact: await upload(api, await example('wine/wine.onnx')),
			interface: WINE_INTERFACE,
			units: { fixed: 5, perInputElement: 1, perOutputElement: 3 },
			lease,
			circuit: null,
		};
		return { ...(await this.sealing(deploy(api, bob, { version, tariff: price, split: this.thirds() }))), record: version };
	}

	/** Bonds an account with an operator, and lets it serve versions. */
	async bondWorker(worker, operator, versions, { bond = 1_000n * UNIT, slots = 64, lease = 1 } = {}) {
		await this.sealing(register(this.api, worker, { bond, operator: operator.address }));
		for (const version of versions) await this.sealing(serve(this.api, worker, { version, slots, lease }));
	}

	// --- Requests -----------------------------------------------------------------------------

	/** Orders an inference, and lets the chain draw its worker. */
	async order(customer, { outPoint, input, maxFee = 10n * UNIT, ...rest }) {
		return { ...(await this.orderWith(requestTx(this.api, { outPoint, input, maxFee, ...rest }), customer)), input };
	}

	/** The same by a transaction of any kind. */
	async orderWith(tx, customer) {
		const { events, ...place } = await this.send(tx, customer);
		await this.seal();
		const fee = findEvent(events, 'transactionPayment', 'TransactionFeePaid').data.actualFee.toBigInt();
		return { ...place, ...requested(findEvent(events, 'aimodel', 'Requested')), fee };
	}

	/** Orders inferences in one block, lets the chain draw their workers in the next, and returns the requests' ids. */
	async orderAll(customer, orders) {
		const txs = orders.map((order) => requestTx(this.api, { maxFee: UNIT, ...order }));
		const sent = await Promise.all(txs.map((tx) => submit(this.api, tx, customer)));
		await this.seal();
		const places = await Promise.all(sent.map(({ included }) => included));
		assert.equal(new Set(places.map(({ blockHash }) => blockHash)).size, 1, 'one block has them all');
		await this.seal();
		return places.map(({ events }) => requested(findEvent(events, 'aimodel', 'Requested')).request);
	}

	/** The results of these requests that were included, in their order, and whether each succeeded. */
	async resultsOf(ids) {
		const results = await this.calls('aimodel', 'submitResult');
		const mine = results.map(({ args, ok }) => ({ id: args[0].toNumber(), ok })).filter(({ id }) => ids.includes(id));
		return mine.sort((a, b) => a.id - b.id);
	}

	/** Lets a request expire, whose workers do not answer, and returns how it ended. */
	async expire({ request, deadline, blockNumber }) {
		await this.sealTo(deadline + 1);
		return settlement(this.api, request, { since: blockNumber });
	}

	/** The lease of a request. */
	async leaseOf(id) {
		return (await status(this.api, id))?.lease ?? null;
	}

	/** Proves the answer to a request, for a bonded account. */
	async proveFor(id, worker, input) {
		this.provingKey ??= this.#writeProvingKey();
		return prove({ model: DIGITS, provingKey: await this.provingKey, input, binding: binding(this.genesis, id, worker.publicKey) });
	}

	async #writeProvingKey() {
		const path = `${this.node.basePath}/digits.pk`;
		await writeFile(path, (await digitsKeys()).provingKey);
		return path;
	}
}

/** A copy of bytes with one bit of one byte flipped. */
export function flipped(bytes, at = 0) {
	const copy = Uint8Array.from(bytes);
	copy[at] ^= 1;
	return copy;
}

