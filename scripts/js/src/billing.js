/**
 * Bills of customers, and what models bring in, by billing periods.
 *
 * @typedef {import('./connect.js').Api} Api
 *
 * @typedef {object} Totals
 * @property {number} calls that were answered and paid
 * @property {bigint} units billed
 * @property {bigint} spend
 * @property {bigint} refunds held for requests without an answer, and given back
 * @property {number} failures requests without an answer at their deadline
 */

import { findEvent, send } from './send.js';

/** @returns {Totals} */
const totals = ({ calls, units, spend, refunds, failures }) => ({
	calls: calls.toNumber(),
	units: units.toBigInt(),
	spend: spend.toBigInt(),
	refunds: refunds.toBigInt(),
	failures: failures.toNumber(),
});

const period = ({ ledger, from, until, projected }) => ({
	from: from.toNumber(),
	until: until.toNumber(),
	current: totals(ledger.current),
	previous: totals(ledger.previous),
	projected: projected.toBigInt(),
});

const billOf = (bill) => ({
	...period(bill),
	open: bill.open.toNumber(),
	held: bill.held.toBigInt(),
	budget: bill.budget.isSome ? bill.budget.unwrap().limit.toBigInt() : null,
});

/**
 * What an account used of each model, in this billing period and the last.
 *
 * @param {Api} api
 * @param {string} account
 */
export async function bills(api, account) {
	const found = await api.call.aimodelApi.bills(account);
	return found.map(([model, bill]) => ({ model: model.toHex(), ...billOf(bill) }));
}

/**
 * What an account used of a model; nothing if it did not use it for some periods.
 *
 * @param {Api} api
 * @param {string} account
 * @param {string} model
 */
export async function bill(api, account, model) {
	const found = await api.call.aimodelApi.bill(account, model);
	return found.isSome ? billOf(found.unwrap()) : null;
}

/**
 * What a model brought in, and its latest prices by the block from which they held.
 *
 * @param {Api} api
 * @param {string} model
 */
export async function revenue(api, model) {
	const found = await api.call.aimodelApi.revenue(model);
	if (found.isNone) return null;
	const { customers, previousCustomers, prices, ...rest } = Object.fromEntries(found.unwrap().entries());
	return {
		...period(rest),
		customers: customers.toNumber(),
		previousCustomers: previousCustomers.toNumber(),
		prices: prices.map(([block, tariff]) => ({ block: block.toNumber(), tariff: tariff.toJSON() })),
	};
}

/**
 * Sets what an account may spend on a model in a billing period, and at which shares of that, in
 * percent, an event tells; nothing removes it.
 *
 * @param {Api} api
 * @param {import('./connect.js').Account} account
 * @param {string} model
 * @param {{limit: bigint, alerts?: number[]} | null} budget
 */
export async function setBudget(api, account, model, budget) {
	const { events } = await send(api, api.tx.aimodel.setBudget(model, budget && { alerts: [], ...budget }), account);
	findEvent(events, 'aimodel', 'BudgetSet');
}
