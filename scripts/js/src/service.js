/**
 * What plans promise of the service, and the bonds of owners that stand for it.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 *
 * @typedef {object} Terms shares in millionths
 * @property {number | null} deadline blocks until that of a request which names none
 * @property {number} penalty what a missed deadline brings, as a part of what is at stake
 * @property {number} availability of the model, below which a missed deadline is a breach
 * @property {number} breach what that brings instead
 */

import { told } from './send.js';

/**
 * Service terms of a plan; a breach brings no more than the penalty, unless it is told.
 *
 * @param {Partial<Terms>} what
 * @returns {Terms}
 */
export function terms({ deadline = null, penalty = 0, availability = 0, breach = penalty }) {
	return { deadline, penalty, availability, breach };
}

/** Puts up a bond for the penalties that a model's plans promise. */
export const postServiceBond = (api, owner, model, amount) => told(api, owner, api.tx.aimodel.postServiceBond(model, amount), 'ServiceBondPosted');

/** Takes back what is free of it. */
export const withdrawServiceBond = (api, owner, model, amount) => told(api, owner, api.tx.aimodel.withdrawServiceBond(model, amount), 'ServiceBondWithdrawn');

/** Makes requests without a penalty where the bond covers none, or no longer. */
export const waivePenalty = (api, customer, model, waived = true) => told(api, customer, api.tx.aimodel.waivePenalty(model, waived), 'PenaltyWaived');

/**
 * The terms on which an account makes requests of a model now; nothing without a paid period of a plan.
 *
 * @param {Api} api
 * @param {string} account
 * @param {string} model
 */
export async function service(api, account, model) {
	const found = await api.call.aimodelApi.service(account, model);
	if (found.isNone) return null;
	const { tier, terms: promised, waivesPenalty, covered } = found.unwrap();
	return { tier: tier.type, terms: promised.toJSON(), waivesPenalty: waivesPenalty.isTrue, covered: covered.toBigInt() };
}

/**
 * What an owner put up for the penalties of a model's plans, and what of it is reserved for open requests.
 *
 * @param {Api} api
 * @param {string} model
 * @param {string} owner
 */
export async function serviceBond(api, model, owner) {
	const found = await api.call.aimodelApi.serviceBond(model, owner);
	if (found.isNone) return null;
	const { free, reserved } = found.unwrap();
	return { free: free.toBigInt(), reserved: reserved.toBigInt() };
}
