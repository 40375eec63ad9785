/**
 * Blobs: models, proving keys, long inputs and outputs, in the store of a node.
 *
 * A blob is named by its hash; it travels in pieces, and an upload that was cut off goes on where
 * it stopped.
 */

import { setTimeout as pause } from 'node:timers/promises';
import { u8aConcat, u8aToHex, hexToU8a } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';
import { rpc } from './connect.js';
import { ChainError } from './errors.js';

/** Bytes of a piece: 1 MiB. */
export const PIECE = 1 << 20;

/**
 * The name of a blob: `blake2_256` of its bytes.
 *
 * @param {Uint8Array} bytes
 */
export function blobHash(bytes) {
	return blake2AsHex(bytes, 256);
}

/**
 * Uploads bytes, unless the node has them, and returns their name.
 *
 * @param {import('./connect.js').Api} api
 * @param {Uint8Array} bytes
 * @param {{piece?: number, onProgress?: (sent: number, length: number) => void}} [options]
 * @returns {Promise<string>}
 */
export async function upload(api, bytes, { piece = PIECE, onProgress = () => {} } = {}) {
	const hash = blobHash(bytes);
	let state = await rpc(api, 'blob_begin', hash, bytes.length);
	while (!state.stored && state.received < bytes.length) {
		onProgress(state.received, bytes.length);
		const part = bytes.subarray(state.received, state.received + piece);
		state = await rpc(api, 'blob_append', hash, state.received, u8aToHex(part));
	}
	if (!state.stored) await rpc(api, 'blob_finish', hash);
	onProgress(bytes.length, bytes.length);
	return hash;
}

/**
 * Downloads a blob and checks its hash.
 *
 * @param {import('./connect.js').Api} api
 * @param {string} hash
 * @returns {Promise<Uint8Array>}
 */
export async function download(api, hash, { piece = PIECE } = {}) {
	const length = await rpc(api, 'blob_size', hash);
	if (length === null) {
		throw new ChainError({ section: 'blob', name: 'NotFound', message: `The node has no blob ${hash}.` });
	}
	const parts = [];
	for (let at = 0; at < length; at += piece) {
		parts.push(hexToU8a(await rpc(api, 'blob_get', hash, at, Math.min(piece, length - at))));
	}
	const bytes = u8aConcat(...parts);
	if (blobHash(bytes) !== hash) {
		throw new ChainError({ section: 'blob', name: 'WrongHash', message: `What came is not blob ${hash}.` });
	}
	return bytes;
}

/**
 * Has a node get a blob from other nodes of its chain, unless it has it.
 *
 * @param {import('./connect.js').Api} api connected to the node
 * @param {string} hash
 * @param {{interval?: number, onProgress?: (received: number, length: number) => void}} [options]
 */
export async function obtain(api, hash, { interval = 500, onProgress = () => {} } = {}) {
	if (await rpc(api, 'blob_has', hash)) return;
	let state = await rpc(api, 'blob_fetch', hash);
	while (state?.state !== 'stored') {
		if (state?.state === 'fetching' && state.length > 0) onProgress(state.received, state.length);
		else if (state?.state === 'failed' || state?.state === 'full') {
			const why = state.reason ?? 'too many blobs wait already';
			throw new ChainError({ section: 'blob', name: 'NotFetched', message: `Blob ${hash} did not come: ${why}.` });
		}
		await pause(interval);
		state = await rpc(api, 'blob_fetching', hash);
	}
}
