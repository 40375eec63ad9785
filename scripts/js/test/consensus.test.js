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
	const node = await Node.start({ chain: 'local', args: [...args, '--unsafe-force-node-key-generation'] });
	return { node, api: await connect(node.url) };
}

/** The number of the last final block, once it is at least `least`. */
async function finalAt(api, least, timeout = 90_000) {
	for (const end = Date.now() + timeout; Date.now() < end; await pause(500)) {
		const header = await api.rpc.chain.getHeader(await api.rpc.chain.getFinalizedHead());
		if (header.number.toNumber() >= least) return header.number.toNumber();
	}
	throw new Error(`block ${least} has not become final within ${timeout / 1000} s`);
}

test('two authorities make blocks in turn and agree on the final ones', async () => {
	const started = [];
	try {
		const alice = await start('--alice');
		started.push(alice);
		const [address] = (await rpc(alice.api, 'system_localListenAddresses')).filter((it) => it.includes('/127.0.0.1/tcp/'));
		const bob = await start('--bob', '--bootnodes', address);
		started.push(bob);

		const height = Math.min(...(await Promise.all(started.map(({ api }) => finalAt(api, FINAL)))));
		const [ours, theirs] = await Promise.all(started.map(({ api }) => api.rpc.chain.getBlockHash(height)));
		assert.equal(ours.toHex(), theirs.toHex());
	} finally {
		for (const { node, api } of started) {
			await api.disconnect();
			await node.stop();
		}
	}
});
