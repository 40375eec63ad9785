/**
 * Workers: bonding, offering to serve, answering.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 */

import { u8aToHex } from '@polkadot/util';
import { rpc } from './connect.js';
import { tensorBytes } from './requests.js';
import { send } from './send.js';

/**
 * Bonds an account as a worker. One that is bonded with this operator stays as it is.
 *
 * @param {Api} api
 * @param {Account} worker
 * @param {{bond?: bigint, operator: string}} what `bond`: the smallest possible if not given;
 *   `operator`: the address that signs for it
 */
export async function register(api, worker, { bond = api.consts.workers.minBond.toBigInt(), operator }) {
	const known = await api.query.workers.workers(worker.address);
	if (known.isSome && known.unwrap().operator.eq(operator)) return;
	await send(api, api.tx.workers.register(bond, operator), worker);
}

/**
 * Offers to serve a version.
 *
 * @param {Api} api
 * @param {Account} worker
 * @param {{version: {model: string, index: number}, leastPay?: bigint, lease?: number, slots?: number}} offer
 */
export async function serve(api, worker, { version, leastPay = 0n, lease = 1, slots = 1 }) {
	await send(api, api.tx.workers.serve(version, leastPay, lease, slots), worker);
}

/**
 * Checks that a worker's node can prove the answers of a version: with a proving key that does not
 * belong to the registered verifying key, leases lapse and cost their collateral.
 *
 * @param {Api} api connected to the worker's node
 * @param {{model: string, index: number}} version
 */
export async function check(api, version) {
	await rpc(api, 'worker_check', version);
}

/** Accepts a lease that does not oblige yet. */
export async function accept(api, signer, request) {
	await send(api, api.tx.workers.accept(request), signer);
}

/**
 * The transaction that answers a request.
 *
 * @param {Api} api
 * @param {object} result
 * @param {number} result.request
 * @param {Uint8Array | {hash: string, length: number}} result.output
 * @param {number | bigint | null} [result.units]
 * @param {Uint8Array | null} [result.proof] uncompressed
 */
export function submitResultTx(api, { request, output, units = null, proof = null }) {
	return api.tx.aimodel.submitResult(request, tensorBytes(output), units, proof && u8aToHex(proof));
}

/**
 * The transaction that answers several requests, for all or none.
 *
 * @param {Api} api
 * @param {object[]} results each as of {@link submitResultTx}
 */
export function submitResultsTx(api, results) {
	const answers = results.map(({ request, output, units = null, proof = null }) => ({
		request,
		output: tensorBytes(output),
		units,
		proof: proof && u8aToHex(proof),
	}));
	return api.tx.aimodel.submitResults(answers);
}

/**
 * The requests that a worker has to answer now, or may accept.
 *
 * @param {Api} api
 * @param {string} worker
 */
export async function jobsFor(api, worker) {
	const jobs = await api.call.aimodelApi.jobsFor(worker);
	return jobs.map((job) => ({
		request: job.request.toNumber(),
		artifact: job.artifact.toHex(),
		inputHash: job.inputHash.toHex(),
		proven: job.proven.isTrue,
		obliged: job.obliged.isTrue,
		until: job.until.toNumber(),
	}));
}
