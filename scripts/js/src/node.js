/**
 * A node of one's own: started on free ports, followed by its log, stopped by its process.
 *
 * The demo and the end-to-end tests use it.
 */

import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The root of the checkout. */
export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** The folder of the built programs. */
export const PROGRAMS = `${process.env.CARGO_TARGET_DIR ?? `${homedir()}/.cache/aimodel/target`}/release`;

/** Lines of the log that are kept. */
const KEPT_LINES = 5_000;

/** Lines that every block has. */
const CHATTER = /Starting consensus session|Prepared block for proposing|💤 Idle/;

/** Milliseconds that a node may be silent: it compiles its runtime when it starts. */
const PATIENCE = 120_000;

/** A running node. */
export class Node {
	/** Where its RPC listens. */
	url;
	/** Where its metrics are, if it serves them. */
	metricsUrl;
	/** Its folder. */
	basePath;
	/** Its process. */
	child;
	/** Whether that has ended. */
	exited = false;
	/** Whether it was told to. */
	stopping = false;
	/** Resolves when it has ended. */
	ended;
	/** Its log, line by line. */
	lines = [];
	#ownFolder;
	#kill = () => this.child.kill('SIGKILL');
	/** Those who wait for a line. */
	#waiting = new Set();

	/**
	 * Starts a node and waits until its RPC answers.
	 *
	 * @param {object} [options]
	 * @param {string} [options.chain] `dev`, `local`, or the path of a specification
	 * @param {string[]} [options.args] besides what every such node has
	 * @param {string} [options.basePath] a folder that outlives the node; else a new one that does not
	 * @param {boolean} [options.metrics] whether to serve them
	 * @param {Record<string, string>} [options.env] variables of its environment, besides ours
	 * @param {string[]} [options.under] a program and its arguments that runs the node in its place, under the same process id
	 * @param {number} [options.timeout] in milliseconds
	 */
	static async start({ chain = 'dev', args = [], basePath, metrics = false, env = {}, under = [], timeout = PATIENCE } = {}) {
		const node = new Node();
		node.#ownFolder = basePath === undefined;
		node.basePath = basePath ?? (await mkdtemp(`${tmpdir()}/aimodel-`));
		const all = [...(chain === 'dev' ? ['--dev'] : ['--chain', chain]), '--base-path', node.basePath, '--rpc-port', '0', '--port', '0'];
		all.push(...(metrics ? ['--prometheus-port', '0'] : ['--no-prometheus']), '--no-telemetry', ...args);
		const [program, ...rest] = [...under, `${PROGRAMS}/aimodel-node`, ...all];
		node.child = spawn(program, rest, { cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
		node.#follow();
		// What is started here ends with us, even where nobody stops it.
		process.once('exit', node.#kill);
		try {
			const started = await node.line(/Running JSON-RPC server: addr=\S*?127\.0\.0\.1:(\d+)/, { timeout });
			node.url = `ws://127.0.0.1:${started[1]}`;
			if (metrics) {
				const exporter = await node.line(/Prometheus exporter started at \S+:(\d+)/, { timeout });
				node.metricsUrl = `http://127.0.0.1:${exporter[1]}/metrics`;
			}
		} catch (error) {
			await node.stop();
			throw error;
		}
		return node;
	}

	/** The end of the log, without what every block says. */
	tail(count = 40) {
		return this.lines.filter((line) => !CHATTER.test(line)).slice(-count).join('\n');
	}

	/**
	 * Waits for a line of the log, among those that were and those that come.
	 *
	 * @param {RegExp} pattern
	 * @param {{from?: number, timeout?: number}} [options] `from`: lines before it do not count
	 * @returns {Promise<RegExpExecArray>}
	 */
	line(pattern, { from = 0, timeout = PATIENCE } = {}) {
		for (const line of this.lines.slice(from)) {
			const match = pattern.exec(line);
			if (match) return Promise.resolve(match);
		}
		if (this.exited) return Promise.reject(this.#failure(pattern, 'ended'));
		return new Promise((resolve, reject) => {
			const waiter = { pattern, resolve: (match) => (done(), resolve(match)), reject: (why) => (done(), reject(why)) };
			const timer = setTimeout(() => waiter.reject(this.#failure(pattern, `was silent for ${timeout / 1000} s`)), timeout);
			const done = () => (clearTimeout(timer), this.#waiting.delete(waiter));
			this.#waiting.add(waiter);
		});
	}

	/** What its metrics say: each series and its value. */
	async metrics() {
		const text = await (await fetch(this.metricsUrl)).text();
		const series = text.split('\n').filter((line) => line && !line.startsWith('#'));
		const parsed = series.map((line) => {
			const end = line.lastIndexOf(' ');
			// The node adds the chain to every series.
			const name = line.slice(0, end).replace(/,chain="[^"]*"|chain="[^"]*",?/, '').replace('{}', '');
			return [name, Number(line.slice(end + 1))];
		});
		return new Map(parsed);
	}

	/** Waits until its metrics say so of a series. */
	async told(series, value) {
		let found;
		for (let tries = 0; tries < 200; tries++) {
			found = (await this.metrics()).get(series);
			if (found === value) return;
			await pause(50);
		}
		throw new Error(`${series} is ${found}, and never was ${value}`);
	}

	/** Stops the node and removes its folder. `signal` as of kill(1); a folder that was given stays. */
	async stop(signal = 'SIGTERM') {
		process.off('exit', this.#kill);
		this.stopping = true;
		if (!this.exited) {
			this.child.kill(signal);
			const impatient = setTimeout(this.#kill, 10_000);
			await this.ended;
			clearTimeout(impatient);
		}
		if (this.#ownFolder) await rm(this.basePath, { recursive: true, force: true });
	}

	#follow() {
		let rest = '';
		const take = (chunk) => {
			const lines = (rest + chunk).split('\n');
			rest = lines.pop();
			for (const line of lines) this.#take(line);
		};
		for (const stream of [this.child.stdout, this.child.stderr]) stream.setEncoding('utf8').on('data', take);
		this.ended = new Promise((resolve) => {
			const end = (how) => (this.#end(how), resolve());
			this.child.once('error', (error) => end(`can not be started: ${error.message}`));
			this.child.once('exit', (code, signal) => end(`ended with ${signal ?? code}`));
		});
	}

	#take(line) {
		this.lines.push(line);
		if (this.lines.length > KEPT_LINES * 2) this.lines.splice(0, KEPT_LINES);
		for (const { pattern, resolve } of [...this.#waiting]) {
			const match = pattern.exec(line);
			if (match) resolve(match);
		}
	}

	#end(how) {
		this.exited = true;
		for (const { pattern, reject } of [...this.#waiting]) reject(this.#failure(pattern, how));
	}

	#failure(pattern, how) {
		return new Error(`The node ${how}; awaited was ${pattern}. The end of its log:\n${this.tail()}`);
	}
}
