/**
 * Plans: calls by the period, for one price.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 *
 * @typedef {{rate?: {calls: number, window: number} | null, open?: number | null}} Limits requests in a window of blocks, and at a time
 *
 * @typedef {object} Offer
 * @property {{period: number, price: bigint, quota: number | null, grace: number, service: import('./service.js').Terms | null, limits: Limits | null}} plan
 *   blocks of a period, its price and calls, blocks after it in which it can still be renewed, what is promised, and how many
 *   requests an account may make, in place of the model's limits
 * @property {'Trial' | 'Standard' | 'Professional' | 'Enterprise'} tier
 * @property {string | null} to the one account that may accept it
 */

import { change } from './models.js';
import { told } from './send.js';

/** What a plan promises, from the least on. */
export const TIERS = ['Trial', 'Standard', 'Professional', 'Enterprise'];

/** Blocks of a month and of a year. */
export const periods = (api) => ({ month: api.consts.aimodel.month.toNumber(), year: api.consts.aimodel.year.toNumber() });

/**
 * A plan that an owner offers.
 *
 * @param {{period: number, price?: bigint, quota?: number | null, grace?: number, service?: import('./service.js').Terms | null,
 *   limits?: Limits | null, tier?: Offer['tier'], to?: string | null}} what
 * @returns {Offer}
 */
export function offer({ period, price = 0n, quota = null, grace = 0, service = null, limits = null, tier = 'Standard', to = null }) {
	return { plan: { period, price, quota, grace, service, limits: limits && { rate: null, open: null, ...limits } }, tier, to };
}

/** Sets the plans of a model. */
export const setPlans = (api, owner, outPoint, offers) => change(api, owner, 'setPlans', outPoint, offers);

/** Subscribes to the plan of this number of a model's output, and pays its first period. */
export const subscribe = (api, customer, outPoint, plan) => told(api, customer, api.tx.aimodel.subscribe(outPoint, plan), 'Subscribed');

/** Changes to another plan of the model: at once if it is dearer, otherwise when the period ends. */
export const changePlan = (api, customer, outPoint, plan) => told(api, customer, api.tx.aimodel.changePlan(outPoint, plan), 'PlanChanged');

/** Ends a subscription with its period. */
export const cancelSubscription = (api, customer, model) => told(api, customer, api.tx.aimodel.cancelSubscription(model), 'SubscriptionCancelled');

/** Sets funds aside for calls by plan that nothing else pays for. */
export const fundPot = (api, owner, model, amount) => told(api, owner, api.tx.aimodel.fundPot(model, amount), 'PotFunded');

/** Takes them back. */
export const withdrawPot = (api, owner, model, amount) => told(api, owner, api.tx.aimodel.withdrawPot(model, amount), 'PotWithdrawn');

/**
 * The subscription of an account to a model; nothing if there is none.
 *
 * @param {Api} api
 * @param {string} account
 * @param {string} model
 */
export async function subscription(api, account, model) {
	const found = await api.call.aimodelApi.subscription(account, model);
	if (found.isNone) return null;
	const { subscription: bought, term, tier, standing, until, escrow, credit } = found.unwrap();
	return {
		term: term.toBigInt(),
		tier: tier.type,
		standing: standing.type,
		used: bought.used.toNumber(),
		quota: bought.plan.quota.isSome ? bought.plan.quota.unwrap().toNumber() : null,
		price: bought.plan.price.toBigInt(),
		limits: bought.plan.limits.toJSON(),
		until: until.toNumber(),
		renews: bought.next.isSome,
		escrow: escrow.toBigInt(),
		credit: credit.toBigInt(),
	};
}

/** What an owner set aside for calls by plan of a model. */
export async function pot(api, model, owner) {
	const found = await api.call.aimodelApi.pot(model, owner);
	if (found.isNone) return null;
	const { free, reserved } = found.unwrap();
	return { free: free.toBigInt(), reserved: reserved.toBigInt() };
}
