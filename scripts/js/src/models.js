/**
 * Models: verifying keys, versions, prices, splits.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 *
 * @typedef {object} Tensor
 * @property {'U8' | 'I8' | 'I32' | 'I64' | 'F32'} element
 * @property {object[]} shape
 *
 * @typedef {object} Version
 * @property {string} artifact `blake2_256` of the model file
 * @property {{input: Tensor, output: Tensor}} interface
 * @property {{fixed: number, perInputElement: number, perOutputElement: number}} units
 * @property {number} lease blocks that a worker has for one answer
 * @property {{key: string, provingKey: string, privacy?: {input: string, output: string}, parameters?: string | null} | null} circuit
 *   `parameters` is the commitment to them, where they are private
 *   what proves its answers, if anything, and whether input and output are `Public` or `Committed`
 */

import { u8aConcat, u8aToHex, stringToU8a } from '@polkadot/util';
import { blake2AsHex } from '@polkadot/util-crypto';
import { ChainError } from './errors.js';
import { MOST } from './money.js';
import { findEvent, send } from './send.js';

// --- What a version is made of ----------------------------------------------------------------

/** The first dimension of a batch of 1 to `max` rows. */
export const batch = (max) => ({ Batch: { max } });

/** A dimension of an output that is known only when the model has run: from 1 to `max`. */
export const dynamic = (max) => ({ Dynamic: { max } });

/**
 * A tensor type: numbers are fixed dimensions.
 *
 * @param {Tensor['element']} element
 * @param {(number | object)[]} shape
 * @returns {Tensor}
 */
export function tensor(element, shape) {
	return { element, shape: shape.map((d) => (typeof d === 'number' ? { Fixed: d } : d)) };
}

/** One, in the parts that shares and factors are given in. */
export const WHOLE = 1_000_000;

/**
 * What a request costs: `perCall + perUnit · units`, at least `minimum`, and what moves that. Shares and
 * factors are in millionths.
 *
 * @param {object} what
 * @param {bigint} what.perCall
 * @param {bigint} [what.perUnit]
 * @param {bigint} [what.minimum] before any factor
 * @param {bigint} [what.min] after every factor
 * @param {bigint} [what.max] after every factor
 * @param {{target: bigint, step: number, floor: number, cap: number} | null} [what.demand] the fees of a
 *   window that leave the price as it is, and by how much others move it
 * @param {number} [what.qualityCap]
 * @param {{from: number, discount: number}[]} [what.volume] by the customer's calls in the period
 * @param {{from: number, until: number, factor: number}[]} [what.timeOfDay] by the second of the UTC day
 * @param {{from: number, discount: number}[]} [what.batch] by the rows of the request
 */
export function tariff({ perCall, perUnit = 0n, minimum = 0n, min = 0n, max = MOST, demand = null, qualityCap = 0, volume = [], timeOfDay = [], batch = [] }) {
	return { perCall, perUnit, minimum, bounds: { min, max }, demand, qualityCap, volume, timeOfDay, batch };
}

/**
 * How what remains after the platform's share is divided; all shares, in millionths, sum to 1.
 *
 * @param {number} worker
 * @param {[string, number][]} beneficiaries address, or id of another model whose owner's side is paid, and share
 */
export function split(worker, beneficiaries = []) {
	const payee = (who) => (/^0x[0-9a-f]{64}$/i.test(who) ? { Model: who } : { Account: who });
	return { worker, beneficiaries: beneficiaries.map(([who, share]) => [payee(who), share]) };
}

// --- Verifying keys ---------------------------------------------------------------------------

const KEY_ELEMENTS = ['U8', 'I8', 'U16', 'I16', 'U32', 'I32', 'U64', 'I64'];

const VISIBILITIES = ['Public', 'Committed'];

const PARAMETERS = ['fixed', 'private'];

/** Bytes of alpha, beta, gamma and delta, which stand before the count of the other points. */
const KEY_HEAD = 96 + 3 * 192;

/**
 * Reads a `.vk` file of `zkonnx setup`: see `zk-circuits/src/keys.rs`. The chain checks the points.
 *
 * @param {Uint8Array} file
 */
export function readVerifyingKey(file) {
	const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
	let at = 0;
	const take = (length) => {
		if (at + length > file.length) throw new RangeError('The verifying key file is truncated.');
		at += length;
		return file.slice(at - length, at);
	};
	const u16 = () => (take(2), view.getUint16(at - 2, true));
	const readTensor = () => {
		const [code, rank] = take(2);
		const shape = Array.from({ length: rank }, () => (take(4), view.getUint32(at - 4, true)));
		return tensor(KEY_ELEMENTS[code], shape);
	};

	if (new TextDecoder().decode(take(8)) !== 'zkonnxVK') throw new TypeError('The file is no verifying key of zkonnx.');
	const format = u16();
	if (format !== 4) throw new TypeError(`The verifying key file has format ${format}; 4 is known.`);
	const statementVersion = u16();
	const [input, output] = [...take(2)].map((code) => VISIBILITIES[code]);
	if (!input || !output) throw new TypeError('The verifying key hides what is unknown.');
	const privacy = { input, output };
	const parameters = PARAMETERS[take(1)[0]];
	if (!parameters) throw new TypeError('The verifying key is for parameters of an unknown kind.');
	// 0 is `insecure-dev`; 1 is a ceremony, named by the hash of its transcript.
	const origin = take(1)[0];
	if (origin > 1) throw new TypeError(`The verifying key has the unknown origin ${origin}.`);
	const ceremony = origin === 1 ? u8aToHex(take(32)) : null;
	// A key for private parameters is for every model of its architecture.
	const hash = u8aToHex(take(32));
	const artifact = parameters === 'private' ? null : hash;
	const circuitDigest = u8aToHex(take(32));
	const tensors = { input: readTensor(), output: readTensor() };
	take(8 + 32);
	const payload = take(file.length - at);
	// The chain wants the points alone; the file counts those of the public inputs.
	const points = u8aConcat(payload.subarray(0, KEY_HEAD), payload.subarray(KEY_HEAD + 8));
	return { artifact, circuitDigest, statementVersion, privacy, parameters, origin, ceremony, ...tensors, points };
}

/**
 * The name of a verifying key. It commits to who registered it.
 *
 * @param {Api} api
 * @param {string | Uint8Array} registrant
 * @param {ReturnType<typeof readVerifyingKey>} key
 */
export function keyId(api, registrant, { artifact, circuitDigest, statementVersion, points }) {
	const version = Uint8Array.of(statementVersion & 0xff, statementVersion >> 8);
	const who = api.createType('AccountId', registrant).toU8a();
	const hashes = [api.createType('Option<H256>', artifact), api.createType('H256', circuitDigest)].map((hash) => hash.toU8a());
	return blake2AsHex(u8aConcat(stringToU8a('aimodel/key'), who, ...hashes, version, points), 256);
}

/**
 * Registers a verifying key and returns its name. One that is registered already stays as it is.
 *
 * @param {Api} api
 * @param {Account} registrant
 * @param {ReturnType<typeof readVerifyingKey>} key
 * @returns {Promise<string>}
 */
export async function registerKey(api, registrant, key) {
	const id = keyId(api, registrant.address, key);
	if ((await api.query.zkVerifier.keys(id)).isSome) return id;
	await send(api, registerKeyTx(api, key), registrant);
	return id;
}

/** The transaction of {@link registerKey}. */
export function registerKeyTx(api, { artifact, circuitDigest, statementVersion, points }) {
	return api.tx.zkVerifier.registerKey(artifact, circuitDigest, statementVersion, u8aToHex(points));
}

// --- Models -----------------------------------------------------------------------------------

/**
 * Deploys a model.
 *
 * @param {Api} api
 * @param {Account} owner
 * @param {{version: Version, tariff: ReturnType<typeof tariff>, split: object}} what
 */
export async function deploy(api, owner, { version, tariff: price, split: shares }) {
	const { events, ...place } = await send(api, api.tx.aimodel.deploy(version, price, shares), owner);
	const { model, outPoint, version: id } = findEvent(events, 'aimodel', 'Deployed').data;
	return { ...place, model: model.toHex(), outPoint: outPoint.toHex(), version: versionId(id) };
}

/**
 * Changes a model: `upgrade`, `reprice`, `resplit`, `transfer`, `acceptTransfer` or `retire`. Names
 * the output that the change consumes, so that nobody overwrites what he has not seen. Of a locked model,
 * it is done when as many members as it takes have sent the same.
 *
 * @param {Api} api
 * @param {Account} signer
 * @param {string} call
 * @param {string} outPoint
 * @param {...unknown} args
 * @returns {Promise<string>} the live output's name then: the successor's, or the same where approvals are missing
 */
export async function change(api, signer, call, outPoint, ...args) {
	const { events } = await send(api, api.tx.aimodel[call](outPoint, ...args), signer);
	return findEvent(events, 'aimodel', 'Changed')?.data.outPoint.toHex() ?? outPoint;
}

/** Adds a version that answers new requests. */
export const upgrade = (api, owner, outPoint, version) => change(api, owner, 'upgrade', outPoint, version);

/** Sets what new requests cost. */
export const reprice = (api, owner, outPoint, price) => change(api, owner, 'reprice', outPoint, price);

/** Sets who shares in what new requests cost. */
export const resplit = (api, owner, outPoint, shares) => change(api, owner, 'resplit', outPoint, shares);

/** Stops new requests. */
export const retire = (api, owner, outPoint) => change(api, owner, 'retire', outPoint);

/**
 * A model that is not yet closed.
 *
 * @param {Api} api
 * @param {string} id
 */
export async function model(api, id) {
	const info = await api.call.aimodelApi.model(id);
	if (info.isNone) {
		throw new ChainError({ section: 'aimodel', name: 'UnknownModel', message: `There is no model ${id}.` });
	}
	const found = info.unwrap();
	return {
		model: id,
		outPoint: found.outPoint.toHex(),
		owner: found.owner.toString(),
		lock: found.lock.isSome ? readLock(found.lock.unwrap()) : null,
		retired: found.retired.isTrue,
		tariff: found.tariff.toJSON(),
		split: found.split.toJSON(),
		version: versionId(found.version),
		record: found.record.toJSON(),
		openRequests: found.openRequests.toNumber(),
		versions: found.versions.toNumber(),
		changes: found.changes.toNumber(),
		candidate: found.candidate.toJSON(),
		plans: found.plans.toJSON(),
		metadata: metadataOf(found.metadata),
	};
}

/** Who changes a model in its owner's place, and how many of them it takes. */
const readLock = ({ members, threshold }) => ({ members: members.map(String), threshold: threshold.toNumber() });

/** How a model describes itself. */
export function metadataOf({ name, description, licence, tags, card }) {
	const text = (bytes) => new TextDecoder().decode(bytes.toU8a(true));
	return { name: text(name), description: description.toJSON(), licence: text(licence), tags: tags.map(text), card: card.toJSON() };
}

/** The record of a version that a model or an open request uses: `{model, index}`. */
export async function versionRecord(api, version) {
	const record = await api.call.aimodelApi.version(version);
	if (record.isNone) {
		throw new ChainError({ section: 'aimodel', name: 'UnknownVersion', message: `Version ${version.index} of ${version.model} is kept no more.` });
	}
	return record.unwrap().toJSON();
}

/**
 * What an inference over so many bytes of input would cost.
 *
 * @param {Api} api
 * @param {string} id the model
 * @param {number} inputBytes
 * @param {{account?: string, at?: number}} [who] whose earlier calls count, and a UNIX time in milliseconds
 */
export async function quote(api, id, inputBytes, { account = null, at = null } = {}) {
	const answer = await api.call.aimodelApi.quote(id, account, inputBytes, at);
	if (answer.isErr) {
		const error = answer.asErr;
		const name = error.isShape ? `Shape${error.asShape.type}` : error.type;
		throw new ChainError({ section: 'quote', name, message: QUOTE_ERRORS[name] ?? `No quote: ${name}.` });
	}
	const { rows, minUnits, maxUnits, minPrice, maxPrice, breakdown } = answer.asOk;
	return {
		rows: rows.toNumber(),
		minUnits: minUnits.toBigInt(),
		maxUnits: maxUnits.toBigInt(),
		minPrice: minPrice.toBigInt(),
		maxPrice: maxPrice.toBigInt(),
		breakdown: Object.fromEntries([...breakdown.entries()].map(([item, amount]) => [item, amount.toBigInt()])),
	};
}

const QUOTE_ERRORS = {
	UnknownModel: 'There is no such model, or it was retired.',
	ShapeLength: "The input is no whole number of rows that the model's interface admits.",
	Overflow: 'The price does not fit the currency.',
	Deprecated: "The notice for the model's version is over.",
};

/** A version's name as plain data. */
export function versionId(id) {
	return { model: id.model.toHex(), index: id.index.toNumber() };
}
