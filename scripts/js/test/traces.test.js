/** Traces of requests and of calls at the gateway, as a collector of OpenTelemetry gets them. */

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, test } from 'node:test';
import { bnToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';
import { testImages } from '../src/digits.js';
import { settlement, status } from '../src/requests.js';
import { Node, PROGRAMS } from '../src/node.js';
import { World } from './world.js';

/** A collector that speaks OTLP by gRPC. */
class Collector {
	/** What it got. */
	spans = [];
	#waiting = new Set();

	static async start() {
		const collector = new Collector();
		collector.child = spawn(`${PROGRAMS}/examples/otlp_collector`, { stdio: ['ignore', 'pipe', 'inherit'] });
		const lines = createInterface({ input: collector.child.stdout });
		[collector.url] = await once(lines, 'line');
		lines.on('line', (line) => {
			collector.spans.push(JSON.parse(line));
			for (const look of collector.#waiting) look();
		});
		return collector;
	}

	/** Waits until the spans of a trace are as they should be. */
	trace(id, whole, { timeout = 60_000 } = {}) {
		return new Promise((resolve, reject) => {
			const look = () => {
				const found = this.spans.filter(({ trace }) => trace === id);
				if (!whole(found)) return;
				done();
				resolve(found);
			};
			const names = () => this.spans.map(({ trace, name }) => `${trace} ${name}`).join('\n');
			const timer = setTimeout(() => (done(), reject(new Error(`Only these came:\n${names()}`))), timeout);
			const done = () => (clearTimeout(timer), this.#waiting.delete(look));
			this.#waiting.add(look);
			look();
		});
	}

	async stop() {
		if (this.child.exitCode !== null || this.child.signalCode !== null) return;
		const ended = once(this.child, 'exit');
		this.child.kill();
		await ended;
	}
}

const collector = await Collector.start();
after(() => collector.stop());
const args = ['--gateway-port', '0', '--otlp-endpoint', collector.url];
const world = await World.forTests({ worker: true, metrics: true, args });
const { api, alice, charlie } = world;
const { images } = await testImages();
const { outPoint, model, version } = await world.deployDigits();
await world.bondWorker(charlie, world.worker, [version]);

const named = (spans, wanted) => spans.filter(({ name }) => name === wanted);
const names = (spans) => spans.map(({ name }) => name).sort();
const has = (...wanted) => (spans) => wanted.every((name) => named(spans, name).length > 0);

/** The trace that a request of the chain has on all nodes, and its root. */
function ids(request) {
	const hash = u8aToHex(
		blake2AsU8a(u8aConcat(stringToU8a('aimodel/trace/request'), world.genesis, bnToU8a(request, { bitLength: 64, isLe: true })), 256),
	).slice(2);
	return { trace: hash.slice(0, 32), root: hash.slice(32, 48) };
}

world.test('a request of the chain is one tree, from the extrinsic to the settlement', async () => {
	const order = await world.order(alice, { outPoint, input: images[0] });
	const end = await world.sealing(settlement(api, order.request));
	assert.equal(end.status, 'Settled');
	await world.node.told('aimodel_revenue_total{source="requests"}', Number(end.payout.worker));
	await world.node.told('aimodel_job_submit_seconds_count', 1);
	const { trace, root } = ids(order.request);
	const spans = await collector.trace(trace, has('request', 'job'));
	assert.deepEqual(names(spans), ['draw', 'include', 'infer', 'job', 'lease', 'load', 'load', 'prove', 'queue', 'request', 'settle', 'submit']);

	const [whole] = named(spans, 'request');
	const [lease] = named(spans, 'lease');
	const [job] = named(spans, 'job');
	assert.deepEqual([whole.span, whole.parent], [root, '']);
	const parents = { include: root, draw: root, lease: root, settle: root, submit: lease.span, job: lease.span };
	for (const { name, parent } of spans) {
		if (name !== 'request') assert.equal(parent, parents[name] ?? job.span, name);
	}
	const time = (name, edge) => BigInt(named(spans, name)[0][edge]);
	// The chain and the job are seen by two threads, each in order.
	const ordered = (...moments) => {
		for (let at = 1; at < moments.length; at++) {
			assert.ok(time(...moments[at - 1]) <= time(...moments[at]), `${moments[at - 1]} before ${moments[at]}`);
		}
	};
	ordered(['request', 'start'], ['include', 'start'], ['include', 'end'], ['draw', 'start'], ['draw', 'end'], ['lease', 'start']);
	ordered(['lease', 'start'], ['submit', 'end'], ['lease', 'end'], ['settle', 'start'], ['request', 'end']);
	ordered(['job', 'start'], ['queue', 'start'], ['queue', 'end'], ['infer', 'start'], ['infer', 'end'], ['prove', 'start'], ['prove', 'end'], ['job', 'end']);
	ordered(['lease', 'start'], ['job', 'end'], ['submit', 'end']);
	for (const span of spans) {
		assert.equal(span.attributes['aimodel.request.id'], Number(order.request), span.name);
		assert.equal(span.resource['service.name'], 'aimodel-node');
	}

	const [include] = named(spans, 'include');
	const { block } = await api.rpc.chain.getBlock(order.blockHash);
	assert.equal(include.attributes['aimodel.block.hash'], order.blockHash);
	assert.equal(include.attributes['aimodel.block.number'], order.blockNumber);
	assert.equal(include.attributes['aimodel.extrinsic.hash'], block.extrinsics[order.index].hash.toHex());
	assert.equal(whole.attributes['aimodel.model'], model);
	assert.equal(whole.attributes['aimodel.customer'], alice.address);
	assert.equal(whole.attributes['aimodel.outcome'], 'settled');
	assert.equal(whole.status, 'STATUS_CODE_OK');
	assert.equal(lease.attributes['aimodel.worker'], charlie.address);
	assert.equal(job.attributes['aimodel.proven'], true);
	const [settle] = named(spans, 'settle');
	assert.equal(BigInt(settle.attributes['aimodel.price']), end.price);
	const submitted = (await api.rpc.chain.getBlock(settle.attributes['aimodel.block.hash'])).block;
	const [submit] = named(spans, 'submit');
	const found = submitted.extrinsics.find(({ hash }) => hash.toHex() === submit.attributes['aimodel.extrinsic.hash']);
	assert.equal(found.method.method, 'submitResult');
});

world.test('the log tells the story of a request by its id', async () => {
	const order = await world.order(alice, { outPoint, input: images[1] });
	await world.sealing(settlement(api, order.request));
	for (const what of ['queued', 'ready', 'signed and sent']) await world.node.line(new RegExp(`request=${order.request}: ${what}`));
});

const gatewayUrl = async () => (await world.node.line(/Open Inference Protocol at (http:\S+)/, {}))[1];

/** Calls the gateway from within a trace. */
async function call(trace, flags, id, at) {
	const body = { id, inputs: [{ name: 'image', datatype: 'UINT8', shape: [1, 64], data: Array.from(images[at]) }] };
	const headers = { traceparent: `00-${trace}-00f067aa0ba902b7-${flags}`, tracestate: 'peer=1' };
	return fetch(`${await gatewayUrl()}/v2/models/${model}/infer`, { method: 'POST', body: JSON.stringify(body), headers });
}

world.test('a call at the gateway goes on with the trace of its caller, if that is recorded', async () => {
	const [unrecorded, recorded] = ['a'.repeat(32), 'b'.repeat(32)];
	for (let tries = 0; (await call(unrecorded, '00', 'x', 10)).status === 404 && tries < 100; tries++) await world.seal();
	assert.equal((await call(recorded, '01', 'my-id', 11)).status, 200);
	const spans = await collector.trace(recorded, (found) => found.length >= 3);
	assert.deepEqual(names(spans), ['POST /v2/models/{model}/infer', 'infer', 'queue']);
	const [served] = named(spans, 'POST /v2/models/{model}/infer');
	assert.deepEqual([served.parent, served.state, served.kind], ['00f067aa0ba902b7', 'peer=1', 'SPAN_KIND_SERVER']);
	const { attributes } = served;
	assert.deepEqual(
		['aimodel.model', 'aimodel.version', 'aimodel.gateway.id', 'aimodel.rows', 'http.response.status_code'].map((name) => attributes[name]),
		[model, '0.0.0', 'my-id', 1, 200],
	);
	for (const name of ['queue', 'infer']) assert.equal(named(spans, name)[0].parent, served.span);
	assert.equal(named(spans, 'infer')[0].attributes['aimodel.batch'], 1);
	// It was asked before, and what is told comes in order.
	assert.ok(!collector.spans.some(({ trace }) => trace === unrecorded));
});

world.test('a collector that is gone keeps nobody waiting', async () => {
	await collector.stop();
	const from = world.node.lines.length;
	for (const at of [2, 3]) {
		const order = await world.order(alice, { outPoint, input: images[at] });
		await world.sealing(settlement(api, order.request));
		assert.equal((await status(api, order.request)).status, 'Settled');
	}
	assert.equal((await call('c'.repeat(32), '01', 'y', 12)).status, 200);
	await world.node.line(/traces do not reach/, { from });
	assert.equal(world.node.lines.filter((line) => line.includes('traces do not reach')).length, 1);
	const exported = (await world.node.metrics()).get('aimodel_trace_spans_total{outcome="exported"}');
	assert.ok(exported >= 15, 'what came before');
});

test('no traces are made unless they are asked for', async () => {
	const node = await Node.start({ metrics: true, args: ['--sealing', 'manual'] });
	try {
		assert.ok(![...(await node.metrics()).keys()].some((name) => name.startsWith('aimodel_trace')));
		assert.ok(!node.lines.some((line) => line.includes('Traces go to')));
	} finally {
		await node.stop();
	}
});
