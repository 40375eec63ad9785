/**
 * Connecting to a node, and the accounts of a development chain.
 *
 * @typedef {import('@polkadot/api').ApiPromise} Api
 * @typedef {import('@polkadot/keyring/types').KeyringPair} Account
 */

import { ApiPromise, WsProvider } from '@polkadot/api';
import { Keyring } from '@polkadot/keyring';
import { cryptoWaitReady } from '@polkadot/util-crypto';
import { ChainError, rpcError } from './errors.js';

/** Where a node listens unless told otherwise. */
export const DEFAULT_URL = 'ws://127.0.0.1:9944';

/** @type {WeakMap<Api, WsProvider>} */
const providers = new WeakMap();

/**
 * Connects to a node and waits until the chain's metadata has come.
 *
 * @param {string} [url]
 * @returns {Promise<Api>}
 */
export async function connect(url = DEFAULT_URL) {
	await cryptoWaitReady();
	const provider = new WsProvider(url, false, {}, 120_000);
	try {
		await provider.connect();
		await connected(provider, url);
		const api = await ApiPromise.create({ provider, noInitWarn: true });
		providers.set(api, provider);
		return api;
	} catch (error) {
		await provider.disconnect();
		throw error;
	}
}

/** Waits for the socket; a node that is not there is an error at once. */
function connected(provider, url) {
	return new Promise((resolve, reject) => {
		if (provider.isConnected) return resolve();
		const refuse = () =>
			reject(new ChainError({ section: 'rpc', name: 'NotConnected', message: `No node answers at ${url}.` }));
		const offs = [
			provider.on('connected', () => settle(resolve)),
			provider.on('error', () => settle(refuse)),
			provider.on('disconnected', () => settle(refuse)),
		];
		function settle(then) {
			offs.forEach((off) => off());
			then();
		}
	});
}

/**
 * Calls an RPC method that polkadot.js does not know, or reads wrongly.
 *
 * @param {Api} api
 * @param {string} method
 * @param {...unknown} params
 * @returns {Promise<any>} plain JSON
 */
export async function rpc(api, method, ...params) {
	try {
		return await providers.get(api).send(method, params);
	} catch (error) {
		throw rpcError(error);
	}
}

const keyring = new Keyring({ type: 'sr25519' });

/**
 * The account of a secret, such as `//Alice`.
 *
 * @param {string} suri
 * @returns {Account}
 */
export function account(suri) {
	return keyring.createFromUri(suri, { name: suri });
}

/** The well-known accounts of a development chain, by name. */
export async function accounts() {
	await cryptoWaitReady();
	const names = ['Alice', 'Bob', 'Charlie', 'Dave', 'Eve', 'Ferdie', 'Worker', 'Worker2'];
	return Object.fromEntries(names.map((name) => [name.toLowerCase(), account(`//${name}`)]));
}
