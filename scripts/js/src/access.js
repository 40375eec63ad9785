/**
 * Who may use a model, how much, and how well it answers.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 */

import { change } from './models.js';
import { findEvent, send } from './send.js';

/**
 * What an owner sets; without anything, everybody may use the model as much as he likes.
 *
 * @param {object} [what]
 * @param {boolean} [what.allowList] whether only accounts that were allowed may
 * @param {boolean} [what.subscribers] whether only accounts in a paid period of a plan may
 * @param {import('./plans.js').Offer['tier'] | null} [what.tier] the least that such a plan must be of
 * @param {boolean} [what.paused]
 * @param {{calls: number, window: number} | null} [what.rate] of one account in a window of blocks
 * @param {number | null} [what.openPerAccount] requests at a time
 * @param {number | null} [what.open] requests of all accounts at a time
 * @param {{failures: number, coolDown: number} | null} [what.breaker] lapses in a row that suspend the model,
 *   and for how many blocks
 */
export function access({ allowList = false, subscribers = false, tier = null, paused = false, rate = null, openPerAccount = null, open = null, breaker = null } = {}) {
	if (allowList && (subscribers || tier)) throw new TypeError('A model has an allow-list or is for subscribers, not both.');
	const sold = tier ? { Tier: tier } : subscribers && 'Subscribers';
	return { policy: sold || (allowList ? 'AllowList' : 'Open'), paused, limits: { rate, openPerAccount, open }, breaker };
}

/** Sets who may make new requests, and how many. */
export const setAccess = (api, owner, outPoint, what) => change(api, owner, 'setAccess', outPoint, what);

/** Takes no new requests for now. */
export const pause = (api, owner, outPoint) => change(api, owner, 'pause', outPoint);

/** Takes new requests again. */
export const unpause = (api, owner, outPoint) => change(api, owner, 'unpause', outPoint);

/**
 * Puts accounts on a model's allow-list.
 *
 * @param {Api} api
 * @param {Account} owner
 * @param {string} model
 * @param {string[]} accounts
 */
export async function allow(api, owner, model, accounts) {
	const { events } = await send(api, api.tx.aimodel.allow(model, accounts), owner);
	findEvent(events, 'aimodel', 'Allowed');
}

/** Takes accounts off a model's allow-list. */
export async function disallow(api, owner, model, accounts) {
	const { events } = await send(api, api.tx.aimodel.disallow(model, accounts), owner);
	findEvent(events, 'aimodel', 'Disallowed');
}

/**
 * Who may use a model, whether it is suspended, and how well it answered: the share of leases, and the blocks
 * from request to answer.
 *
 * @param {Api} api
 * @param {string} model
 */
export async function health(api, model) {
	const found = await api.call.aimodelApi.health(model);
	if (found.isNone) return null;
	const { figures, ...rest } = found.unwrap().toJSON();
	// In millionths, and in billionths of a block.
	return { ...rest, figures: { ...figures, availability: figures.availability / 1e6, latency: figures.latency / 1e9 } };
}
