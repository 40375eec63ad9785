/**
 * The dashboard and the alerts in `monitoring/`: that Prometheus reads them, that alerts are raised when they should
 * be, and that a node tells every figure that they ask for.
 */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { blobHash } from '../src/blobs.js';
import { EXAMPLES } from '../src/digits.js';
import { Node, ROOT } from '../src/node.js';
import { inFolder } from '../src/zkonnx.js';

const run = promisify(execFile);
const promtool = (...args) => run('promtool', args, { cwd: `${ROOT}/monitoring` });

/** The expressions of all panels, with what Grafana puts in filled in. */
async function dashboard() {
	const { panels } = JSON.parse(await readFile(`${ROOT}/monitoring/dashboard.json`, 'utf8'));
	const fill = (text) => text.replaceAll('$__rate_interval', '5m').replaceAll(/\$(instance|model)/g, '.*');
	return panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => fill(expr)));
}

test('alerts are raised when they should be', async () => {
	await promtool('check', 'rules', 'alerts.yml');
	await promtool('test', 'rules', 'alerts.test.yml');
});

test('every panel asks what Prometheus understands', () =>
	inFolder(async (folder) => {
		const rules = (await dashboard()).map((expr, at) => ({ record: `panel:${at}`, expr }));
		const file = `${folder}/panels.yml`;
		// JSON is YAML.
		await writeFile(file, JSON.stringify({ groups: [{ name: 'panels', rules }] }));
		const { stdout } = await promtool('check', 'rules', file);
		assert.match(stdout, new RegExp(`${rules.length} rules found`));
	}));

test('a node tells every figure that dashboard and alerts ask for', async () => {
	const file = `${EXAMPLES}/digits/digits.provable.onnx`;
	await inFolder(async (folder) => {
		const models = `${folder}/models.json`;
		const bytes = await readFile(file);
		const version = { version: '1.0.0', uri: `file://${file}`, hash: blobHash(bytes), bytes: bytes.length };
		await writeFile(models, JSON.stringify([{ name: 'digits', versions: [version], options: { preload: true } }]));
		const args = ['--worker', '--sealing', 'manual', '--gateway-port', '0', '--gateway', 'subscribers', '--gateway-models', models];
		// Nobody listens there: the figures are told all the same.
		args.push('--otlp-endpoint', 'http://127.0.0.1:9');
		const node = await Node.start({ metrics: true, args });
		try {
			const [, gateway] = await node.line(/Open Inference Protocol at (http:\S+)/, {});
			const answer = await fetch(`${gateway}/v2/models/digits/infer`, { method: 'POST', body: '{}' });
			assert.equal(answer.status, 503, 'no account has registered the operator key');
			const told = await (await fetch(node.metricsUrl)).text();
			const alerts = await readFile(`${ROOT}/monitoring/alerts.yml`, 'utf8');
			const asked = [...(await dashboard()), alerts].join('\n').match(/\b(aimodel|substrate|process)_[a-z_]+/g);
			const missing = [...new Set(asked)].filter((name) => !new RegExp(`^${name}(_bucket)?[{ ]`, 'm').test(told));
			assert.deepEqual(missing, []);
		} finally {
			await node.stop();
		}
	});
});
