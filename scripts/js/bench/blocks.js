/** How long blocks take that are full of the call that can weigh the most: 64 proven results. */

import { testImages } from '../src/digits.js';
import { requested, requestTx, status } from '../src/requests.js';
import { findEvent, submit } from '../src/send.js';
import { UNIT } from '../src/money.js';
import { submitResultsTx } from '../src/workers.js';
import { World } from '../test/world.js';

/** Results of a call. */
const BATCH = 64;

/** Leases of a version that a worker can have at a time. */
const SLOTS = 256;

/** Requests that are made in a block. */
const TOGETHER = 64;

/** Picoseconds of a millisecond: the unit of a weight's time. */
const PICOSECONDS = 1e9;

/**
 * Fills blocks with `submit_results`, as many as fit by weight, and tells how long each took to be made: whatever a
 * block does, the runtime's limit is in the weight that it declares.
 */
export async function* blocks() {
	const world = await World.start();
	try {
		const { api, alice, charlie, worker } = world;
		const { images } = await testImages();
		const models = [await world.deployDigits({ lease: 400 }), await world.deployDigits({ lease: 401 })];
		await world.bondWorker(charlie, worker, models.map(({ version }) => version), { slots: SLOTS });
		const limit = api.consts.system.blockWeights.perClass.normal.maxTotal.unwrap().refTime.toNumber() / PICOSECONDS;

		const results = [];
		for (const { outPoint } of models) {
			for (let made = 0; made < SLOTS; made += TOGETHER) {
				const inputs = Array.from({ length: TOGETHER }, (_, i) => images[(made + i) % images.length]);
				const pending = [];
				for (const input of inputs) pending.push((await submit(api, requestTx(api, { outPoint, input, maxFee: UNIT }), alice)).included);
				await world.seal(2);
				for (const [i, { events }] of (await Promise.all(pending)).entries()) {
					const { request } = requested(findEvent(events, 'aimodel', 'Requested'));
					if ((await status(api, request)).lease?.worker !== charlie.address) throw new Error(`Request ${request} has no lease.`);
					results.push({ request, ...(await world.proveFor(request, charlie, inputs[i])) });
				}
			}
		}

		const calls = [];
		for (let from = 0; from < results.length; from += BATCH) {
			calls.push((await submit(api, submitResultsTx(api, results.slice(from, from + BATCH)), worker)).included);
		}
		let settled = 0;
		while (settled < results.length) {
			const from = world.node.lines.length;
			const hash = await world.seal();
			const [, took] = await world.node.line(/Prepared block for proposing at \d+ \((\d+) ms\)/, { from });
			const at = await api.at(hash);
			const events = await at.query.system.events();
			const count = events.filter(({ event }) => event.section === 'aimodel' && event.method === 'Settled').length;
			if (count === 0) throw new Error('No result fits into a block.');
			settled += count;
			const weight = (await at.query.system.blockWeight()).normal.refTime.toNumber() / PICOSECONDS;
			yield { case: 'a block of proven results', settled: count, took_ms: Number(took), declared_ms: weight, limit_ms: limit };
		}
		await Promise.all(calls);
	} finally {
		await world.stop();
	}
}
