/**
 * Bills of customers, and what models bring in, by billing periods.
 *
 * @typedef {import('./connect.js').Api} Api
 *
 * @typedef {object} Totals
 * @property {number} calls that were answered and paid
 * @property {number} covered calls that were answered and covered by a plan
 * @property {number} vouched calls at gateways that were settled by vouchers
 * @property {bigint} units billed
 * @property {bigint} spend plans among it
 * @property {bigint} plans what was paid for periods of them
 * @property {bigint} refunds held for requests without an answer, and given back
 * @property {number} failures requests without an answer at their deadline
 */

import { health } from './access.js';
import { format } from './money.js';
import { subscription } from './plans.js';
import { findEvent, send } from './send.js';

/** @returns {Totals} */
const totals = ({ calls, covered, vouched, units, spend, plans, refunds, failures }) => ({
	calls: calls.toNumber(),
	covered: covered.toNumber(),
	vouched: vouched.toNumber(),
	units: units.toBigInt(),
	spend: spend.toBigInt(),
	plans: plans.toBigInt(),
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
 * How much an account has used of what it may use of a model now: a row for each limit, whose `limit` is null where there
 * is none, until the block at which it counts anew.
 *
 * @param {Api} api
 * @param {string} account
 * @param {string} model
 */
export async function usage(api, account, model) {
	const [of, state, plan, stored, header] = await Promise.all([
		bill(api, account, model),
		health(api, model),
		subscription(api, account, model),
		api.query.aimodel.customers(account, model),
		api.rpc.chain.getHeader(),
	]);
	if (!state) return null;
	const current = plan?.standing === 'Active' ? plan : null;
	const { rate, openPerAccount } = state.access.limits;
	const limits = current?.limits ?? { rate, open: openPerAccount };
	const rows = [];
	if (current) {
		const { used, quota, price, escrow, until } = current;
		rows.push({ what: 'calls by plan', used, limit: quota, until });
		rows.push({ what: 'price of the plan', used: format(price - escrow), limit: format(price), until });
	}
	if (limits.rate) {
		const { calls, window } = limits.rate;
		const from = Math.floor(header.number.toNumber() / window) * window;
		const count = stored.isSome ? stored.unwrap().rate : null;
		const used = count && count.from.toNumber() >= from ? count.calls.toNumber() : 0;
		rows.push({ what: 'requests in a window', used, limit: calls, until: from + window });
	}
	rows.push({ what: 'open requests', used: of?.open ?? 0, limit: limits.open });
	rows.push({ what: 'spend', used: format(of?.current.spend ?? 0n), limit: of?.budget == null ? null : format(of.budget), until: of?.until });
	return rows;
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
