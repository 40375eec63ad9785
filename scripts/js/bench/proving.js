/** Keys and proofs of some networks, each step in a process of its own, against plain arkworks and EZKL. */

import { mkdir, readFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { EXAMPLES } from '../src/digits.js';
import { PROGRAMS, ROOT } from '../src/node.js';
import { zkonnx } from '../src/zkonnx.js';
import { inScratch, output, python, SCRATCH } from './programs.js';

const MODELS = `${ROOT}/scripts/models`;

const DIGITS = `${EXAMPLES}/digits`;

/** Networks by name. What `model` names in `make_speed.py` is made by that, with random weights. */
const NETWORKS = {
	'MLP 64-32-10': {
		model: `${DIGITS}/digits.onnx`,
		calibration: `${DIGITS}/calibration.u8`,
		evaluation: ['-e', `${DIGITS}/test_x.u8`, '-l', `${DIGITS}/test_y.u8`],
		peer: true,
	},
	'MLP 784-56-10': { model: 'mlp-784-56-10', peer: true },
	// Six bits keep these two below 2^17 constraints.
	'LeNet-5 28x28': { model: 'lenet-5', bits: 6, peer: true },
	'CNN of 1 M products': { model: 'cnn-1m', bits: 6, peer: false },
};

/** The most constraints of synthetic networks; their domains are the next powers of two. */
const SIZES = [1_000, 4_000, 16_000, 64_000, 256_000, 1_024_000];

/** Proofs of which the median is taken. */
const RUNS = 15;

/** Proofs of a large network. */
const FEW_RUNS = 3;

/** Setup and proofs of a provable model or of a synthetic network, without arkworks' memory. */
async function measure(network, folder, runs) {
	const bench = async (...args) => JSON.parse(await output(`${PROGRAMS}/examples/prove_bench`, ['--json', ...args, network]));
	const key = `${folder}/key`;
	const setup = await bench('--write-key', key);
	const proof = await bench('--read-key', key, '--no-arkworks', '--runs', String(runs));
	const { constraints, setup_s } = setup;
	const { prove_s, verify_ms, proof_bytes, key_mb } = proof;
	const peaks = { peak_mb: Math.max(setup.peak_mb, proof.peak_mb), setup_peak_mb: setup.peak_mb, prove_peak_mb: proof.peak_mb };
	return { constraints, setup_s, prove_s, verify_ms, proof_bytes, key_mb, ...peaks };
}

/** What plain arkworks takes for the same proofs. */
async function arkworks(network, folder, runs) {
	const args = ['--json', '--read-key', `${folder}/key`, '--runs', String(runs), network];
	const { arkworks_prove_s } = JSON.parse(await output(`${PROGRAMS}/examples/prove_bench`, args));
	return { arkworks_prove_s };
}

/** What EZKL takes for one proof of a float model; where it fails, as for want of memory, it says why and the rest goes on. */
async function ezkl(model, rows, folder) {
	const peer = `EZKL ${/^ezkl==(\S+)/m.exec(await readFile(`${MODELS}/ezkl.txt`, 'utf8'))[1]}`;
	const script = [`${MODELS}/measure_ezkl.py`, model, rows, `${folder}/ezkl`];
	const text = await python([`${MODELS}/speed.txt`, `${MODELS}/ezkl.txt`], ...script).catch((error) => console.error(error.message));
	if (!text) return { peer: `${peer} failed` };
	const report = JSON.parse(text);
	const { setup, prove, verify, logrows, key_mb } = report;
	const peak = Math.max(...Object.values(report).flatMap((step) => (Array.isArray(step) ? step[1] : [])));
	return {
		peer,
		peer_logrows: logrows,
		peer_setup_s: setup[0],
		peer_prove_s: prove[0],
		peer_verify_ms: verify[0] * 1e3,
		peer_key_mb: key_mb,
		peer_peak_mb: peak,
		peer_prove_peak_mb: prove[1],
	};
}

/**
 * A row for each network, as they are measured.
 *
 * @param {object} [options]
 * @param {boolean} [options.peers] whether to measure EZKL, too
 * @param {string} [options.only] a part of the names of the networks to measure
 */
export async function* networks({ peers = false, only = '' } = {}) {
	const chosen = Object.entries(NETWORKS).filter(([name]) => name.includes(only));
	if (chosen.length === 0) throw new Error(`There is no network ${only}; there are ${Object.keys(NETWORKS).join(', ')}.`);
	const speed = `${SCRATCH}/models`;
	if (chosen.some(([, { calibration }]) => !calibration)) await python([`${MODELS}/speed.txt`], `${MODELS}/make_speed.py`, speed);
	for (const [network, { model, calibration = `${speed}/rows.u8`, evaluation = [], bits = 8, peer }] of chosen) {
		const float = model.endsWith('.onnx') ? model : `${speed}/${model}.onnx`;
		yield await inScratch(async (folder) => {
			const provable = `${folder}/provable.onnx`;
			const options = ['-c', calibration, ...evaluation, '--weight-bits', String(bits), '-o', provable];
			const { provable_accuracy: accuracy, flips } = await zkonnx('quantize', float, ...options);
			const row = { network, ...(await measure(provable, folder, RUNS)), accuracy, flips };
			Object.assign(row, await arkworks(provable, folder, RUNS));
			if (peers) Object.assign(row, peer ? await ezkl(float, calibration, folder) : { peer: null });
			return row;
		});
	}
}

/** A row for each of some synthetic networks. */
export async function* scaling() {
	for (const size of SIZES) {
		yield await inScratch(async (folder) => {
			const row = await measure(String(size), folder, size > 100_000 ? FEW_RUNS : RUNS);
			const per = (key) => (row[key] / row.constraints) * 1e6;
			const each = { setup_us_each: per('setup_s'), prove_us_each: per('prove_s'), peak_bytes_each: per('peak_mb') };
			return { network: 'synthetic', ...row, ...each };
		});
	}
}
