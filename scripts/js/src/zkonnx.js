/** The program `zkonnx`: keys and proofs. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { promisify } from 'node:util';
import { u8aToHex } from '@polkadot/util';
import { PROGRAMS } from './node.js';

const run = promisify(execFile);

/**
 * Runs a command of `zkonnx` and returns its report.
 *
 * @param {...string} args
 * @returns {Promise<any>}
 */
export async function zkonnx(...args) {
	try {
		const { stdout } = await run(`${PROGRAMS}/zkonnx`, [...args, '--json']);
		return JSON.parse(stdout);
	} catch (error) {
		throw new Error(`zkonnx ${args[0]}: ${error.stderr?.trim() || error.message}`);
	}
}

/** Calls `job` with a new folder, which is gone afterwards. */
export async function inFolder(job) {
	const folder = await mkdtemp(`${tmpdir()}/zkonnx-`);
	try {
		return await job(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/**
 * Makes the keys of a provable model: of one party, so for development alone.
 *
 * @param {string} model its path
 * @param {string} folder where to write them
 * @param {string} [name] of the files
 * @param {{input: string, output: string}} [privacy] `Public` or `Committed`
 */
export async function setup(model, folder, name = 'model', { input = 'Public', output = 'Public' } = {}) {
	const [pk, vk] = [`${folder}/${name}.pk`, `${folder}/${name}.vk`];
	const modes = ['--input', input.toLowerCase(), '--output', output.toLowerCase()];
	const report = await zkonnx('setup', model, ...modes, '--proving-key', pk, '--verifying-key', vk, '--force');
	const [provingKey, verifyingKey] = await Promise.all([readFile(pk), readFile(vk)]);
	return { report, path: pk, provingKey: new Uint8Array(provingKey), verifyingKey: new Uint8Array(verifyingKey) };
}

/**
 * The commitment of a model whose parameters are private to these.
 *
 * @param {string} model its path
 * @returns {Promise<string>}
 */
export async function parameterCommitment(model) {
	const { parameter_commitment: commitment } = await zkonnx('inspect', model);
	if (!commitment) throw new Error(`The key is for private parameters, and those of ${model} are fixed: zkonnx hide makes them private.`);
	return `0x${commitment}`;
}

/**
 * Proves the answer to one input.
 *
 * @param {{model: string, provingKey: string, input: Uint8Array, binding: Uint8Array}} task paths
 *   and bytes
 * @returns {Promise<{output: Uint8Array, proof: Uint8Array, seconds: number}>} `proof` uncompressed
 */
export function prove({ model, provingKey, input, binding }) {
	return inFolder(async (folder) => {
		const [rows, proof, output] = [`${folder}/input.u8`, `${folder}/proof`, `${folder}/output`];
		await writeFile(rows, input);
		const options = ['--proving-key', provingKey, '--input', rows, '--binding', u8aToHex(binding), '--uncompressed'];
		const report = await zkonnx('prove', model, ...options, '--proof', proof, '--output', output);
		const [proofBytes, outputBytes] = await Promise.all([readFile(proof), readFile(output)]);
		return { output: new Uint8Array(outputBytes), proof: new Uint8Array(proofBytes), seconds: report.seconds };
	});
}
