/**
 * Signing and sending transactions.
 *
 * Sends of one account wait for each other until the pool has taken them, so that any number may
 * be started at once and each gets its own nonce.
 *
 * @typedef {object} Included
 * @property {string} blockHash
 * @property {number} blockNumber
 * @property {number} index the extrinsic's place in the block
 * @property {import('@polkadot/types/interfaces').EventRecord[]} events of this extrinsic alone
 */

import { ChainError, dispatchError, rpcError } from './errors.js';

/** @type {WeakMap<object, Map<string, Promise<unknown>>>} */
const turns = new WeakMap();

/** Runs `job` once all earlier jobs of this account are done. */
function inTurn(api, address, job) {
	if (!turns.has(api)) turns.set(api, new Map());
	const last = turns.get(api);
	const turn = (last.get(address) ?? Promise.resolve()).then(job, job);
	last.set(address, turn.catch(() => {}));
	return turn;
}

/**
 * Signs a transaction and gives it to the pool. Returns as soon as the pool has it; `included`
 * resolves when it is in a block, and rejects with a `ChainError` where it failed there.
 *
 * @param {import('./connect.js').Api} api
 * @param {import('@polkadot/api/types').SubmittableExtrinsic<'promise'>} tx
 * @param {import('./connect.js').Account} signer
 * @param {{era?: number, nonce?: number}} [options]
 * @returns {Promise<{included: Promise<Included>, hash: string}>}
 */
export async function submit(api, tx, signer, options = {}) {
	let unsubscribe = () => {};
	let settle;
	const included = new Promise((resolve, reject) => (settle = { resolve, reject }));
	// A caller that never looks at it has chosen not to.
	included.catch(() => {});

	const listen = (result) => {
		const { status, dispatchError: failure, txIndex } = result;
		if (status.isInBlock || status.isFinalized) {
			const blockHash = (status.isInBlock ? status.asInBlock : status.asFinalized).toHex();
			const place = { blockHash, blockNumber: result.blockNumber.toNumber(), index: txIndex };
			const events = result.events;
			if (failure) settle.reject(dispatchError(api, failure, { ...place, events }));
			else settle.resolve({ ...place, events });
			unsubscribe();
		} else if (status.isUsurped || status.isDropped || status.isInvalid || status.isFinalityTimeout) {
			const message = `The pool gave the transaction up: ${status.type.toLowerCase()}.`;
			settle.reject(new ChainError({ section: 'pool', name: status.type, message }));
			unsubscribe();
		}
	};

	const hash = await inTurn(api, signer.address, async () => {
		const nonce = options.nonce ?? (await api.rpc.system.accountNextIndex(signer.address)).toNumber();
		const signed = await tx.signAsync(signer, { ...options, nonce });
		try {
			unsubscribe = await signed.send(listen);
		} catch (error) {
			throw rpcError(error);
		}
		return signed.hash.toHex();
	});
	return { included, hash };
}

/**
 * Signs and sends a transaction, and waits until it is in a block.
 *
 * @param {import('./connect.js').Api} api
 * @param {import('@polkadot/api/types').SubmittableExtrinsic<'promise'>} tx
 * @param {import('./connect.js').Account} signer
 * @param {{era?: number, nonce?: number}} [options]
 * @returns {Promise<Included>}
 */
export async function send(api, tx, signer, options) {
	const { included } = await submit(api, tx, signer, options);
	return included;
}

/**
 * Sends a transaction, and returns what its event of this name tells.
 *
 * @param {import('./connect.js').Api} api
 * @param {import('./connect.js').Account} signer
 * @param {import('@polkadot/api/types').SubmittableExtrinsic<'promise'>} tx
 * @param {string} event of the pallet of models
 */
export async function told(api, signer, tx, event) {
	const { events } = await send(api, tx, signer);
	return findEvent(events, 'aimodel', event)?.data;
}

/**
 * The first event of this name, or `undefined`.
 *
 * @param {import('@polkadot/types/interfaces').EventRecord[]} events
 * @param {string} section
 * @param {string} method
 */
export function findEvent(events, section, method) {
	return events.find(({ event }) => event.section === section && event.method === method)?.event;
}
