/** Prices that follow the market, bills, budgets, and what models bring in. */

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bill, bills, revenue, setBudget } from '../src/billing.js';
import { testImages } from '../src/digits.js';
import { format } from '../src/money.js';
import { quote, reprice, tariff } from '../src/models.js';
import { requestTx, settlement } from '../src/requests.js';
import { World } from './world.js';

const world = await World.forTests({ worker: true });
const { api, alice, bob, charlie, ferdie } = world;
const { images } = await testImages();
const digits = await world.deployDigits();
await world.bondWorker(charlie, world.worker, [digits.version]);
let { outPoint } = digits;

/** Buys an image, and returns what was paid. */
async function buy(customer, row) {
	const { request, held } = await world.order(customer, { outPoint, input: images[row] });
	const end = await world.sealing(settlement(api, request));
	assert.deepEqual([end.status, end.price], ['Settled', held]);
	return end.price;
}

world.test('a customer who has bought before pays less, as quoted item by item', async () => {
	const half = { from: 2, discount: 500_000 };
	outPoint = await world.sealing(reprice(api, bob, outPoint, tariff({ perCall: 1_001n, volume: [half] })));
	const quoted = (account) => quote(api, digits.model, 64, { account });
	for (const expected of [1_001n, 1_001n, 501n]) {
		const { maxPrice, breakdown } = await quoted(alice.address);
		assert.equal(maxPrice, expected);
		const { price, ...items } = breakdown;
		assert.equal(Object.values(items).reduce((sum, item) => sum + item, 0n), price);
		assert.equal(await buy(alice, 0), expected);
	}
	assert.equal((await quoted(ferdie.address)).maxPrice, 1_001n);
	assert.equal((await quoted()).maxPrice, 1_001n);
});

world.test('bill and revenue tell what was paid, and by how many', async () => {
	assert.equal(await bill(api, ferdie.address, digits.model), null);
	await buy(ferdie, 1);
	const mine = await bill(api, alice.address, digits.model);
	assert.deepEqual([mine.current.calls, mine.current.spend, mine.open, mine.held], [3, 2_503n, 0, 0n]);
	assert.ok(mine.projected >= mine.current.spend);
	assert.deepEqual(await bills(api, alice.address), [{ model: digits.model, ...mine }]);
	const { current, customers, prices } = await revenue(api, digits.model);
	assert.deepEqual([current.calls, current.spend, customers, prices.length], [4, 3_504n, 2, 2]);
});

world.test('a budget stops what could exceed it, and tells before', async () => {
	await world.sealing(setBudget(api, ferdie, digits.model, { limit: 2_002n, alerts: [100] }));
	await buy(ferdie, 2);
	const alerts = (await world.history()).flatMap(({ events }) => events).filter(({ event }) => event.method === 'BudgetAlert');
	assert.deepEqual(alerts.map(({ event }) => event.data.spent.toBigInt()), [2_002n]);
	await world.refused('aimodel.BudgetExceeded', requestTx(api, { outPoint, input: images[3], maxFee: 10_000n }), ferdie);
	await world.sealing(setBudget(api, ferdie, digits.model, null));
	await buy(ferdie, 3);
});

world.test('the program `aimodel` prints bills and revenue, for people and for machines', async () => {
	const path = fileURLToPath(new URL('../src/cli.js', import.meta.url));
	const aimodel = async (...args) => (await promisify(execFile)('node', [path, ...args, '--url', world.node.url])).stdout;
	const rows = JSON.parse(await aimodel('bill', alice.address, '--json'));
	assert.deepEqual([rows.length, rows[0].calls, rows[0].spend], [2, 3, format(2_503n)]);
	const [head, line] = (await aimodel('bill', alice.address, '--csv')).split('\n');
	assert.deepEqual(head.split(',').slice(0, 3), ['model', 'period', 'calls']);
	assert.deepEqual(line.split(',').slice(0, 3), [digits.model, 'current', '3']);
	assert.match(await aimodel('revenue', '--model', digits.model), /^period\s+calls.*\ncurrent\s+6 /);
	const quoted = JSON.parse(await aimodel('quote', '--model', digits.model, '--bytes', '64', '--account', alice.address, '--json'));
	assert.deepEqual(quoted.breakdown, { perCall: format(1_001n), volume: format(-500n), price: format(501n) });
});
