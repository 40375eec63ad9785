/**
 * Requests: ordering an inference, and what becomes of it.
 *
 * @typedef {import('./connect.js').Api} Api
 * @typedef {import('./connect.js').Account} Account
 *
 * @typedef {object} Payout who was credited what
 * @property {bigint} platform
 * @property {bigint} worker
 * @property {bigint} incentives what of the platform's part rewards models
 * @property {[string, bigint][]} beneficiaries
 *
 * @typedef {object} Settlement
 * @property {'Settled'} status
 * @property {number} request
 * @property {string} worker
 * @property {string} assurance `Proven` or `Attested`
 * @property {Uint8Array | null} output null where it is a blob
 * @property {string} outputHash
 * @property {bigint} units
 * @property {bigint} price
 * @property {bigint} refund
 * @property {Payout} payout
 * @property {number} settledAt
 * @property {object} weight of the settling extrinsic
 *
 * @typedef {object} Refund
 * @property {'Refunded'} status
 * @property {number} request
 * @property {string} customer
 * @property {bigint} amount
 * @property {string} reason `Cancelled` or `Expired`
 * @property {{owed: bigint, amount: bigint} | null} penalty what a missed deadline brings, and what of it the
 *   owner's bond paid: what lapsed leases had not brought
 */

import { u8aToHex } from '@polkadot/util';
import { blocks, eventsAt, follow } from './blocks.js';
import { ChainError, dispatchError } from './errors.js';
import { model as modelInfo, versionId } from './models.js';
import { MOST } from './money.js';
import { findEvent, send } from './send.js';

/** Settles only with a valid proof, under a key as strong as the chain's default wants. */
export const PROVEN = { Proven: { weakestOrigin: null } };

/** Settles on a bonded worker's word. */
export const ATTESTED = 'Attested';

/**
 * The transaction that orders an inference.
 *
 * @param {Api} api
 * @param {object} order
 * @param {string} order.outPoint
 * @param {object} order.input see {@link tensorBytes}
 * @param {bigint} order.maxFee
 * @param {object | string} [order.assurance]
 * @param {number | null} [order.deadline]
 * @param {string[]} [order.fallbacks] outputs of models that may take it over, the most preferred first
 */
export function requestTx(api, { outPoint, input, maxFee, assurance = PROVEN, deadline = null, fallbacks = [] }) {
	return api.tx.aimodel.request(outPoint, assurance, tensorBytes(input), maxFee, deadline, fallbacks);
}

/**
 * The transaction that orders an inference by the signer's plan of the model.
 *
 * @param {Api} api
 * @param {object} order as of {@link requestTx}, without a `maxFee` and fallbacks
 */
export function requestByPlanTx(api, { outPoint, input, assurance = PROVEN, deadline = null }) {
	return api.tx.aimodel.requestByPlan(outPoint, assurance, tensorBytes(input), deadline);
}

/**
 * An input or an output as calls carry it: bytes; a blob of them; a commitment to them; or bytes and
 * a commitment to the customer's salt.
 *
 * @param {Uint8Array | {hash: string, length: number} | {commitment: Uint8Array, bytes?: Uint8Array}} tensor
 */
export function tensorBytes(tensor) {
	if (tensor instanceof Uint8Array) return { Inline: u8aToHex(tensor) };
	if (!tensor.commitment) return { Blob: tensor };
	const commitment = u8aToHex(tensor.commitment);
	return tensor.bytes ? { Salted: { bytes: u8aToHex(tensor.bytes), commitment } } : { Committed: { commitment } };
}

/**
 * Orders an inference. Without an output that was looked at, takes the model's live one; without a
 * `maxFee`, the highest price of those that may serve it.
 *
 * @param {Api} api
 * @param {Account} customer
 * @param {object} order as of {@link requestTx}, or with a `model` instead of an `outPoint`; `byPlan` is whether
 *   the customer's plan covers it; `fallbackModels` are models whose live outputs are its `fallbacks`
 */
export async function request(api, customer, order) {
	const outPoint = order.outPoint ?? (await modelInfo(api, order.model)).outPoint;
	const byFee = async () => {
		const others = order.fallbackModels ?? [];
		const fallbacks = order.fallbacks ?? (await Promise.all(others.map((id) => modelInfo(api, id)))).map((it) => it.outPoint);
		const highest = async () => (await quoteChain(api, customer.address, { ...order, outPoint, fallbacks, inputBytes: order.input.length })).held;
		return requestTx(api, { ...order, outPoint, fallbacks, maxFee: order.maxFee ?? (await highest()) });
	};
	const tx = order.byPlan ? requestByPlanTx(api, { ...order, outPoint }) : await byFee();
	const { events, ...place } = await send(api, tx, customer);
	return { ...place, ...requested(findEvent(events, 'aimodel', 'Requested')) };
}

/**
 * What a request for so many bytes would hold, who would serve it in which order, and who would be left out; or the
 * error of `request`.
 *
 * @param {Api} api
 * @param {string} account who asks
 * @param {object} order `outPoint`, `inputBytes`, perhaps `fallbacks`, `maxFee` and `assurance`
 */
export async function quoteChain(api, account, { outPoint, fallbacks = [], inputBytes, maxFee = MOST, assurance = PROVEN }) {
	const answer = await api.call.aimodelApi.quoteChain(account, outPoint, fallbacks, assurance, inputBytes, maxFee);
	if (answer.isErr) throw dispatchError(api, answer.asErr);
	const { held, serving, refused } = answer.asOk;
	return {
		held: held.toBigInt(),
		serving: serving.map(({ outPoint: at, version, most }) => ({
			outPoint: at.toHex(),
			version: versionId(version),
			most: most.toBigInt(),
		})),
		refused: refused.map(([at, error]) => ({ outPoint: at.toHex(), reason: dispatchError(api, error).name })),
	};
}

/** The event `Requested` as plain data. */
export function requested({ data }) {
	return {
		request: data.request.toNumber(),
		customer: data.customer.toString(),
		version: versionId(data.version),
		assurance: data.assurance.type,
		held: data.held.toBigInt(),
		deadline: data.deadline.toNumber(),
	};
}

/**
 * How far a request is, or null if it is neither open nor readable any more.
 *
 * @param {Api} api
 * @param {number} id
 */
export async function status(api, id) {
	const info = await api.call.aimodelApi.request(id);
	if (info.isNone) return null;
	const found = info.unwrap();
	if (found.isOpen) {
		const { customer, version, assurance, held, draw, deadline, penalty, lease, fallbacks } = found.asOpen;
		return {
			status: 'Open',
			request: id,
			customer: customer.toString(),
			version: versionId(version),
			assurance: assurance.type,
			held: held.toBigInt(),
			draw: draw.isSome ? draw.unwrap().toBigInt() : null,
			deadline: deadline.toNumber(),
			penalty: penalty.isSome ? readPenalty(penalty.unwrap()) : null,
			lease: lease.isNone ? null : readLease(lease.unwrap()),
			fallbacks: fallbacks.map(versionId),
		};
	}
	const { worker, version, assurance, output, outputHash, units, price, settledAt } = found.asSettled;
	return {
		status: 'Settled',
		request: id,
		worker: worker.toString(),
		version: versionId(version),
		assurance: assurance.type,
		output: output.isNone ? null : output.unwrap().toU8a(true),
		outputHash: outputHash.toHex(),
		units: units.toBigInt(),
		price: price.toBigInt(),
		settledAt: settledAt.toNumber(),
	};
}

/** What a missed deadline brings: more where the model's availability is below the promised, in millionths. */
function readPenalty({ usual, availability, breach }) {
	return { usual: usual.toBigInt(), availability: availability.toNumber(), breach: breach.toBigInt() };
}

function readLease(lease) {
	return {
		worker: lease.worker.toString(),
		collateral: lease.collateral.toBigInt(),
		until: lease.until.toNumber(),
		obliged: lease.obliged.isTrue,
	};
}

/**
 * Waits until a request is answered and paid, or refunded.
 *
 * @param {Api} api
 * @param {number} id
 * @param {{since?: number, timeout?: number}} [options] `since`: a block at which it was open, if it
 *   may be refunded already; `timeout` in milliseconds
 * @returns {Promise<Settlement | Refund>}
 */
export async function settlement(api, id, { since, timeout = 120_000 } = {}) {
	let stop = () => {};
	let timer;
	const next = new Promise((resolve, reject) => {
		const message = `Request ${id} was neither answered nor refunded within ${timeout / 1000} s.`;
		const late = () => reject(new ChainError({ section: 'kit', name: 'Timeout', message }));
		timer = setTimeout(late, timeout);
		const look = (block) => {
			const end = ending(id, block);
			if (end) resolve(end);
		};
		follow(api, look).then((unfollow) => (stop = unfollow), reject);
	});
	try {
		const end = (await ended(api, id, since)) ?? (await next);
		return end.status === 'Refunded' ? end : { ...(await status(api, id)), ...end };
	} finally {
		clearTimeout(timer);
		stop();
		next.catch(() => {});
	}
}

/** The end of a request that has ended already. */
async function ended(api, id, since) {
	const now = await status(api, id);
	if (now?.status === 'Open') return undefined;
	if (now) {
		const hash = (await api.rpc.chain.getBlockHash(now.settledAt)).toHex();
		return ending(id, { number: now.settledAt, hash, events: await eventsAt(api, hash) });
	}
	if (since === undefined) {
		throw new ChainError({ section: 'aimodel', name: 'UnknownRequest', message: `No request ${id} can be read.` });
	}
	const head = (await api.rpc.chain.getHeader()).number.toNumber();
	const past = await blocks(api, since, head);
	return past.map((block) => ending(id, block)).find(Boolean);
}

/** What the events of a block say of the end of a request. */
function ending(id, { number, events }) {
	const record = events.find(
		({ event }) =>
			event.section === 'aimodel' &&
			(event.method === 'Settled' || event.method === 'Refunded') &&
			event.data.request.toNumber() === id,
	);
	if (!record) return undefined;
	const { data, method } = record.event;
	if (method === 'Refunded') {
		const [customer, amount] = [data.customer.toString(), data.amount.toBigInt()];
		return { status: method, request: id, customer, amount, reason: data.reason.type, penalty: penaltyPaid(id, events), at: number };
	}
	return {
		status: method,
		request: id,
		refund: data.refund.toBigInt(),
		payout: {
			platform: data.payout.platform.toBigInt(),
			incentives: data.payout.incentives.toBigInt(),
			worker: data.payout.worker.toBigInt(),
			beneficiaries: data.payout.beneficiaries.map(([who, amount]) => [who.toString(), amount.toBigInt()]),
		},
		settledAt: number,
		weight: weightOf(events, record.phase),
	};
}

/** What a missed deadline brought, if anything was promised. */
function penaltyPaid(id, events) {
	const paid = events.find(({ event }) => event.section === 'aimodel' && event.method === 'PenaltyPaid' && event.data.request.toNumber() === id);
	return paid ? { owed: paid.event.data.owed.toBigInt(), amount: paid.event.data.amount.toBigInt() } : null;
}

/** The weight of the extrinsic of a phase. */
function weightOf(events, phase) {
	const success = events.find(
		(record) => record.phase.eq(phase) && record.event.section === 'system' && record.event.method === 'ExtrinsicSuccess',
	);
	if (!success) return null;
	const { refTime, proofSize } = success.event.data.dispatchInfo.weight;
	return { refTime: refTime.toBigInt(), proofSize: proofSize.toBigInt() };
}

/**
 * What an account can withdraw.
 *
 * @param {Api} api
 * @param {string} address
 */
export async function earningsOf(api, address) {
	return (await api.call.aimodelApi.earningsOf(address)).toBigInt();
}

/** Pays out everything that the signer has earned, to him or to another address, and returns how much. */
export async function withdraw(api, signer, to) {
	const { withdraw: here, withdrawTo } = api.tx.aimodel;
	const { events } = await send(api, to ? withdrawTo(to) : here(), signer);
	return findEvent(events, 'aimodel', 'Withdrawn').data.amount.toBigInt();
}
