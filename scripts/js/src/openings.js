/**
 * Openings: what the worker that answers a hidden request must know, and nobody else may.
 *
 * The lease of such a request obliges its worker only when it has the opening and accepts; so the
 * customer waits for the event `Assigned`, and sends the opening to that worker's node.
 */

import nacl from 'tweetnacl';
import { hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { signatureVerify } from '@polkadot/util-crypto';
import { rpc } from './connect.js';
import { ChainError } from './errors.js';

/**
 * Encrypts an opening to a worker's node: a NaCl box from a key that is forgotten.
 *
 * @param {Uint8Array} key the node's
 * @param {{salt: Uint8Array, input?: Uint8Array}} opening `input` where it is hidden
 * @returns {Uint8Array}
 */
export function sealOpening(key, { salt, input = new Uint8Array() }) {
	const sender = nacl.box.keyPair();
	const nonce = nacl.randomBytes(nacl.box.nonceLength);
	const box = nacl.box(u8aConcat(salt, input), nonce, key, sender.secretKey);
	return u8aConcat(sender.publicKey, nonce, box);
}

/**
 * The key of a node's mailbox, if the operator of this worker has signed it.
 *
 * @param {import('./connect.js').Api} api connected to the worker's node
 * @param {string} worker the bonded account
 * @returns {Promise<Uint8Array>}
 */
export async function openingKey(api, worker) {
	const genesis = api.genesisHash.toU8a();
	for (const { operator, key, signature } of await rpc(api, 'opening_keys')) {
		const bonded = await api.call.aimodelApi.workerOf(operator);
		if (bonded.isNone || bonded.unwrap().toString() !== worker) continue;
		const message = u8aConcat(stringToU8a('aimodel/opening-key/1'), genesis, hexToU8a(key));
		if (signatureVerify(message, hexToU8a(signature), operator).isValid) return hexToU8a(key);
	}
	throw new ChainError({ section: 'opening', name: 'AnotherWorker', message: `The node at hand does not sign for the worker ${worker}.` });
}

/**
 * Opens the commitment of a leased request to its worker.
 *
 * @param {import('./connect.js').Api} api connected to the worker's node
 * @param {{request: number, worker: string, salt: Uint8Array, input?: Uint8Array}} opening
 */
export async function open(api, { request, worker, ...opening }) {
	const message = sealOpening(await openingKey(api, worker), opening);
	await rpc(api, 'opening_put', request, u8aToHex(message));
}
