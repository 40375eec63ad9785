#!/usr/bin/env node
/**
 * The measurements of docs/benchmarks.md. Called by scripts/bench.sh, which builds what they need.
 */

import { performance } from 'node:perf_hooks';
import { parseArgs } from 'node:util';
import { rpc } from './src/connect.js';
import { testImages } from './src/digits.js';
import { request, settlement } from './src/requests.js';
import { submitResultTx } from './src/workers.js';
import { DIGITS, World, digitsKeys, flipped } from './test/world.js';
import { inFolder, prove, setup, zkonnx } from './src/zkonnx.js';

const RUNS = 31;

/** Requests that are followed to their settlement, each for some seconds. */
const REQUESTS = 11;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean', default: false } } });

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
const round = (number, digits = 3) => Number(number.toFixed(digits));

const BENCHES = {
	/** One proof: the time that `zkonnx prove` reports, the key read and the answer computed before. */
	async prove() {
		const { images } = await testImages();
		const report = await zkonnx('inspect', DIGITS);
		return inFolder(async (folder) => {
			const start = performance.now();
			const keys = await setup(DIGITS, folder);
			const setupSeconds = (performance.now() - start) / 1000;
			const seconds = [];
			for (let i = 0; i < RUNS; i++) {
				const task = { model: DIGITS, provingKey: keys.path, input: images[i], binding: new Uint8Array(32) };
				seconds.push((await prove(task)).seconds);
			}
			return {
				network: 'digits 64-32-10',
				constraints: report.constraints,
				setup_s: round(setupSeconds),
				prove_s: round(median(seconds), 4),
				proof_bytes: 192,
				key_mb: round(keys.provingKey.length / 1e6, 2),
			};
		});
	},

	/**
	 * One verification in the runtime: how much longer a dry run takes of a result whose proof is
	 * refused for another answer, after all is decoded and computed, than of one whose proof is a byte
	 * too short, which is refused just before.
	 */
	async verify() {
		const world = await World.start({ args: ['--rpc-methods', 'unsafe'] });
		try {
			const { api, alice, charlie, worker } = world;
			const { images } = await testImages();
			const { version, outPoint } = await world.deployDigits();
			await world.bondWorker(charlie, worker, [version]);
			const order = await world.order(alice, { outPoint, input: images[0] });
			const { output, proof } = await world.proveFor(order.request, charlie, images[0]);
			// An `ApplyExtrinsicResult`: applied, and then successful or refused by the pallet.
			const dryRun = async (bytes, answer, expected) => {
				const call = submitResultTx(api, { request: order.request, output: answer, proof: bytes });
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
			const settled = await dryRun(proof, output, '0x0000');
			const refused = await dryRun(proof, flipped(output), '0x0001');
			const short = await dryRun(proof.slice(0, -1), output, '0x0001');
			const inputs = (await digitsKeys()).report.public_inputs;
			const row = { case: 'verify in the runtime', public_inputs: inputs };
			return { ...row, verify_ms: round(refused - short, 2), verify_and_settle_ms: round(settled - short, 2) };
		} finally {
			await world.stop();
		}
	},

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
			return {
				case: 'request to settlement',
				blocks: median(blocks),
				blocks_max: Math.max(...blocks),
				seconds: round(median(seconds), 2),
				proving_mean_s: round(metrics.get('aimodel_proving_seconds_sum') / proofs, 4),
			};
		} finally {
			ticking = false;
			await world.stop();
		}
	},
};

async function main() {
	const names = positionals.length > 0 ? positionals : Object.keys(BENCHES);
	const unknown = names.find((name) => !(name in BENCHES));
	if (unknown) throw new Error(`There is no measurement ${unknown}; there are ${Object.keys(BENCHES).join(', ')}.`);
	for (const name of names) {
		const row = await BENCHES[name]();
		if (values.json) console.log(JSON.stringify(row));
		else console.log(Object.entries(row).map(([key, value]) => `${key.padEnd(16)} ${value}`).join('\n') + '\n');
	}
}

main().catch((error) => {
	console.error(`error: ${error.message}`);
	process.exitCode = 1;
});
