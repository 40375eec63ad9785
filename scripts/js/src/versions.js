/**
 * Versions of a model, how it describes itself, and what became of it.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 */

import { change, metadataOf, versionId } from './models.js';

/** Lets a version that was kept answer new requests. */
export const rollback = (api, owner, outPoint, version) => change(api, owner, 'rollback', outPoint, version);

/** Keeps a version that answers nothing yet, so that workers can serve it before it does. */
export const publish = (api, owner, outPoint, version) => change(api, owner, 'publish', outPoint, version);

/** Lets a kept version answer a share of new requests, in millionths. */
export const stage = (api, owner, outPoint, version, share) => change(api, owner, 'stage', outPoint, version, share);

/** Lets the candidate answer all new requests. */
export const promote = (api, owner, outPoint) => change(api, owner, 'promote', outPoint);

/** Lets the candidate answer no more requests. */
export const abort = (api, owner, outPoint) => change(api, owner, 'abort', outPoint);

/** Announces that requests to a version will be refused after so many blocks. */
export const deprecate = (api, owner, outPoint, version, notice) => change(api, owner, 'deprecate', outPoint, version, notice);

/**
 * Sets how a model describes itself, and by which tags it is found.
 *
 * @param {Api} api
 * @param {Account} owner
 * @param {string} outPoint
 * @param {{name?: string, description?: string | null, licence?: string, tags?: string[], card?: string | null}} what
 *   `description` and `card` are blobs
 */
export function describe(api, owner, outPoint, { name = '', description = null, licence = '', tags = [], card = null }) {
	return change(api, owner, 'describe', outPoint, { name, description, licence, tags: [...tags].sort(), card });
}

/**
 * The spent outputs of a model, oldest first, and who changed what.
 *
 * @param {Api} api
 * @param {string} model
 */
export async function history(api, model) {
	const records = [];
	for (;;) {
		const page = await api.call.aimodelApi.history(model, records.length, 256);
		records.push(...page.map(readRecord));
		if (page.length < 256) return records;
	}
}

/** A spent output: `by` is who consumed it, or the last of a set whose members agreed, `with` the others. */
function readRecord({ spent, change, by, at, with: others }) {
	return {
		spent: spent.toHex(),
		change: change.isBasic || change.inner.isEmpty ? change.type : change.toHuman(),
		by: by.toString(),
		at: at.toNumber(),
		with: others.map(String),
	};
}

/** The versions of a model that is not closed. */
export const versions = async (api, model) => (await api.call.aimodelApi.versions(model)).toJSON();

/** The version that has a role now: `Stable`, `Latest` or `Candidate`; nothing if none has it. */
export async function resolve(api, model, alias) {
	const found = await api.call.aimodelApi.resolve(model, alias);
	return found.isSome ? versionId(found.unwrap()) : null;
}

const page = (found) => found.map(([model, metadata]) => ({ model: model.toHex(), ...metadataOf(metadata) }));

/** The models of an owner, 256 at a time; `from` is the last of the page before. */
export const modelsOf = async (api, owner, from = null) => page(await api.call.aimodelApi.modelsOf(owner, from, 256));

/** The models with a tag, 256 at a time; `from` is the last of the page before. */
export const modelsTagged = async (api, tag, from = null) => page(await api.call.aimodelApi.modelsTagged(tag, from, 256));
