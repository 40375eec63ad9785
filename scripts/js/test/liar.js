/**
 * A peer that lies about a blob. Honest nodes hash what they give, so that none can be made to lie:
 * this is a program of its own that speaks libp2p with a node.
 *
 * The exchange asks who takes part in the chain. That takes no blocks: each side opens a substream for
 * announcing them, and says on it which chain it has. The liar's has the first block alone.
 */

import { noise } from '@libp2p/noise';
import { tcp } from '@libp2p/tcp';
import { lpStream } from '@libp2p/utils';
import { yamux } from '@libp2p/yamux';
import { multiaddr } from '@multiformats/multiaddr';
import { bnToU8a, compactAddLength, compactToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { createLibp2p } from 'libp2p';

// libp2p needs it, and Node has it from version 22 on.
Promise.withResolvers ??= function () {
	let settle;
	const promise = new this((resolve, reject) => (settle = { resolve, reject }));
	return { promise, ...settle };
};

/** Bytes of every chunk but the last. */
export const CHUNK = 256 << 10;

const chunkOf = (bytes, index) => bytes.subarray(index * CHUNK, (index + 1) * CHUNK);

// What nodes say to each other, as node/inference/src/exchange/message.rs has it.
const FULL_NODE = Uint8Array.of(1);
const UNKNOWN = Uint8Array.of(0);
const chunk = (bytes, index) => u8aConcat(Uint8Array.of(3), compactAddLength(chunkOf(bytes, index)));
function manifest(bytes) {
	const length = Math.ceil(bytes.length / CHUNK);
	const hashes = Array.from({ length }, (_, index) => blake2AsU8a(chunkOf(bytes, index), 256));
	return u8aConcat(Uint8Array.of(2), bnToU8a(bytes.length, { bitLength: 64 }), compactToU8a(length), ...hashes);
}

/** A peer of one node. */
export class Liar {
	/** What it was asked for: which chunk of which blob, or `null` for the manifest. */
	asked = [];
	#host;

	/**
	 * Connects to a node.
	 *
	 * @param {string} address of the node, over plain TCP
	 * @param {Uint8Array} genesis the hash of the chain's first block
	 * @param {{hash: string, claims: Uint8Array, gives: Uint8Array}} lie the blob that it says to have, the bytes whose
	 * manifest it gives, and those whose chunks it gives
	 */
	static async meet(address, genesis, lie) {
		const liar = new Liar();
		liar.#host = await createLibp2p({
			transports: [tcp()],
			connectionEncrypters: [noise()],
			streamMuxers: [yamux()],
			connectionMonitor: { enabled: false },
		});
		const chain = u8aToHex(genesis).slice(2);
		await liar.#host.handle(`/${chain}/artifact/1`, async (stream) => {
			const messages = lpStream(stream);
			await messages.write(liar.#answer((await messages.read()).subarray(), lie));
			await stream.close();
		});
		const announces = `/${chain}/block-announces/1`;
		const status = u8aConcat(FULL_NODE, bnToU8a(0, { bitLength: 32 }), genesis, genesis);
		await liar.#host.handle(announces, async (stream) => {
			const messages = lpStream(stream);
			await messages.read();
			await messages.write(status);
		});
		const messages = lpStream(await liar.#host.dialProtocol(multiaddr(address), announces));
		await messages.write(status);
		await messages.read();
		return liar;
	}

	/** Its name among the peers. */
	get id() {
		return this.#host.peerId.toString();
	}

	/** Leaves. */
	async stop() {
		await this.#host.stop();
	}

	#answer(request, lie) {
		const hash = u8aToHex(request.subarray(1, 33));
		const index = request[0] === 0 ? null : new DataView(request.buffer, request.byteOffset).getUint32(33, true);
		this.asked.push({ hash, index });
		if (hash !== lie.hash) return UNKNOWN;
		return index === null ? manifest(lie.claims) : chunk(lie.gives, index);
	}
}
