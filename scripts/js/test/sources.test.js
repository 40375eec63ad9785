/**
 * Models of the gateway from an object store that answers signed requests alone (AWS Signature Version 4).
 *
 * The store is this test's own. It signs what it received once more, by another implementation than the node's, and
 * compares.
 */

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { after, test } from 'node:test';
import aws4 from 'aws4';
import { blobHash } from '../src/blobs.js';
import { argmax, EXAMPLES, example, testImages } from '../src/digits.js';
import { Node } from '../src/node.js';

// --- The store --------------------------------------------------------------------------------

const REGION = 'eu-test-1';
/** Milliseconds that S3 lets clocks differ. */
const QUARTER = 900_000;
const keys = { accessKeyId: 'AKIATESTMODELS', secretAccessKey: 'kept/by+the/operator', sessionToken: 'tempo/rary+token==' };

/** What the store knows of the node's keys, and how far its clock is ahead. */
const known = { ...keys, ahead: 0 };
/** Objects by their paths, and those of which half is sent, once. */
const objects = new Map();
const broken = new Set();
/** What was asked for: path, headers, and the code of the refusal. */
const asked = [];

/** Why a request is refused, as S3 tells it: status, code, message, and what it repeats of the request. */
function refusal({ method, url, headers }) {
	const [, id, names] = /^AWS4-HMAC-SHA256 Credential=(.+?)\/.+?, SignedHeaders=(.+?), /.exec(headers.authorization) ?? [];
	if (!id) return [403, 'AccessDenied', 'Access Denied'];
	if (id !== known.accessKeyId) return [403, 'InvalidAccessKeyId', 'The key does not exist.', { AWSAccessKeyId: id }];
	const signed = names.split(';');
	const wanted = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
	if (!wanted.every((name) => signed.includes(name))) return [403, 'AccessDenied', `Signed are only ${signed}.`];
	const date = headers['x-amz-date'].replace(/(....)(..)(..T..)(..)/, '$1-$2-$3:$4:');
	if (!(Math.abs(Date.now() + known.ahead - Date.parse(date)) < QUARTER)) return [403, 'RequestTimeTooSkewed', 'The difference is too large.'];
	const given = Object.fromEntries(signed.map((name) => [name, headers[name]]));
	// Of itself it leaves out a range, which may be signed or not.
	const request = { method, path: url, headers: given, extraHeadersToInclude: given, doNotModifyHeaders: true };
	const signer = new aws4.RequestSigner({ ...request, service: 's3', region: REGION }, known);
	if (signer.sign().headers.Authorization !== headers.authorization) {
		const told = { AWSAccessKeyId: id, StringToSign: signer.stringToSign(), CanonicalRequest: signer.canonicalString() };
		return [403, 'SignatureDoesNotMatch', 'The signature we calculated does not match the signature you provided.', told];
	}
	const token = headers['x-amz-security-token'];
	if (token !== known.sessionToken) return [400, 'InvalidToken', 'The token is malformed or otherwise invalid.', { 'Token-0': token }];
	if (!objects.has(decodeURIComponent(url))) return [404, 'NoSuchKey', 'The specified key does not exist.'];
}

const store = createServer((request, response) => {
	const [status, Code, Message, told] = refusal(request) ?? [];
	const [path, { range }] = [decodeURIComponent(request.url), request.headers];
	asked.push({ path, headers: request.headers, code: Code });
	if (status) {
		const tags = Object.entries({ Code, Message, ...told }).map(([name, text]) => `<${name}>${text}</${name}>`);
		return void response.writeHead(status).end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error>${tags.join('')}</Error>`);
	}
	const object = objects.get(path);
	const from = /^bytes=(\d+)-$/.exec(range)?.[1];
	const rest = object.subarray(from ?? 0);
	const headers = { etag: `"${blobHash(object)}"`, 'last-modified': new Date(0).toUTCString(), 'content-length': rest.length };
	if (from) headers['content-range'] = `bytes ${from}-${object.length - 1}/${object.length}`;
	response.writeHead(from ? 206 : 200, headers);
	if (!broken.delete(path)) return void response.end(rest);
	response.write(rest.subarray(0, rest.length / 2), () => request.socket.end());
}).listen(0, '127.0.0.1');
await once(store, 'listening');
const endpoint = `http://127.0.0.1:${store.address().port}`;

// --- The gateway ------------------------------------------------------------------------------

const digits = await example('digits/digits.onnx');
const { images, labels } = await testImages();
/** The same network in another file: with a `doc_string`, the field 6 of an ONNX model. */
const described = (text) => Buffer.concat([digits, Buffer.from([0x32, text.length]), Buffer.from(text)]);
const entry = (name, uri, bytes) => ({ name, versions: [{ version: '1.0.0', uri, hash: blobHash(bytes), bytes: bytes.length }] });

const stored = { plain: '2026/digits.onnx', odd: "a b+c&d=é (1)!'*~@:;[x].onnx", broken: 'broken.onnx', guarded: 'guarded.onnx', changed: 'changed.onnx' };
const list = [entry('local', `file://${EXAMPLES}/digits/digits.onnx`, digits), entry('missing', 's3://models/missing.onnx', described('missing'))];
for (const [name, key] of Object.entries(stored)) {
	const bytes = described(name);
	list.push(entry(name, `s3://models/${key.split('/').map(encodeURIComponent).join('/')}`, bytes));
	objects.set(`/models/${key}`, name === 'changed' ? bytes.map((byte, at) => (at === 1000 ? byte ^ 1 : byte)) : bytes);
}
broken.add('/models/broken.onnx');

const folder = await mkdtemp(`${tmpdir()}/aimodel-`);
await writeFile(`${folder}/models.json`, JSON.stringify(list));
const node = await Node.start({
	args: ['--worker', '--sealing', 'manual', '--gateway-port', '0', '--gateway-models', `${folder}/models.json`, '--gateway-manage'],
	env: {
		...{ AWS_ACCESS_KEY_ID: keys.accessKeyId, AWS_SECRET_ACCESS_KEY: keys.secretAccessKey, AWS_SESSION_TOKEN: keys.sessionToken },
		...{ AWS_REGION: REGION, AWS_ENDPOINT: endpoint, AWS_ALLOW_HTTP: 'true' },
	},
});
after(async () => {
	await node.stop();
	store.close();
	store.closeAllConnections();
	await rm(folder, { recursive: true });
});
const [, url] = await node.line(/Open Inference Protocol at (http:\S+)/);

/** All that the gateway has answered. */
const answered = [];
async function post(path, body) {
	const answer = await fetch(`${url}/v2/${path}`, { method: 'POST', body });
	const text = await answer.text();
	answered.push(text);
	return { status: answer.status, ...(text && JSON.parse(text)) };
}

const load = (name) => post(`repository/models/${name}/load`);
const input = { name: 'image', datatype: 'FP32', shape: [1, 64], data: Array.from(images[0]) };
const infer = (name) => post(`models/${name}/infer`, JSON.stringify({ inputs: [input] }));

/** A model answers rightly. */
async function answers(name) {
	const { status, error, outputs } = await infer(name);
	assert.equal(status, 200, error);
	assert.equal(argmax(outputs[0].data), labels[0]);
}

/** What was asked of the store for a model. */
const requests = (name) => asked.filter(({ path }) => path === `/models/${stored[name]}`);

// --- What is shown ----------------------------------------------------------------------------

test('a model comes from a store that answers signed requests alone, whatever its key', async () => {
	for (const name of ['plain', 'odd']) {
		await answers(name);
		assert.deepEqual(requests(name).map(({ code }) => code), [undefined]);
	}
	// The store does look: without a signature, and with that of another request.
	const { host, connection, ...headers } = requests('plain')[0].headers;
	for (const [given, code] of [[{}, 'AccessDenied'], [headers, 'SignatureDoesNotMatch']]) {
		const refused = await fetch(`${endpoint}/models/guarded.onnx`, { headers: given });
		assert.equal(refused.status, 403);
		assert.match(await refused.text(), new RegExp(`<Code>${code}`));
	}
});

test('a download that breaks off goes on where it was, by a request that is signed as well', async () => {
	await answers('broken');
	const half = Math.floor(described('broken').length / 2);
	assert.deepEqual(requests('broken').map(({ code, headers }) => [code, headers.range]), [[undefined, undefined], [undefined, `bytes=${half}-`]]);
	assert.match(requests('broken')[1].headers.authorization, /SignedHeaders=[^,]*\brange\b/);
});

test('where the store refuses, it is said why, and others are served; once it takes the keys, this one is too', async () => {
	for (const [change, status, code] of [
		[{ secretAccessKey: 'another' }, '403 Forbidden', 'SignatureDoesNotMatch'],
		[{ accessKeyId: 'AKIAANOTHER' }, '403 Forbidden', 'InvalidAccessKeyId'],
		[{ sessionToken: 'newer' }, '400 Bad Request', 'InvalidToken'],
		[{ ahead: 2 * QUARTER }, '403 Forbidden', 'RequestTimeTooSkewed'],
	]) {
		const from = node.lines.length;
		Object.assign(known, change);
		const refused = await load('guarded');
		Object.assign(known, keys, { ahead: 0 });
		assert.equal(refused.status, 503, code);
		assert.match(refused.error, new RegExp(`${status}[^]*${code}`));
		await node.line(new RegExp(`model guarded .*can not be loaded: .*${status}`), { from });
		await node.line(new RegExp(code), { from });
		await answers('local');
	}
	assert.equal((await load('guarded')).status, 200);
	await answers('guarded');
});

test('what is not there, and what has other bytes than the list says, is refused', async () => {
	for (const [name, reason] of [['missing', /404 Not Found[^]*NoSuchKey/], ['changed', /has the hash 0x\w{64}; the entry says 0x\w{64}/]]) {
		const refused = await infer(name);
		assert.equal(refused.status, 503);
		assert.match(refused.error, reason);
	}
});

test('neither the log nor an answer tells the keys', () => {
	const told = [...answered, ...node.lines].join('\n');
	assert.match(told, /SignatureDoesNotMatch/);
	for (const key of Object.values(keys)) assert.ok(!told.includes(key), key);
});
