/**
 * Errors of the chain, as sentences.
 *
 * The sentences of module errors are the runtime's own: they come with its metadata.
 */

/** Something that the chain or its node refused. */
export class ChainError extends Error {
	/**
	 * @param {object} what
	 * @param {string} what.section who refused: a pallet, `token`, `pool`, `rpc`, ...
	 * @param {string} what.name the name of the error there
	 * @param {string} what.message a sentence
	 * @param {any} [what.details] more, for programs
	 */
	constructor({ section, name, message, ...details }) {
		super(message);
		/** Who refused. */
		this.section = section;
		/** The error's name: `FeeTooLow`. */
		this.name = name;
		Object.assign(this, details);
	}

	/** The whole name: `aimodel.FeeTooLow`. */
	get path() {
		return `${this.section}.${this.name}`;
	}
}

/**
 * Decodes the error with which an extrinsic failed.
 *
 * @param {import('@polkadot/api').ApiPromise} api
 * @param {import('@polkadot/types/interfaces').DispatchError} error
 * @param {object} [details]
 */
export function dispatchError(api, error, details = {}) {
	if (error.isModule) {
		const { section, name, docs } = api.registry.findMetaError(error.asModule);
		return new ChainError({ section, name, message: sentence(docs.join(' '), name), ...details });
	}
	const section = error.type.toLowerCase();
	const name = error.inner?.type ?? error.value?.type ?? error.type;
	const message = DISPATCH[`${section}.${name}`] ?? `The chain refused: ${section} ${name}.`;
	return new ChainError({ section, name, message, ...details });
}

const DISPATCH = {
	'token.FundsUnavailable': 'The account has not enough free funds.',
	'token.OnlyProvider': 'The account would be removed, which something that depends on it forbids.',
	'token.BelowMinimum': 'The account would hold less than the existential deposit.',
	'token.CannotCreateHold': 'Nothing more can be held of this account.',
	'token.NotExpendable': 'The funds would bring the account below its existential deposit.',
	'token.Frozen': 'The funds are frozen.',
	'arithmetic.Overflow': 'A number became too large.',
	'arithmetic.Underflow': 'A number became negative: the account has not enough funds.',
	'badorigin.BadOrigin': 'This account may not make this call.',
};

/** What a pool says, by code: `author_submitExtrinsic` documents them. */
const POOL = {
	1010: ['Invalid', 'The transaction is invalid'],
	1011: ['UnknownValidity', 'Whether the transaction is valid can not be told'],
	1012: ['TemporarilyBanned', 'The pool threw this transaction out a short while ago'],
	1013: ['AlreadyImported', 'The pool has this transaction already'],
	1014: ['PriorityTooLow', 'The pool has another transaction of this account with the same nonce'],
	1015: ['CycleDetected', 'The transaction depends on itself'],
	1016: ['ImmediatelyDropped', 'The pool is full'],
	1018: ['Unactionable', 'Nobody would include the transaction'],
};

/**
 * Decodes what the node answers to an RPC call that fails. Anything else passes unchanged.
 *
 * @param {Error & {code?: number, data?: unknown}} error
 */
export function rpcError(error) {
	if (error instanceof ChainError) return error;
	const [, prefix, rest] = /^(-?\d+): (.*)$/s.exec(error.message) ?? [];
	const code = error.code ?? (prefix === undefined ? undefined : Number(prefix));
	if (code === undefined) return error;
	const text = (rest ?? error.message).trim();
	const known = POOL[code];
	if (!known) return new ChainError({ section: 'rpc', name: String(code), message: sentence(text, code), code });
	const [name, what] = known;
	const why = text.replace(/^(Invalid Transaction|Unknown Transaction Validity): */, '').replace(/ ,/g, ',');
	return new ChainError({ section: 'pool', name, message: sentence(`${what}: ${why}`), code });
}

function sentence(text, fallback = '') {
	const trimmed = text.trim().replace(/\s+/g, ' ') || String(fallback);
	const capital = trimmed[0].toUpperCase() + trimmed.slice(1);
	return /[.!?]$/.test(capital) ? capital : `${capital}.`;
}
