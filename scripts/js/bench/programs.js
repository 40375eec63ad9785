/** Programs that measurements run, and a place for what they write. */

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { PROGRAMS } from '../src/node.js';

/** Where what is made for measuring stays. */
export const SCRATCH = `${PROGRAMS}/bench`;

/** The standard output of a program; its errors go where ours do. */
export async function output(program, args, env = {}) {
	const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } });
	let text = '';
	child.stdout.on('data', (data) => (text += data));
	const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
	if (code !== 0) throw new Error(`${program} ${args[0]} ended with ${code}.`);
	return text;
}

/** The `PYTHONPATH` of the packages of some requirements, which are installed once into the scratch folder. */
export async function packages(requirements) {
	const folders = [];
	for (const file of requirements) {
		const version = createHash('sha256').update(await readFile(file)).digest('hex').slice(0, 12);
		const folder = `${SCRATCH}/python-${version}`;
		if (!existsSync(folder)) {
			await mkdir(SCRATCH, { recursive: true });
			const staging = await mkdtemp(`${folder}.`);
			const options = ['--quiet', '--disable-pip-version-check', '--root-user-action=ignore', '--no-deps', '--only-binary=:all:', '--require-hashes'];
			await output('python3', ['-m', 'pip', 'install', ...options, '--target', staging, '--requirement', file]);
			await rename(staging, folder);
		}
		folders.push(folder);
	}
	return folders.join(':');
}

/** Runs a Python script with the packages of some requirements. */
export async function python(requirements, ...args) {
	return output('python3', args, { PYTHONPATH: await packages(requirements) });
}

/** A new folder. Keys of a peer can be larger than what `/tmp` holds. */
export async function scratch() {
	await mkdir(SCRATCH, { recursive: true });
	return mkdtemp(`${SCRATCH}/run-`);
}

/** Calls `job` with a new folder, which is gone afterwards. */
export async function inScratch(job) {
	const folder = await scratch();
	try {
		return await job(folder);
	} finally {
		await rm(folder, { recursive: true, force: true });
	}
}
