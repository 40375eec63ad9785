/** Two authorities: blocks by Aura, finality by GRANDPA. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { connect, rpc } from '../src/connect.js';
import { Node } from '../src/node.js';

/** Blocks that have to become final. */
const FINAL = 2;

/** A connection to a new node of the local test network. */
async function start(...args) {
	const node = await Node.start({ chain: 'local', args: [...args, '--unsafe-force-node-key-generation', '--no-mdns'] });
	return { node, api: await connect(node.url) };
}

const final = async (api) => api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
const best = (api) => api.rpc.chain.getHeader();

/** The number of the last final or best block, once it is at least `least`. */
async function reached(api, last, least, timeout = 90_000) {
	for (const end = Date.now() + timeout; Date.now() < end; await pause(500)) {
		const { number } = await last(api);
		if (number.toNumber() >= least) return number.toNumber();
	}
	throw new Error(`block ${least} was not reached within ${timeout / 1000} s`);
}

test('two authorities make blocks in turn and agree on the final ones, and who takes no part follows', async () => {
	const started = [];
	try {
		const alice = await start('--alice');
		started.push(alice);
		const [address] = (await rpc(alice.api, 'system_localListenAddresses')).filter((it) => it.includes('/127.0.0.1/tcp/'));
		const bob = await start('--bob', '--bootnodes', address);
		started.push(bob);

		const follower = await start('--bootnodes', address, '--no-grandpa');
		started.push(follower);

		const height = Math.min(...(await Promise.all([alice, bob].map(({ api }) => reached(api, final, FINAL)))));
		await reached(follower.api, best, height);
		const hashes = await Promise.all(started.map(({ api }) => api.rpc.chain.getBlockHash(height)));
		assert.equal(new Set(hashes.map((hash) => hash.toHex())).size, 1);
		assert.ok((await rpc(follower.api, 'system_health')).peers > 0);
	} finally {
		for (const { node, api } of started) {
			await api.disconnect();
			await node.stop();
		}
	}
});
