#!/usr/bin/env node
/**
 * The measurements of docs/benchmarks.md. Called by scripts/bench.sh, which builds what they need.
 */

import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { blocks } from './bench/blocks.js';
import { networks, scaling } from './bench/proving.js';
import { serving } from './bench/serving.js';
import { rpc } from './src/connect.js';
import { testImages } from './src/digits.js';
import { request, settlement } from './src/requests.js';
import { submitResultTx, submitResultsTx } from './src/workers.js';
import { World, digitsKeys, flipped } from './test/world.js';

const RUNS = 31;

/** Proofs of a batch. */
const BATCH = 64;

/** Requests that are followed to their settlement, each for some seconds. */
const REQUESTS = 11;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		json: { type: 'boolean', default: false },
		peers: { type: 'boolean', default: false },
		scaling: { type: 'boolean', default: false },
		only: { type: 'string' },
		long: { type: 'boolean', default: false },
	},
});

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const round = (number, digits = 3) => Number(number.toFixed(digits));

const BENCHES = {
	/** Keys and proofs of some networks, or of synthetic ones of growing size. */
	prove: () => (values.scaling ? scaling() : networks(values)),

	/**
	 * Verification in the runtime, of one proof and of a batch: how much longer a dry run takes of
	 * results of which one is refused for another answer, after all is decoded and computed, than of
	 * those whose first proof is a byte too short, which is refused just before.
	 */
	async verify() {
		const world = await World.start({ args: ['--rpc-methods', 'unsafe'] });
		try {
			const { api, alice, charlie, worker } = world;
			const { images } = await testImages();
			const { version, outPoint } = await world.deployDigits();
			await world.bondWorker(charlie, worker, [version]);
			const results = [];
			for (let i = 0; i < BATCH; i++) {
				const { request } = await world.order(alice, { outPoint, input: images[i] });
				results.push({ request, ...(await world.proveFor(request, charlie, images[i])) });
			}
			const short = ({ proof, ...rest }) => ({ ...rest, proof: proof.slice(0, -1) });
			const wrong = ({ output, ...rest }) => ({ ...rest, output: flipped(output) });
			// An `ApplyExtrinsicResult`: applied, and then successful or refused by the pallet.
			const dryRun = async (call, expected) => {
				const signed = (await call.signAsync(worker, { nonce: -1, era: 0 })).toHex();
				const outcome = await rpc(api, 'system_dryRun', signed);
				if (!outcome.startsWith(expected)) throw new Error(`A dry run gave ${outcome}, and not ${expected}.`);
				const times = [];
				for (let i = 0; i < RUNS; i++) {
					const start = performance.now();
					await rpc(api, 'system_dryRun', signed);
					times.push(performance.now() - start);
				}
				return median(times);
			};
			const public_inputs = (await digitsKeys()).report.public_inputs;
			const one = (change) => submitResultTx(api, change(results[0]));
			const before = await dryRun(one(short), '0x0001');
			const verified = (await dryRun(one(wrong), '0x0001')) - before;
			const settled = (await dryRun(one((result) => result), '0x0000')) - before;

			const all = (first) => submitResultsTx(api, [first, ...results.slice(1)]);
			const beforeAll = await dryRun(all(short(results[0])), '0x0001');
			const allVerified = (await dryRun(all(wrong(results[0])), '0x0001')) - beforeAll;
			return [
				{ case: 'verify in the runtime', public_inputs, verify_ms: round(verified, 2), verify_and_settle_ms: round(settled, 2) },
				{ case: `verify ${BATCH} in the runtime`, public_inputs, verify_ms: round(allVerified, 2), each_ms: round(allVerified / BATCH) },
			];
		} finally {
			await world.stop();
		}
	},

	/** Blocks that are full. */
	blocks,

	/** Inferences over HTTP, outside the chain. */
	serve: () => serving(values),

	/** From sending a request to its settlement, with a block every second. */
	async settle() {
		const world = await World.start({ worker: true, sealing: 'manual', metrics: true });
		let ticking = true;
		try {
			const { api, alice, charlie, worker } = world;
			const { images } = await testImages();
			const { version, outPoint } = await world.deployDigits();
			await world.bondWorker(charlie, worker, [version]);
			const tick = async () => {
				while (ticking) {
					await world.seal();
					await new Promise((resolve) => setTimeout(resolve, 1_000));
				}
			};
			const ticker = tick();
			const [blocks, seconds] = [[], []];
			for (let i = 0; i < REQUESTS; i++) {
				const start = performance.now();
				const order = await request(api, alice, { outPoint, input: images[i], maxFee: 10n ** 12n });
				const end = await settlement(api, order.request, { since: order.blockNumber });
				seconds.push((performance.now() - start) / 1000);
				blocks.push(end.settledAt - order.blockNumber);
			}
			ticking = false;
			await ticker;
			const metrics = await world.node.metrics();
			const proofs = metrics.get('aimodel_proving_seconds_count');
			return [
				{
					case: 'request to settlement',
					blocks: median(blocks),
					blocks_max: Math.max(...blocks),
					seconds: round(median(seconds), 2),
					proving_mean_s: round(metrics.get('aimodel_proving_seconds_sum') / proofs, 4),
				},
			];
		} finally {
			ticking = false;
			await world.stop();
		}
	},
};

let head = '';

/** Prints a row, under the names of its columns where they change. */
function print(row) {
	const entries = Object.entries(row).map(([key, value]) => [key, typeof value === 'number' ? round(value, 4) : value]);
	if (values.json) return console.log(JSON.stringify(Object.fromEntries(entries)));
	const line = (at) => entries.map((entry, i) => String(entry[at] ?? '-').padEnd(i === 0 ? 22 : entry[0].length + 2)).join(' ');
	if (line(0) !== head) console.log((head = line(0)));
	console.log(line(1));
}

async function main() {
	const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
	const unknown = names.find((name) => !(name in BENCHES));
	if (unknown) throw new Error(`There is no measurement ${unknown}; there are ${Object.keys(BENCHES).join(', ')}.`);
	for (const name of names) {
		for await (const row of await BENCHES[name]()) print(row);
	}
}

main().catch((error) => {
	console.error(`error: ${error.message}`);
	process.exitCode = 1;
});
