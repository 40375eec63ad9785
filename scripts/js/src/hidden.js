/**
 * Requests whose input or answer the chain does not see.
 *
 * What a version hides is in its record. The customer keeps the salt of a request: without it nobody
 * reads the answer.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 */

import { decodeAddress } from '@polkadot/util-crypto';
import { follow } from './blocks.js';
import { model as modelInfo, quote } from './models.js';
import { open } from './openings.js';
import { commit, holder, newSalt, openOutput } from './privacy.js';
import { request, settlement, status } from './requests.js';
import { binding } from './statement.js';

/** What a version's proofs hide: `{input: boolean, output: boolean}`. */
export function hides(record) {
	const committed = (side) => record.circuit?.privacy[side] === 'Committed';
	return { input: committed('input'), output: committed('output') };
}

/** The element type of a tensor, and its bytes. */
function tensorOf({ element, shape }) {
	const name = element.toLowerCase();
	const elements = shape.reduce((product, dimension) => product * (dimension.fixed ?? dimension.Fixed), 1);
	return { element: name, length: (elements * Number(name.slice(1))) / 8 };
}

/**
 * The input of a request for this version, as {@link request} takes it.
 *
 * @param {object} record the version's
 * @param {Uint8Array} input the tensor's bytes
 * @param {Uint8Array} salt
 * @param {Uint8Array} account the customer's public key
 */
export function hiddenInput(record, input, salt, account) {
	const { element } = tensorOf(record.interface.input);
	return hides(record).input
		? { commitment: commit(salt, holder(account), { element, bytes: input }) }
		: { commitment: commit(salt, holder(account)), bytes: input };
}

/**
 * Orders an inference, opens it to whichever worker holds its lease, waits for the settlement, and
 * reads the answer.
 *
 * @param {Api} api
 * @param {Account} customer
 * @param {object} order as of {@link request}: a `model`, the `input`'s bytes, perhaps `maxFee` and
 *   `deadline`
 * @param {object} [options]
 * @param {Uint8Array} [options.salt]
 * @param {Api} [options.node] connected to the worker's node, if it is another one
 * @param {(order: object) => void} [options.onOrder] called with the order once it is in a block
 * @param {(error: Error) => void} [options.onRefusal] see {@link keepOpen}
 */
export async function requestHidden(api, customer, { model, input, ...rest }, options = {}) {
	const { salt = newSalt(), node = api, onOrder = () => {}, onRefusal } = options;
	const { record, outPoint } = await modelInfo(api, model);
	const maxFee = rest.maxFee ?? (await quote(api, model, input.length)).maxPrice;
	const hidden = hiddenInput(record, input, salt, customer.publicKey);
	const order = await request(api, customer, { ...rest, outPoint, maxFee, input: hidden });
	onOrder(order);
	const opening = { salt, input: hides(record).input ? input : undefined };
	const stop = await keepOpen(api, node, order.request, opening, onRefusal);
	try {
		const end = await settlement(api, order.request, { since: order.blockNumber });
		return { ...order, ...end, ...(end.status === 'Settled' && { output: read(api, record, end, salt) }) };
	} finally {
		stop();
	}
}

/**
 * Opens a request to each worker that gets a lease of it, from now on.
 *
 * @param {Api} api
 * @param {Api} node connected to the worker's node
 * @param {number} id
 * @param {{salt: Uint8Array, input?: Uint8Array}} opening
 * @param {(error: Error) => void} [onRefusal] called where a worker's node did not take it; it is asked
 *   again at the next block
 * @returns {Promise<() => void>} stops it
 */
export async function keepOpen(api, node, id, opening, onRefusal = () => {}) {
	const told = new Set();
	const tell = async () => {
		const lease = (await status(api, id))?.lease;
		if (!lease || lease.obliged || told.has(lease.worker)) return;
		await open(node, { request: id, worker: lease.worker, ...opening });
		told.add(lease.worker);
	};
	const stop = await follow(api, () => tell().catch(onRefusal));
	await tell().catch(onRefusal);
	return stop;
}

/**
 * The answer to a settled request.
 *
 * @param {Api} api
 * @param {object} record the version's
 * @param {{request: number, worker: string, output: Uint8Array}} settled
 * @param {Uint8Array} salt
 * @returns {Uint8Array} the tensor's bytes
 */
export function read(api, record, { request: id, worker, output }, salt) {
	if (!hides(record).output) return output;
	const bound = binding(api.genesisHash.toU8a(), id, decodeAddress(worker));
	return openOutput({ salt, binding: bound, ...tensorOf(record.interface.output), bytes: output });
}
