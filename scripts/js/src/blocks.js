/**
 * Following the chain: each block that became one of the best chain, in order, with its events.
 *
 * @typedef {object} Block
 * @property {number} number
 * @property {string} hash
 * @property {import('@polkadot/types/interfaces').EventRecord[]} events
 */

/** @type {WeakMap<object, Promise<Follower>>} */
const followers = new WeakMap();

/**
 * Calls `listener` with every block from now on. One subscription serves all listeners of an api.
 *
 * @param {import('./connect.js').Api} api
 * @param {(block: Block) => void} listener
 * @returns {Promise<() => void>} stops it
 */
export async function follow(api, listener) {
	if (!followers.has(api)) followers.set(api, Follower.start(api));
	const follower = await followers.get(api);
	follower.listeners.add(listener);
	return () => follower.listeners.delete(listener);
}

/**
 * The events of a block.
 *
 * @param {import('./connect.js').Api} api
 * @param {string} hash
 */
export async function eventsAt(api, hash) {
	return [...(await (await api.at(hash)).query.system.events())];
}

/**
 * All blocks from `first` to `last`, of the best chain.
 *
 * @param {import('./connect.js').Api} api
 * @returns {Promise<Block[]>}
 */
export async function blocks(api, first, last) {
	const found = [];
	for (let number = first; number <= last; number++) {
		const hash = (await api.rpc.chain.getBlockHash(number)).toHex();
		found.push({ number, hash, events: await eventsAt(api, hash) });
	}
	return found;
}

/** Blocks behind the head at which a re-org is still noticed. */
const MEMORY = 256;

class Follower {
	listeners = new Set();
	/** The hashes of the blocks that were told, by number. */
	#told = new Map();
	#work = Promise.resolve();

	static async start(api) {
		const follower = new Follower();
		const head = await api.rpc.chain.getHeader();
		follower.#told.set(head.number.toNumber(), head.hash.toHex());
		await api.rpc.chain.subscribeNewHeads((header) => {
			const tell = () => follower.#tell(api, header);
			// What fails is a block that is no more, or a connection that has ended.
			follower.#work = follower.#work.then(tell).catch(() => {});
		});
		return follower;
	}

	/** Tells of a head, after those of its ancestors that were skipped or came by a re-org. */
	async #tell(api, head) {
		const untold = [];
		let header = head;
		while (this.#told.get(header.number.toNumber()) !== header.hash.toHex()) {
			untold.unshift({ number: header.number.toNumber(), hash: header.hash.toHex() });
			if (header.number.toNumber() <= Math.min(...this.#told.keys())) break;
			header = await api.rpc.chain.getHeader(header.parentHash);
		}
		for (const { number, hash } of untold) {
			const block = { number, hash, events: await eventsAt(api, hash) };
			this.#told.set(number, hash);
			this.#told.delete(number - MEMORY);
			for (const listener of [...this.listeners]) listener(block);
		}
	}
}
