/**
 * Calls of a worker's gateway by who has a plan of the model: signed, and paid by vouchers.
 *
 * A voucher is cumulative: it says how many calls of a period the worker may have settled in all. So a caller risks no more than
 * what it has signed and was not answered, and never signs for more than it has called.
 *
 * @typedef {import('./connect.js').Account} Account
 */

import { randomBytes } from 'node:crypto';
import { bnToU8a, compactToU8a, hexToU8a, stringToU8a, u8aConcat, u8aToHex } from '@polkadot/util';
import { blake2AsU8a } from '@polkadot/util-crypto';

const u64 = (number) => bnToU8a(number, { bitLength: 64, isLe: true });
const text = (string) => u8aConcat(compactToU8a(string.length), stringToU8a(string));
const digits = (bytes) => u8aToHex(bytes).slice(2);

/**
 * The bytes of a voucher, as `aimodel_primitives::voucher` says.
 *
 * @param {{genesis: Uint8Array, model: string, worker: Uint8Array, term: number | bigint, calls: number | bigint}} voucher `model` in
 *   hexadecimal, `worker` the bonded account
 */
export const voucherMessage = ({ genesis, model, worker, term, calls }) =>
	u8aConcat(stringToU8a('aimodel/voucher/1'), genesis, hexToU8a(model), worker, u64(term), u64(calls));

/**
 * The headers of a signed call, as `aimodel_gateway::access::call_message` says.
 *
 * @param {Account} account
 * @param {{genesis: Uint8Array, worker: Uint8Array, path: string, body: string | Uint8Array, method?: string, time?: number, nonce?: Uint8Array}} call
 */
export function signedCall(account, { genesis, worker, path, body, method = 'POST', time = Date.now(), nonce = randomBytes(16) }) {
	const message = u8aConcat(stringToU8a('aimodel/call/1'), genesis, worker, text(method), text(path), blake2AsU8a(body, 256), u64(time), nonce);
	return {
		'aimodel-account': digits(account.publicKey),
		'aimodel-time': String(time),
		'aimodel-nonce': digits(nonce),
		'aimodel-signature': digits(account.sign(message)),
	};
}

/** The header that lets a worker claim calls. */
export const signedVoucher = (account, voucher) => ({
	'aimodel-voucher': `${voucher.term}:${voucher.calls}:${digits(account.sign(voucherMessage(voucher)))}`,
});

/** What a gateway refused. */
export class Refused extends Error {
	/** @param {number} status of HTTP @param {string} reason */
	constructor(status, reason) {
		super(reason);
		this.status = status;
	}
}

/** Who calls a model at one gateway, and keeps count of what it signs. */
export class Caller {
	#term = 0n;
	/** Calls of the period that were made and can have been answered. */
	#made = 0n;
	#options;

	/**
	 * @param {object} options
	 * @param {string} options.url of the gateway
	 * @param {Account} options.account that has a plan
	 * @param {string} options.model its id
	 * @param {Uint8Array} options.genesis of the chain
	 * @param {Uint8Array} options.worker the bonded account that serves
	 * @param {{term: bigint, calls: bigint}} [options.made] where an earlier caller of the account stopped
	 */
	constructor({ made, ...options }) {
		this.#options = options;
		if (made) [this.#term, this.#made] = [made.term, made.calls];
	}

	/** How far it is: for the next caller of the account. */
	get made() {
		return { term: this.#term, calls: this.#made };
	}

	/**
	 * Makes one call, and returns its answer. One at a time.
	 *
	 * @param {object} request of the Open Inference Protocol
	 */
	async infer(request) {
		const { url, account, model, genesis, worker } = this.#options;
		const path = `/v2/models/${model}/infer`;
		const body = JSON.stringify(request);
		this.#made += 1n;
		const post = async (term, calls) => {
			const voucher = signedVoucher(account, { genesis, model, worker, term, calls });
			const headers = { ...signedCall(account, { genesis, worker, path, body }), ...voucher };
			const response = await fetch(url + path, { method: 'POST', body, headers });
			return { response, answer: await response.json() };
		};
		let { response, answer } = await post(this.#term, this.#made);
		const wanted = response.headers.get('aimodel-voucher-wanted');
		if (response.status === 402 && wanted) {
			const [term, calls] = wanted.split(':').map(BigInt);
			// Calls of a new period begin with one; in the same one the worker can not have answered more than were made.
			if (term === this.#term && calls > this.#made) {
				this.#made -= 1n;
				throw new Refused(402, `the worker wants ${calls} calls of the period to be paid, and ${this.#made} were made`);
			}
			if (term !== this.#term) [this.#term, this.#made] = [term, 1n];
			if (calls > this.#made) throw new Refused(402, `the worker wants ${calls} calls to be paid of a period in which this is the first: say where an earlier caller stopped`);
			({ response, answer } = await post(term, this.#made));
		}
		if (!response.ok) {
			this.#made -= 1n;
			throw new Refused(response.status, answer.error);
		}
		return answer;
	}
}
