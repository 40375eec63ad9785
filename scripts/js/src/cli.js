#!/usr/bin/env node
/** The program `aimodel`: what the kit does, from a shell. */

import { readFile, writeFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { hexToU8a, u8aToHex } from '@polkadot/util';
import { access, allow, disallow, health, pause, setAccess, unpause } from './access.js';
import { count, need, ratio, shares, signer, tier, type, wanted } from './arguments.js';
import { bills, revenue, setBudget, usage } from './billing.js';
import { obtain, upload } from './blobs.js';
import { connect, DEFAULT_URL } from './connect.js';
import { deploy, model, quote, readVerifyingKey, registerKey, reprice, retire, tariff, upgrade, versionRecord, WHOLE } from './models.js';
import { hides, read, requestHidden } from './hidden.js';
import { format, parse } from './money.js';
import { approve, callOf, lock, pendingChanges, unlock, withdrawApproval } from './owners.js';
import { print, readable, say } from './print.js';
import { newSalt, SALT } from './privacy.js';
import { cancelSubscription, changePlan, fundPot, offer, periods, pot, setPlans, subscribe, subscription, withdrawPot } from './plans.js';
import { ATTESTED, earningsOf, PROVEN, quoteChain, request, settlement, status, withdraw } from './requests.js';
import { told } from './send.js';
import { postServiceBond, service, serviceBond, terms, waivePenalty, withdrawServiceBond } from './service.js';
import { abort, deprecate, describe, history, modelsOf, modelsTagged, promote, publish, rollback, stage, versions } from './versions.js';
import { check, register, serve } from './workers.js';
import { parameterCommitment, zkonnx } from './zkonnx.js';

const HELP = `aimodel: models, requests and workers of an AI model chain

  aimodel deploy --model FILE.onnx [--verifying-key FILE.vk --proving-key FILE.pk]
                 [--input TYPE --output TYPE] --price AMOUNT [--unit-price AMOUNT] [--minimum AMOUNT]
                 [--tariff FILE.json] [--lease BLOCKS]
                 [--worker-share PERCENT] [--beneficiary PAYEE=PERCENT]...
  aimodel model ID
  aimodel models [--owner ADDRESS | --tag TAG]
  aimodel history --model ID
  aimodel describe --model ID --name NAME [--licence SPDX] [--tag TAG]...
  aimodel reprice --model ID --price AMOUNT [--unit-price AMOUNT] [--minimum AMOUNT] [--tariff FILE.json]
  aimodel versions --model ID
  aimodel upgrade|publish --model ID --file FILE.onnx [--verifying-key FILE.vk --proving-key FILE.pk]
                          [--input TYPE --output TYPE] [--lease BLOCKS]
  aimodel stage --model ID --version NUMBER --share PERCENT
  aimodel promote|abort --model ID
  aimodel rollback --model ID --version NUMBER
  aimodel deprecate --model ID --version NUMBER --notice BLOCKS
  aimodel retire --model ID
  aimodel lock --model ID --threshold COUNT ADDRESS...
  aimodel unlock --model ID
  aimodel approvals --model ID
  aimodel approve --model ID CALL
  aimodel unapprove --model ID
  aimodel access --model ID [--allow-list | --subscribers | --tier TIER] [--rate CALLS/BLOCKS]
                 [--open COUNT] [--open-each COUNT] [--breaker LAPSES/BLOCKS]
  aimodel allow --model ID ADDRESS...
  aimodel disallow --model ID ADDRESS...
  aimodel pause --model ID
  aimodel unpause --model ID
  aimodel health --model ID
  aimodel quote --model ID --bytes COUNT [--account ADDRESS] [--fallback ID...] [--attested]
  aimodel request --model ID --input FILE [--max-fee AMOUNT] [--attested] [--no-wait]
                  [--salt FILE] [--worker-url URL] [--by-plan | --fallback ID...]
  aimodel plans --model ID [--set FILE.json]
  aimodel subscribe --model ID --plan NUMBER
  aimodel subscription --model ID [ADDRESS]
  aimodel unsubscribe --model ID
  aimodel pot --model ID [--fund AMOUNT | --withdraw AMOUNT]
  aimodel terms --model ID [ADDRESS]
  aimodel bond --model ID [--post AMOUNT | --withdraw AMOUNT]
  aimodel waive --model ID
  aimodel unwaive --model ID
  aimodel status REQUEST [--salt FILE]
  aimodel cancel REQUEST
  aimodel worker register --operator ADDRESS [--bond AMOUNT]
  aimodel worker serve --model ID [--least-pay AMOUNT] [--slots COUNT] [--lease BLOCKS]
                       [--worker-url URL] [--unchecked]
  aimodel bill [ADDRESS]
  aimodel usage --model ID [ADDRESS]
  aimodel revenue --model ID
  aimodel budget --model ID [--limit AMOUNT [--alert PERCENT]...]
  aimodel earnings [ADDRESS]
  aimodel withdraw [--to ADDRESS]

Everywhere:
  --url URL    the node [default: ${DEFAULT_URL}]
  --suri SURI  the secret of the account that signs, such as //Alice [default: $AIMODEL_SURI]
  --json       print the result as JSON
  --csv        print a result that is a table with commas
  --help       this

The units of a provable model are its multiply-accumulates, in thousands; others are metered by the elements of
their tensors. --tariff has what moves the price, with shares in millionths: demand, qualityCap, volume,
timeOfDay, batch, min and max, as in tariff() of src/models.js takes them. A budget is for a billing period
of 30 days; without --limit it is removed. Plans are a list of price, quota, period ("month", "year" or
blocks), grace, tier, to, limits: rate (calls, window) and open, and service: deadline in blocks, and penalty,
availability and breach in millionths, as terms() of src/service.js takes them. A TIER is trial, standard, professional or enterprise.

A locked model is changed by its set: each member gives the same command, or approves the CALL that approvals
lists, until there are as many as --threshold says. A published version answers nothing until it
is staged for a share of the requests, and promoted or aborted. With --fallback, other models take a request over where the
first does not serve it; quote lists who would, and what the most is that each would cost.

An AMOUNT is in UNIT: 0.25. A TYPE is an element type and a shape, u8[1,64] or f32[N<=64,13]; of a
model with a verifying key it is known. A PAYEE is an address, or the id of another model,
whose owner's side is paid. What the worker and the beneficiaries leave of 100 percent
goes to the signer. A worker's node (--worker-url, if it is not the one at --url) first gets the model and
its proving key from other nodes, and checks that it can prove the model's answers, unless --unchecked.

Of a model that hides its input or its answer, a request carries a commitment, and what it hides goes
encrypted to the node of its worker (--worker-url, if that is another one). Its salt goes to a new file
(--salt names it); without it nobody reads the answer.`;

const OPTIONS = {
	account: { type: 'string' },
	alert: { type: 'string', multiple: true, default: [] },
	'allow-list': { type: 'boolean', default: false },
	attested: { type: 'boolean' },
	beneficiary: { type: 'string', multiple: true, default: [] },
	bond: { type: 'string' },
	breaker: { type: 'string' },
	'by-plan': { type: 'boolean' },
	bytes: { type: 'string' },
	csv: { type: 'boolean' },
	fallback: { type: 'string', multiple: true, default: [] },
	file: { type: 'string' },
	fund: { type: 'string' },
	help: { type: 'boolean', short: 'h' },
	input: { type: 'string' },
	json: { type: 'boolean' },
	lease: { type: 'string' },
	licence: { type: 'string', default: '' },
	'least-pay': { type: 'string', default: '0' },
	limit: { type: 'string' },
	'max-fee': { type: 'string' },
	minimum: { type: 'string', default: '0' },
	model: { type: 'string' },
	name: { type: 'string', default: '' },
	'no-wait': { type: 'boolean' },
	notice: { type: 'string' },
	open: { type: 'string' },
	'open-each': { type: 'string' },
	operator: { type: 'string' },
	owner: { type: 'string' },
	output: { type: 'string' },
	plan: { type: 'string' },
	post: { type: 'string' },
	price: { type: 'string' },
	'proving-key': { type: 'string' },
	rate: { type: 'string' },
	set: { type: 'string' },
	share: { type: 'string' },
	slots: { type: 'string', default: '1' },
	subscribers: { type: 'boolean' },
	tag: { type: 'string', multiple: true, default: [] },
	tariff: { type: 'string' },
	threshold: { type: 'string' },
	tier: { type: 'string' },
	to: { type: 'string' },
	suri: { type: 'string', default: process.env.AIMODEL_SURI },
	unchecked: { type: 'boolean' },
	'unit-price': { type: 'string', default: '0' },
	url: { type: 'string', default: DEFAULT_URL },
	salt: { type: 'string' },
	'verifying-key': { type: 'string' },
	version: { type: 'string' },
	withdraw: { type: 'string' },
	'worker-url': { type: 'string' },
	'worker-share': { type: 'string', default: '50' },
};

/** What each command does: `(api, options, arguments)` to a result. */
const COMMANDS = {
	async deploy(api, options) {
		const owner = signer(options);
		const version = await versionOf(api, options, owner, need(options, 'model'));
		const what = { version, tariff: await tariffOf(options), split: shares(options, owner) };
		const { model, outPoint, version: id } = await deploy(api, owner, what);
		return { model, outPoint, version: id.index };
	},

	model: (api, _, [id]) => model(api, wanted(id, 'the id of a model')),

	async models(api, options) {
		const [tag] = options.tag;
		return tag ? modelsTagged(api, tag) : modelsOf(api, options.owner ?? signer(options).address);
	},

	history: (api, options) => history(api, need(options, 'model')),

	describe: (api, options) => changed(api, options, (owner, outPoint) => describe(api, owner, outPoint, { name: options.name, licence: options.licence, tags: options.tag })),

	reprice: async (api, options) => {
		const price = await tariffOf(options);
		return changed(api, options, (owner, outPoint) => reprice(api, owner, outPoint, price));
	},

	retire: (api, options) => changed(api, options, (owner, outPoint) => retire(api, owner, outPoint)),

	async versions(api, options) {
		const kept = await versions(api, need(options, 'model'));
		return kept.map(({ record, ...rest }) => ({ ...rest, artifact: record?.artifact }));
	},

	upgrade: async (api, options) => {
		const version = await versionOf(api, options, signer(options), need(options, 'file'));
		return changed(api, options, (owner, outPoint) => upgrade(api, owner, outPoint, version));
	},

	publish: async (api, options) => {
		const version = await versionOf(api, options, signer(options), need(options, 'file'));
		return changed(api, options, (owner, outPoint) => publish(api, owner, outPoint, version));
	},

	stage: (api, options) => changed(api, options, (owner, outPoint) => stage(api, owner, outPoint, count(options, 'version'), (count(options, 'share') * WHOLE) / 100)),

	promote: (api, options) => changed(api, options, (owner, outPoint) => promote(api, owner, outPoint)),

	abort: (api, options) => changed(api, options, (owner, outPoint) => abort(api, owner, outPoint)),

	deprecate: (api, options) => changed(api, options, (owner, outPoint) => deprecate(api, owner, outPoint, count(options, 'version'), count(options, 'notice'))),

	rollback: (api, options) => changed(api, options, (owner, outPoint) => rollback(api, owner, outPoint, count(options, 'version'))),

	lock: (api, options, members) => changed(api, options, (owner, outPoint) => lock(api, owner, outPoint, members, count(options, 'threshold'))),

	unlock: (api, options) => changed(api, options, (member, outPoint) => unlock(api, member, outPoint)),

	async approvals(api, options) {
		const pending = await pendingChanges(api, need(options, 'model'));
		return Promise.all(pending.map(async (change) => ({ call: change.call, ...(await shown(api, change)), ...awaited(change) })));
	},

	approve: (api, options, [call]) => approve(api, signer(options), need(options, 'model'), wanted(call, 'the hash of a call')),

	async unapprove(api, options) {
		const { outPoint } = await model(api, need(options, 'model'));
		const { call } = await withdrawApproval(api, signer(options), outPoint);
		return { model: options.model, withdrawn: call.toHex() };
	},

	async access(api, options) {
		const [calls, window] = ratio(options, 'rate');
		const [failures, coolDown] = ratio(options, 'breaker');
		const [open, openPerAccount] = ['open', 'open-each'].map((name) => (options[name] === undefined ? null : count(options, name)));
		const what = access({
			allowList: options['allow-list'],
			subscribers: options.subscribers,
			tier: options.tier && tier(options.tier),
			rate: window ? { calls, window } : null,
			breaker: coolDown ? { failures, coolDown } : null,
			open,
			openPerAccount,
		});
		return changed(api, options, (owner, outPoint) => setAccess(api, owner, outPoint, what));
	},

	async allow(api, options, accounts) {
		return listed(api, options, { allowed: accounts }, (owner, model) => allow(api, owner, model, accounts));
	},

	async disallow(api, options, accounts) {
		return listed(api, options, { disallowed: accounts }, (owner, model) => disallow(api, owner, model, accounts));
	},

	pause: (api, options) => changed(api, options, (owner, outPoint) => pause(api, owner, outPoint)),

	unpause: (api, options) => changed(api, options, (owner, outPoint) => unpause(api, owner, outPoint)),

	async health(api, options) {
		const found = await health(api, need(options, 'model'));
		if (!found) throw new Error(`There is no model ${options.model}.`);
		return found;
	},

	async quote(api, options) {
		if (options.fallback.length > 0) return quoteEach(api, options);
		const who = { account: options.account };
		const { minPrice, maxPrice, breakdown, ...units } = await quote(api, need(options, 'model'), count(options, 'bytes'), who);
		const items = Object.entries(breakdown).filter(([, amount]) => amount !== 0n);
		return { ...units, minPrice: format(minPrice), maxPrice: format(maxPrice), breakdown: Object.fromEntries(items.map(([item, amount]) => [item, format(amount)])) };
	},

	async request(api, options) {
		const input = new Uint8Array(await readFile(need(options, 'input')));
		const maxFee = options['max-fee'] && parse(options['max-fee']);
		const assurance = options.attested ? ATTESTED : PROVEN;
		const [byPlan, fallbackModels] = [options['by-plan'], options.fallback];
		const wish = { model: need(options, 'model'), input, maxFee, assurance, byPlan, fallbackModels };
		const hidden = hides((await model(api, wish.model)).record);
		if (!options.attested && (hidden.input || hidden.output)) return secretly(api, options, wish);
		const order = await request(api, signer(options), wish);
		const ordered = { request: order.request, held: format(order.held), deadline: order.deadline };
		if (options['no-wait']) return ordered;
		say(`request ${order.request}: ${ordered.held} held, waiting for the answer`);
		return { ...ordered, ...readable(await settlement(api, order.request, { since: order.blockNumber })) };
	},

	async plans(api, options) {
		const id = need(options, 'model');
		if (options.set) {
			const { month, year } = periods(api);
			const offers = JSON.parse(await readFile(options.set, 'utf8')).map(({ price = '0', period = 'month', service = null, ...rest }) => {
				const blocks = { month, year }[period] ?? period;
				// A week in which a period can still be renewed; a trial is not.
				const grace = rest.tier === 'Trial' ? 0 : Math.min(blocks, Math.floor(month / 4));
				return offer({ grace, ...rest, price: parse(price), period: blocks, service: service && terms(service) });
			});
			return changed(api, options, (owner, outPoint) => setPlans(api, owner, outPoint, offers));
		}
		const { plans } = await model(api, id);
		return plans.map(({ plan: { service, price, ...plan }, tier, to }, number) => ({ number, tier, ...plan, price: format(BigInt(price)), to, ...promised(service) }));
	},

	async subscribe(api, options) {
		const { outPoint } = await model(api, need(options, 'model'));
		const customer = signer(options);
		const had = await subscription(api, customer.address, options.model);
		const change = had && had.standing !== 'Ended' ? changePlan : subscribe;
		await change(api, customer, outPoint, count(options, 'plan'));
		return subscription(api, customer.address, options.model);
	},

	async subscription(api, options, [address]) {
		const found = await subscription(api, address ?? signer(options).address, need(options, 'model'));
		if (!found) throw new Error('There is no subscription.');
		return found;
	},

	async unsubscribe(api, options) {
		await cancelSubscription(api, signer(options), need(options, 'model'));
		return subscription(api, signer(options).address, options.model);
	},

	async pot(api, options) {
		const [owner, id] = [signer(options), need(options, 'model')];
		if (options.fund) await fundPot(api, owner, id, parse(options.fund));
		if (options.withdraw) await withdrawPot(api, owner, id, parse(options.withdraw));
		return (await pot(api, id, owner.address)) ?? { free: 0n, reserved: 0n };
	},

	async terms(api, options, [address]) {
		const found = await service(api, address ?? signer(options).address, need(options, 'model'));
		if (!found) throw new Error('There is no paid period of a plan.');
		const { tier, terms: agreed, waivesPenalty, covered } = found;
		return { tier, ...promised(agreed), waivesPenalty, covered };
	},

	async bond(api, options) {
		const id = need(options, 'model');
		if (options.post) await postServiceBond(api, signer(options), id, parse(options.post));
		if (options.withdraw) await withdrawServiceBond(api, signer(options), id, parse(options.withdraw));
		const owner = options.post || options.withdraw ? signer(options).address : (await model(api, id)).owner;
		return { owner, ...((await serviceBond(api, id, owner)) ?? { free: 0n, reserved: 0n }) };
	},

	waive: (api, options) => waives(api, options, true),

	unwaive: (api, options) => waives(api, options, false),

	async status(api, options, [id]) {
		const now = await status(api, Number(wanted(id, 'the number of a request')));
		if (!now) return { status: 'neither open nor readable any more' };
		if (now.status !== 'Settled' || !options.salt) return readable(now);
		const record = await versionRecord(api, now.version);
		return readable({ ...now, output: read(api, record, now, await readSalt(options.salt)) });
	},

	async cancel(api, options, [id]) {
		const { request, amount } = await told(api, signer(options), api.tx.aimodel.cancel(Number(wanted(id, 'the number of a request'))), 'Refunded');
		return { request: request.toNumber(), refunded: format(amount.toBigInt()) };
	},

	'worker register': async (api, options) => {
		const bond = options.bond && parse(options.bond);
		await register(api, signer(options), { bond, operator: need(options, 'operator') });
		return { worker: signer(options).address, operator: options.operator };
	},

	'worker serve': async (api, options) => {
		const { version } = await model(api, need(options, 'model'));
		if (!options.unchecked) {
			const node = options['worker-url'] ? await connect(options['worker-url']) : api;
			try {
				const { artifact, circuit } = await versionRecord(api, version);
				say('the node gets what it lacks of the model from other nodes');
				for (const file of [artifact, circuit?.provingKey]) if (file) await obtain(node, file);
				say('the node checks that it can prove the answers');
				await check(node, version);
			} finally {
				if (node !== api) await node.disconnect();
			}
		}
		const offer = { leastPay: parse(options['least-pay']), slots: count(options, 'slots'), lease: count(options, 'lease', 1) };
		await serve(api, signer(options), { version, ...offer });
		return { worker: signer(options).address, ...version };
	},

	async bill(api, options, [address]) {
		const found = await bills(api, address ?? signer(options).address);
		return found.flatMap(({ model, current, previous, projected, open, held, budget }) => [
			{ model, period: 'current', ...amounts(current), projected: format(projected), open, held: format(held), budget: budget === null ? null : format(budget) },
			{ model, period: 'previous', ...amounts(previous) },
		]);
	},

	async usage(api, options, [address]) {
		const found = await usage(api, address ?? signer(options).address, need(options, 'model'));
		if (!found) throw new Error(`There is no model ${options.model}.`);
		return found;
	},

	async revenue(api, options) {
		const id = need(options, 'model');
		const found = await revenue(api, id);
		if (!found) throw new Error(`There is no model ${id}.`);
		const { current, previous, projected, customers, previousCustomers } = found;
		return [
			{ period: 'current', ...amounts(current), projected: format(projected), customers },
			{ period: 'previous', ...amounts(previous), customers: previousCustomers },
		];
	},

	async budget(api, options) {
		const id = need(options, 'model');
		const limit = options.limit && parse(options.limit);
		await setBudget(api, signer(options), id, limit === undefined ? null : { limit, alerts: options.alert.map(Number) });
		return { model: id, limit: limit === undefined ? 'none' : format(limit) };
	},

	async earnings(api, options, [address]) {
		const who = address ?? signer(options).address;
		return { account: who, earnings: format(await earningsOf(api, who)) };
	},

	async withdraw(api, options) {
		return { withdrawn: format(await withdraw(api, signer(options), options.to)) };
	},
};

/** The version that a model file and its keys are, once the chain has the key and the node the files. */
async function versionOf(api, options, owner, file) {
	const onnx = new Uint8Array(await readFile(file));
	const keyFile = options['verifying-key'] && new Uint8Array(await readFile(options['verifying-key']));
	const key = keyFile && readVerifyingKey(keyFile);
	const [input, output] = key ? [key.input, key.output] : ['input', 'output'].map((side) => type(need(options, side)));
	let circuit = null;
	let units = { fixed: 0, perInputElement: 1, perOutputElement: 1 };
	if (key) {
		const provingKey = new Uint8Array(await readFile(need(options, 'proving-key')));
		const { multiply_accumulates: products } = await zkonnx('inspect', file);
		units = { fixed: Math.ceil(products / 1000), perInputElement: 0, perOutputElement: 0 };
		say('registering the verifying key, uploading the proving key');
		const parameters = key.parameters === 'private' ? await parameterCommitment(file) : null;
		circuit = { key: await registerKey(api, owner, key), provingKey: await upload(api, provingKey), privacy: key.privacy, parameters };
	}
	say('uploading the model');
	return { artifact: await upload(api, onnx), interface: { input, output }, units, lease: count(options, 'lease', 20), circuit };
}

/** The tariff that the options tell. */
async function tariffOf(options) {
	const factors = options.tariff ? JSON.parse(await readFile(options.tariff, 'utf8')) : {};
	return tariff({ ...factors, perCall: parse(need(options, 'price')), perUnit: parse(options['unit-price']), minimum: parse(options.minimum) });
}

/** Changes a model as its owner, or as a member of its set, from what is its output now. */
async function changed(api, options, change) {
	const { outPoint } = await model(api, need(options, 'model'));
	const next = await change(signer(options), outPoint);
	return next === outPoint ? approved(api, options) : { model: options.model, outPoint: next };
}

/** Changes an allow-list, whose model keeps its output. */
async function listed(api, options, done, change) {
	await change(signer(options), need(options, 'model'));
	const { lock } = await model(api, options.model);
	return (lock && (await approved(api, options))) ?? { model: options.model, ...done };
}

/** What the signer approved of a model that takes more approvals, if anything. */
async function approved(api, options) {
	const who = signer(options).address;
	const change = (await pendingChanges(api, options.model)).find(({ approved }) => approved.some(({ by }) => by === who));
	return change && { model: options.model, approved: change.call, ...awaited(change) };
}

/** What a pending change still takes, and what comes out. */
const awaited = ({ approved, missing, successor }) => ({
	by: approved.map(({ by }) => by),
	missing,
	until: Math.min(...approved.map(({ until }) => until)),
	successor,
});

/** What a pending change does, if the block that has its call is kept. */
async function shown(api, change) {
	const call = await callOf(api, change).catch(() => null);
	// The first argument names the output, or the model.
	return call ? { change: call.method, to: call.args.slice(1).map((argument) => argument.toJSON()) } : { change: 'unknown', to: null };
}

async function waives(api, options, waived) {
	await waivePenalty(api, signer(options), need(options, 'model'), waived);
	return { model: options.model, waivesPenalty: waived };
}

/** Service terms in columns. */
const promised = (agreed) =>
	agreed && { deadline: agreed.deadline, ...Object.fromEntries(['penalty', 'availability', 'breach'].map((share) => [share, `${agreed[share] / (WHOLE / 100)} %`])) };

/** Who would serve a request that names fallbacks, in which order, and at what price. */
async function quoteEach(api, options) {
	const ids = [need(options, 'model'), ...options.fallback];
	const [outPoint, ...fallbacks] = await Promise.all(ids.map(async (id) => (await model(api, id)).outPoint));
	const modelOf = (at) => ids[[outPoint, ...fallbacks].indexOf(at)];
	const order = { outPoint, fallbacks, inputBytes: count(options, 'bytes'), assurance: options.attested ? ATTESTED : PROVEN };
	const { serving, refused } = await quoteChain(api, options.account ?? signer(options).address, order);
	return [
		...serving.map(({ version, most }, place) => ({ model: version.model, version: version.index, most: format(most), serves: place === 0 ? 'first' : 'as a fallback' })),
		...refused.map(({ outPoint: at, reason }) => ({ model: modelOf(at), serves: 'not now', reason })),
	];
}

/** Totals with their money as text. */
const amounts = ({ calls, covered, vouched, units, spend, plans, refunds, failures }) => ({ calls, covered, vouched, units, spend: format(spend), plans: format(plans), refunds: format(refunds), failures });

/** A request of which something is hidden: the answer is read with the salt. */
async function secretly(api, options, wish) {
	if (options['no-wait']) throw new Error('--no-wait leaves nobody to tell the worker what the request hides.');
	const salt = await makeSalt(options.salt ?? `request-${u8aToHex(newSalt()).slice(2, 10)}.salt`);
	const node = options['worker-url'] ? await connect(options['worker-url']) : api;
	try {
		const end = await requestHidden(api, signer(options), wish, {
			salt,
			node,
			onOrder: (order) => say(`request ${order.request}: ${format(order.held)} held, opening it to its worker`),
			onRefusal: (error) => say(error.message),
		});
		return readable(end);
	} finally {
		if (node !== api) await node.disconnect();
	}
}

/** Makes a salt in a new file, for this user alone: one that is used twice tells of equal inputs. */
async function makeSalt(path) {
	const salt = newSalt();
	await writeFile(path, `${u8aToHex(salt)}\n`, { mode: 0o600, flag: 'wx' });
	say(`the salt is in ${path}: without it nobody reads the answer`);
	return salt;
}

/** The salt in a file. */
async function readSalt(path) {
	const salt = hexToU8a((await readFile(path, 'utf8')).trim());
	if (salt.length !== SALT) throw new Error(`${path} holds ${salt.length} bytes; a salt has ${SALT}.`);
	return salt;
}

async function main() {
	const { values, positionals } = parseArgs({ options: OPTIONS, allowPositionals: true });
	if (values.help || positionals.length === 0) return console.log(HELP);
	const names = [positionals.slice(0, 2).join(' '), positionals[0]];
	const name = names.find((name) => Object.hasOwn(COMMANDS, name));
	if (!name) throw new Error(`There is no command "${positionals[0]}"; --help lists them.`);
	const api = await connect(values.url);
	try {
		print(await COMMANDS[name](api, values, positionals.slice(name.split(' ').length)), values);
	} finally {
		await api.disconnect();
	}
}

main().catch((error) => {
	console.error(`error: ${error.message}`);
	process.exitCode = 1;
});
