/** What the program `aimodel` prints: for people, as JSON, or with commas. */

import { u8aToHex } from '@polkadot/util';
import { format } from './money.js';

/** Names of what is money. */
const AMOUNTS = new Set(['held', 'price', 'refund', 'amount', 'platform', 'worker', 'collateral', 'incentives', 'escrow', 'credit', 'free', 'reserved', 'draw', 'usual', 'breach', 'owed', 'covered']);

/** A result for people and JSON: bytes in hexadecimal, amounts in UNIT. */
export function readable(value, name) {
	if (typeof value === 'bigint') return AMOUNTS.has(name) ? format(value) : value.toString();
	if (value instanceof Uint8Array) return u8aToHex(value);
	if (Array.isArray(value)) return value.map((item) => readable(item, 'amount'));
	if (value === null || typeof value !== 'object') return value;
	return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item, key)]));
}

/** Prints a result as the options want it. */
export function print(result, { json, csv }) {
	const plain = readable(result);
	if (json) return console.log(JSON.stringify(plain));
	if (Array.isArray(plain)) return table(plain, csv);
	if (csv) throw new Error('--csv is for results that are tables.');
	for (const [key, value] of Object.entries(plain)) {
		console.log(`${key}: ${typeof value === 'object' ? JSON.stringify(value) : value}`);
	}
}

/** Prints rows: aligned, or with commas. Columns that a row does not have stay empty. */
function table(rows, csv) {
	const columns = [...new Set(rows.flatMap(Object.keys))];
	const cell = (value) => (value !== null && typeof value === 'object' ? JSON.stringify(value) : String(value ?? ''));
	const lines = [columns, ...rows.map((row) => columns.map((column) => cell(row[column])))];
	if (csv) return lines.forEach((line) => console.log(line.map((cell) => (/[",\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(',')));
	const widths = columns.map((_, at) => Math.max(...lines.map((line) => line[at].length)));
	for (const line of lines) console.log(line.map((cell, at) => cell.padEnd(widths[at])).join('  ').trimEnd());
}

/** Progress goes to the standard error, so that the standard output is the result alone. */
export const say = (line) => console.error(`… ${line}`);
