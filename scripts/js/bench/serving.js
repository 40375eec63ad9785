/** Inferences over HTTP from a worker's node, driven by wrk, against MLServer on the same library. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { performance } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { blobHash } from '../src/blobs.js';
import { EXAMPLES } from '../src/digits.js';
import { Node, PROGRAMS, ROOT } from '../src/node.js';
import { output, packages, scratch } from './programs.js';

const SERVE = `${ROOT}/scripts/serve`;

/** Seconds of each measurement. */
const SECONDS = 10;

/** Seconds in which an authority makes ten blocks. */
const MINUTE = 60;

/** Cold and hot loads of which the median is taken. */
const LOADS = 15;

/** The models: files, inputs, and shapes of a row. */
const MODELS = {
	digits: { file: `${EXAMPLES}/digits/digits.onnx`, input: 'image', shape: '1,64' },
	mlp: { file: 'mlp.onnx', input: 'x', shape: '1,784' },
	cnn: { file: `${EXAMPLES}/digits-cnn/digits-cnn.onnx`, input: 'image', shape: '1,1,8,8' },
	lenet: { file: 'lenet.onnx', input: 'x', shape: '1,1,28,28' },
	convnet: { file: 'convnet.onnx', input: 'x', shape: '1,1,28,28' },
};

/** What is compared with the library called directly: names, and callers of 32 rows each. */
const DIRECT = { mlp: 'MLP 784-128-10', cnn: 'digits CNN', lenet: 'LeNet-5', convnet: 'CNN of 32 and 64 channels' };
const CALLERS = [1, 4];
const ROWS = 32;

const CASES = [
	{ case: 'digits MLP', model: 'digits', clients: 1 },
	{ case: 'MLP 784-128-10', model: 'mlp', clients: 1 },
	{ case: 'MLP 784-128-10', model: 'mlp', clients: 32 },
	{ case: 'MLP 784-128-10, JSON', model: 'mlp', clients: 32, form: 'json', peer: true },
	{ case: 'digits CNN', model: 'cnn', clients: 64 },
	{ case: 'digits CNN, no batches', model: 'cnn-single', clients: 64 },
];

/** The file of a model; what is not in the examples was written into the folder. */
const path = (folder, { file }) => (file.startsWith('/') ? file : `${folder}/${file}`);

const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

/** One run of wrk. */
async function wrk(url, { model, clients, rows = 1, form = 'binary', seconds = SECONDS, wait = 0 }) {
	const { input, shape: row } = MODELS[model.replace('-single', '')];
	const shape = row.replace(/^1,/, `${rows},`);
	const threads = String(Math.min(2, clients));
	const args = ['-t', threads, '-c', String(clients), '-d', `${seconds}s`, '--latency', '-s', `${SERVE}/infer.lua`, url];
	const text = await output('wrk', [...args, '--', model, input, shape, form, String(wait)]);
	return JSON.parse(text.trim().split('\n').at(-1));
}

/** A node that serves the models; unless it is said otherwise, without a block while it is measured. */
async function node(folder, sealing = 'manual') {
	const versions = async (file) => {
		const bytes = await readFile(file);
		return [{ version: '1.0.0', uri: `file://${file}`, hash: blobHash(bytes), bytes: bytes.length }];
	};
	const entries = Object.entries(MODELS).map(async ([name, model]) => ({ name, versions: await versions(path(folder, model)), options: { preload: true, max_batch: 64 } }));
	const single = { name: 'cnn-single', versions: await versions(path(folder, MODELS.cnn)), options: { preload: true, max_batch: 1 } };
	const list = `${folder}/models.json`;
	await writeFile(list, JSON.stringify([...(await Promise.all(entries)), single]));
	const args = ['--worker', '--sealing', sealing, '--gateway-port', '0', '--gateway-models', list, '--gateway-manage'];
	const started = await Node.start({ args });
	const [, url] = await started.line(/Open Inference Protocol at (http:\S+)/, {});
	return { node: started, url };
}

/** MLServer with the same model. */
async function mlserver(folder) {
	const home = `${folder}/mlserver`;
	await mkdir(`${home}/mlp`, { recursive: true });
	const port = 18_080;
	await writeFile(`${home}/settings.json`, JSON.stringify({ http_port: port, grpc_port: port + 1, metrics_port: port + 2, parallel_workers: 0, debug: false, host: '127.0.0.1' }));
	const settings = { name: 'mlp', implementation: 'mlserver_onnx.Onnx', parameters: { uri: `${folder}/mlp.onnx` } };
	await writeFile(`${home}/mlp/model-settings.json`, JSON.stringify(settings));
	const env = { ...process.env, PYTHONPATH: `${SERVE}:${await packages([`${SERVE}/mlserver.txt`])}` };
	const child = spawn('python3', ['-m', 'mlserver.cli.main', 'start', home], { env, stdio: ['ignore', 'ignore', 'pipe'] });
	let log = '';
	child.stderr.on('data', (data) => (log = (log + data).slice(-4_000)));
	const url = `http://127.0.0.1:${port}`;
	for (let tries = 0; tries < 300; tries++) {
		const answer = await fetch(`${url}/v2/models/mlp/ready`).catch(() => null);
		if (answer?.ok) return { child, url };
		if (child.exitCode !== null) break;
		await pause(100);
	}
	child.kill();
	throw new Error(`MLServer did not start:\n${log}`);
}

/** Milliseconds of one inference after the model was loaded anew, and of one when it is loaded. */
async function loads(url) {
	// fetch takes longer than the node does.
	const agent = new Agent({ keepAlive: true });
	const post = (path, body = '{}') =>
		new Promise((resolve, reject) => {
			const headers = { 'content-length': body.length };
			const sent = request(`${url}/v2/${path}`, { method: 'POST', agent, headers }, (answer) => {
				answer.resume();
				answer.on('end', () => (answer.statusCode === 200 ? resolve() : reject(new Error(`${path}: ${answer.statusCode}`))));
			});
			sent.on('error', reject);
			sent.end(body);
		});
	const row = JSON.stringify({ inputs: [{ name: 'x', shape: [1, 784], datatype: 'FP32', data: Array(784).fill(1) }] });
	const infer = () => post('models/mlp/infer', row);
	const timed = async (job) => {
		const start = performance.now();
		await job();
		return performance.now() - start;
	};
	const [cold, hot] = [[], []];
	for (let i = 0; i < LOADS; i++) {
		await post('repository/models/mlp/unload');
		cold.push(await timed(async () => {
			await post('repository/models/mlp/load');
			await infer();
		}));
		hot.push(await timed(infer));
	}
	agent.destroy();
	return { case: 'MLP 784-128-10, load and first answer', cold_ms: median(cold), hot_ms: median(hot) };
}

/** Batches over HTTP, and how much more time the same takes than by the library alone, on one thread. */
async function* overheads(url, folder) {
	const libraries = await readdir(`${ROOT}/.onnxruntime`);
	const library = `${ROOT}/.onnxruntime/${libraries.find((name) => name.startsWith('libonnxruntime'))}`;
	const env = { ONNXRUNTIME_LIB: process.env.ONNXRUNTIME_LIB ?? library };
	for (const [model, name] of Object.entries(DIRECT)) {
		const file = path(folder, MODELS[model]);
		const direct = JSON.parse(await output(`${PROGRAMS}/examples/serve_bench`, ['--direct', file], env));
		yield { case: `${name}, ${ROWS} rows, the library alone`, clients: 1, ...direct };
		for (const clients of CALLERS) {
			const measured = await wrk(url, { model, clients, rows: ROWS });
			yield { case: `${name}, ${ROWS} rows`, clients, ...measured, overhead: direct.rps / measured.rps - 1 };
		}
	}
}

/** How many blocks an authority makes and finalises while it serves as many requests as it can. */
async function* blocks(folder) {
	const { node: authority, url } = await node(folder, 'none');
	const ask = async (method, ...params) => {
		const body = JSON.stringify({ id: 1, jsonrpc: '2.0', method, params });
		const headers = { 'content-type': 'application/json' };
		const answer = await fetch(authority.url.replace('ws', 'http'), { method: 'POST', headers, body });
		return (await answer.json()).result;
	};
	const heights = async () => {
		const headers = [await ask('chain_getHeader'), await ask('chain_getHeader', await ask('chain_getFinalizedHead'))];
		return headers.map(({ number }) => Number(number));
	};
	try {
		const before = await heights();
		const measured = await wrk(url, { model: 'mlp', clients: 64, seconds: MINUTE });
		const [made, final] = (await heights()).map((height, at) => height - before[at]);
		yield { case: `MLP 784-128-10, beside consensus for ${MINUTE} s`, clients: 64, ...measured, blocks: made, final };
	} finally {
		await authority.stop();
	}
}

/** Bytes of memory that a process has. */
async function memory(pid) {
	return Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))[1]) * 1024;
}

/** All rows, as they are measured. With `long`, ten minutes at four fifths of the peak and an hour of mixed load too. */
export async function* serving({ peers = false, long = false }) {
	try {
		execFileSync('wrk', ['-v'], { stdio: 'ignore' });
	} catch (error) {
		if (error.code === 'ENOENT') throw new Error('wrk is missing: apt-get install wrk');
	}
	const folder = await scratch();
	try {
		await output(`${PROGRAMS}/examples/serve_bench`, ['--write', folder]);
		const { node: serving, url } = await node(folder);
		try {
			let peak = 0;
			for (const { peer, ...what } of CASES) {
				const measured = await wrk(url, what);
				if (what.model === 'mlp' && what.clients === 32 && !what.form) peak = measured.rps;
				yield { case: what.case, clients: what.clients, ...measured };
			}
			yield* overheads(url, folder);
			yield await loads(url);
			if (long) yield* endurance(url, peak, serving.child.pid);
		} finally {
			await serving.stop();
		}
		yield* blocks(folder);
		if (peers) {
			const { child, url: other } = await mlserver(folder);
			const peer = `MLServer ${/^mlserver==(\S+)/m.exec(await readFile(`${SERVE}/mlserver.txt`, 'utf8'))[1]}`;
			try {
				for (const what of CASES.filter((it) => it.peer)) {
					yield { case: what.case, clients: what.clients, ...(await wrk(other, what)), peer };
				}
			} finally {
				child.kill();
			}
		}
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}

/** Ten minutes at four fifths of the peak, and by how much an hour of mixed load makes the process grow. */
async function* endurance(url, peak, pid) {
	const load = { model: 'mlp', clients: 32 };
	// How long clients have to wait for that is found by halving.
	let [least, most] = [0, 2];
	for (let tries = 0; tries < 6; tries++) {
		const wait = (least + most) / 2;
		const { rps } = await wrk(url, { ...load, wait, seconds: 5 });
		[least, most] = rps > 0.8 * peak ? [wait, most] : [least, wait];
	}
	const steady = await wrk(url, { ...load, wait: least, seconds: 600 });
	yield { case: 'MLP 784-128-10, 10 minutes', clients: 32, ...steady, of_peak: steady.rps / peak };
	const before = await memory(pid);
	const halves = [];
	for (let half = 0; half < 2; half++) {
		await Promise.all(['digits', 'mlp', 'cnn'].map((model) => wrk(url, { model, clients: 8, seconds: 1_800, wait: 5 })));
		halves.push((await memory(pid)) - before);
	}
	yield { case: 'an hour of mixed load', grown_mb_half: halves[0] / 1e6, grown_mb: halves[1] / 1e6 };
}
