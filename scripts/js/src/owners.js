/**
 * Models that a set of accounts changes together. Each member sends the call that one owner would
 * send; it takes effect with the last approval that it takes.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 *
 * @typedef {object} PendingChange
 * @property {string} call `blake2_256` of the call that makes the change
 * @property {string | null} successor the output that comes out, unless the model closes at once
 * @property {{by: string, until: number}[]} approved by whom, and the last block at which that counts
 * @property {number} missing how many approvals it still takes
 */

import { sortAddresses } from '@polkadot/util-crypto';
import { ChainError } from './errors.js';
import { change } from './models.js';
import { findEvent, send, told } from './send.js';

/** Gives a model to a set of accounts, of which so many change it; in any order. */
export function lock(api, owner, outPoint, members, threshold) {
	return change(api, owner, 'setLock', outPoint, { members: sortAddresses(members, api.registry.chainSS58), threshold });
}

/** Gives a model back to its owner alone. */
export const unlock = (api, member, outPoint) => change(api, member, 'setLock', outPoint, null);

/** Takes back what the signer approved of an output. */
export const withdrawApproval = (api, member, outPoint) => told(api, member, api.tx.aimodel.withdrawApproval(outPoint), 'ApprovalWithdrawn');

/**
 * What members of its set have approved of the live output of a model.
 *
 * @param {Api} api
 * @param {string} model
 * @returns {Promise<PendingChange[]>}
 */
export async function pendingChanges(api, model) {
	const found = await api.call.aimodelApi.pendingChanges(model);
	return found.map(({ call, successor, approved, missing }) => ({
		call: call.toHex(),
		successor: successor.isSome ? successor.unwrap().toHex() : null,
		approved: approved.map(([by, until]) => ({ by: by.toString(), until: until.toNumber() })),
		missing: missing.toNumber(),
	}));
}

/**
 * The call of a pending change. The chain keeps its hash alone, but an approval tells the block in
 * which it was sent.
 *
 * @param {Api} api
 * @param {PendingChange} pending
 */
export async function callOf(api, { call: hash, approved }) {
	const period = api.consts.aimodel.approvalPeriod.toNumber();
	for (const { until } of approved) {
		const { block } = await api.rpc.chain.getBlock(await api.rpc.chain.getBlockHash(until - period));
		const found = block.extrinsics.find(({ method }) => method.hash.toHex() === hash);
		if (found) return found.method;
	}
	const message = `No block that is kept has the call ${hash} by itself: give the same command as who approved it.`;
	throw new ChainError({ section: 'kit', name: 'CallNotFound', message });
}

/**
 * Approves a pending change by sending the same call.
 *
 * @param {Api} api
 * @param {Account} member
 * @param {string} model
 * @param {string} hash of the call
 */
export async function approve(api, member, model, hash) {
	const pending = (await pendingChanges(api, model)).find(({ call }) => call === hash);
	if (!pending) {
		const message = `No change of the model by the call ${hash} waits for approvals.`;
		throw new ChainError({ section: 'kit', name: 'NotPending', message });
	}
	const { events } = await send(api, api.tx(await callOf(api, pending)), member);
	const { approvals, threshold } = findEvent(events, 'aimodel', 'Approved').data;
	return { call: hash, missing: Math.max(0, threshold.toNumber() - approvals.toNumber()), successor: pending.successor };
}
