#!/usr/bin/env node
/**
 * The demo: handwritten digits are read for money, and the chain pays only against a proof.
 *
 * Called by scripts/demo.sh, which builds what it needs.
 */

import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { upload } from './src/blobs.js';
import { accounts, connect } from './src/connect.js';
import { argmax, ascii, EXAMPLES, scores, testImages } from './src/digits.js';
import { deploy, quote, readVerifyingKey, registerKey, split, tariff } from './src/models.js';
import { format, UNIT } from './src/money.js';
import { Node } from './src/node.js';
import { earningsOf, request, settlement } from './src/requests.js';
import { register, serve } from './src/workers.js';
import { inFolder, setup } from './src/zkonnx.js';

const MODEL = `${EXAMPLES}/digits/digits.provable.onnx`;

/** No round number, so that the split has something to divide. */
const PRICE = UNIT / 4n + 1n;

/** Blocks that the worker has for one answer. */
const LEASE = 20;

const { values: options } = parseArgs({
	options: { images: { type: 'string', default: '5' }, keep: { type: 'boolean', default: false } },
});
const count = Number(options.images);

/** Prints what is about to happen, and afterwards how long it took. */
async function step(what, job) {
	process.stdout.write(`${what} ... `);
	const start = performance.now();
	const result = await job();
	console.log(seconds(performance.now() - start));
	return result;
}

const seconds = (milliseconds) => `${(milliseconds / 1000).toFixed(milliseconds < 100 ? 3 : 1)} s`;

/** Columns side by side. */
function beside(left, right) {
	const lines = left.split('\n');
	const rows = Math.max(lines.length, right.length);
	return Array.from({ length: rows }, (_, i) => `  ${(lines[i] ?? '').padEnd(16)}   ${right[i] ?? ''}`).join('\n');
}

/** Seconds that the node has spent on proofs, and their number. */
async function proving(node) {
	const metrics = await node.metrics();
	return { sum: metrics.get('aimodel_proving_seconds_sum') ?? 0, count: metrics.get('aimodel_proving_seconds_count') ?? 0 };
}

async function deployDigits(api, bob, eve) {
	const onnx = new Uint8Array(await readFile(MODEL));
	const keys = await step('making a proving and a verifying key (of one party: for development)', () =>
		inFolder((folder) => setup(MODEL, folder)),
	);
	const { constraints, public_inputs: inputs } = keys.report;
	console.log(`  ${constraints} constraints, ${inputs} public inputs, proving key ${keys.provingKey.length} bytes`);
	const verifyingKey = readVerifyingKey(keys.verifyingKey);
	const key = await step('Bob registers the verifying key', () => registerKey(api, bob, verifyingKey));
	const [artifact, provingKey] = await step('the model and the proving key go to the node', () =>
		Promise.all([upload(api, onnx), upload(api, keys.provingKey)]),
	);
	const version = {
		artifact,
		interface: { input: verifyingKey.input, output: verifyingKey.output },
		units: { fixed: 1, perInputElement: 0, perOutputElement: 0 },
		lease: LEASE,
		circuit: { key, provingKey },
	};
	// Half to the worker, the rest to Bob and to Eve, with whom he trained the model.
	const shares = split(500_000, [[bob.address, 333_333], [eve.address, 166_667]]);
	const what = { version, tariff: tariff({ perCall: PRICE }), split: shares };
	return step(`Bob deploys the model, at ${format(PRICE)} a call`, () => deploy(api, bob, what));
}

async function buy(api, node, alice, model, image, label, names) {
	const before = await proving(node);
	const start = performance.now();
	const order = await request(api, alice, { model, input: image });
	const end = await settlement(api, order.request, { since: order.blockNumber });
	const took = performance.now() - start;
	if (end.status !== 'Settled') throw new Error(`Request ${order.request} was refunded: ${end.reason}.`);
	const after = await proving(node);
	const digit = argmax(scores(end.output));
	const { platform, worker, beneficiaries } = end.payout;
	const proof = after.count > before.count ? (after.sum - before.sum) / (after.count - before.count) : NaN;
	const lines = [
		`request ${order.request}: read as ${digit}, truly a ${label} ${digit === label ? '' : '(wrong)'}`,
		`settled ${seconds(took)} after it was sent, ${end.settledAt - order.blockNumber} blocks after its own`,
		`proof: ${(proof * 1000).toFixed(0)} ms to make, 192 bytes (384 in the call)`,
		`verification and settlement: ${(Number(end.weight.refTime) / 1e9).toFixed(2)} ms of weight`,
		`bill: ${format(end.price)}; held ${format(order.held)}, released ${format(end.refund)}`,
		`  platform ${format(platform)}`,
		`  ${names[end.worker]} ${format(worker)}`,
		...beneficiaries.map(([who, amount]) => `  ${names[who]} ${format(amount)}`),
	];
	console.log(`\n${beside(ascii(image), lines)}`);
	return { right: digit === label, price: end.price };
}

async function main() {
	if (!Number.isInteger(count) || count < 1 || count > 450) throw new Error('--images takes a number from 1 to 450');
	const { images, labels } = await testImages();
	const node = await step('starting a development chain with one worker', () => Node.start({ args: ['--worker'], metrics: true }));
	let kept = false;
	const interrupted = async () => {
		await node.stop();
		// The way in which a node that was kept is meant to end.
		process.exit(kept ? 0 : 130);
	};
	for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, interrupted);
	let api;
	try {
		api = await connect(node.url);
		const { alice, bob, charlie, eve, worker } = await accounts();
		const platform = api.consts.aimodel.platformAccount.toString();
		const names = { [charlie.address]: 'Charlie (worker)', [bob.address]: 'Bob (owner)', [eve.address]: 'Eve (co-author)', [platform]: 'the platform' };

		const { model, version } = await deployDigits(api, bob, eve);
		await step('Charlie bonds himself as a worker, and serves the model', async () => {
			await register(api, charlie, { bond: 1_000n * UNIT, operator: worker.address });
			await serve(api, charlie, { version, lease: LEASE, slots: 16 });
		});
		console.log(`\nmodel ${model}`);
		const { maxPrice } = await quote(api, model, images[0].length);
		console.log(`Alice is quoted ${format(maxPrice)} for an image, and buys ${count}.`);

		const bought = [];
		for (let i = 0; i < count; i++) bought.push(await buy(api, node, alice, model, images[i], labels[i], names));

		const right = bought.filter((one) => one.right).length;
		const billed = bought.reduce((sum, one) => sum + one.price, 0n);
		console.log(`\n${right} of ${count} read rightly; Alice paid ${format(billed)}, which is with`);
		let earned = 0n;
		for (const [address, name] of Object.entries(names)) {
			const amount = await earningsOf(api, address);
			earned += amount;
			console.log(`  ${name.padEnd(16)} ${format(amount)}`);
		}
		if (earned !== billed) throw new Error(`${format(billed)} were billed, and ${format(earned)} were earned`);

		if (options.keep) {
			kept = true;
			await keep(node, model);
		}
	} finally {
		await api?.disconnect();
		await node.stop();
	}
}

/** Leaves the node running until the user ends it. */
async function keep(node, model) {
	const page = `https://polkadot.js.org/apps/?rpc=${encodeURIComponent(node.url)}`;
	console.log(`
The node goes on; Ctrl-C ends it.
  polkadot.js      ${page}
                   Developer > Extrinsics > aimodel, Developer > Runtime calls > aimodelApi
  the command line node scripts/js/src/cli.js quote --model ${model} --bytes 64 --url ${node.url}
  metrics          ${node.metricsUrl}`);
	await node.ended;
	if (!node.stopping) throw new Error(`The node has ended. The end of its log:\n${node.tail()}`);
}

main().catch((error) => {
	console.error(`\nerror: ${error.message}`);
	process.exitCode = 1;
});
