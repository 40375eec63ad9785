use super::*;

/// Where the records, and where the points of a file begin.
fn layout(file: &[u8]) -> (usize, usize) {
	let mut bytes = Vec::new();
	terms().write(&mut bytes);
	let records = 8 + 2 + 1 + 1 + 1 + bytes.len();
	let n = 1usize << file[10];
	let points = 96 * (2 * n - 1) + 192 * n + 2 * 96 * n + 192;
	(records, file.len() - points)
}

/// Bytes of a contribution: kind, participant, points, commitments, responses, state, signature.
const RECORD: usize = 1 + 2 + 3 * (48 + 48 + 32) + 32 + 64;

fn error(file: &[u8]) -> CeremonyError {
	read_powers(file).unwrap_err()
}

fn fault(index: usize, fault: Fault) -> CeremonyError {
	CeremonyError::Contribution { index, fault }
}

#[test]
fn every_stage_verifies_and_says_where_it_stands() {
	let stages = stages(2);
	let expected = [
		(0, false, false),
		(1, false, false),
		(2, false, false),
		(2, true, false),
		(2, true, true),
	];
	for (file, (contributions, closed, finished)) in stages.iter().zip(expected) {
		let powers = read_powers(file).expect("a valid stage");
		let status = powers.status();
		assert_eq!(status.contributions, contributions);
		assert_eq!((status.closed, status.finished), (closed, finished));
		assert_eq!(status.terms, Some(terms()));
		assert_eq!((powers.power(), powers.source()), (2, None));
		assert_eq!(&powers::peek(&mut &file[..]).expect("a head"), status);
	}
}

#[test]
fn the_powers_are_those_of_the_product_of_the_secrets() {
	// The secrets of the tests, recomputed.
	let mut product = [Fr::ONE; 3];
	for number in 0..2u64 {
		let secrets = chain::Secrets::<3>::draw(&mut rng(number), b"");
		product.iter_mut().zip(&secrets.factors).for_each(|(product, x)| *product *= x);
	}
	let file = &stages(3)[2];
	let powers = Powers::read(&mut &file[..], 3).expect("valid");
	let [tau, alpha, beta] = product;
	assert_eq!(powers.reference(), &reference(8, tau, alpha, beta));
	// Fewer are kept, all are verified.
	let fewer = Powers::read(&mut &file[..], 2).expect("valid");
	assert_eq!(fewer.reference(), &reference(4, tau, alpha, beta));
}

#[test]
fn sizes_have_limits() {
	for power in [0, MAX_POWER + 1] {
		let refused = powers::new(power, terms(), &mut Vec::new());
		assert_eq!(refused, Err(CeremonyError::Power(power)));
		let mut file = begin_powers(1);
		file[10] = power;
		assert_eq!(error(&file), CeremonyError::Power(power));
	}
	// A header that promises terabytes, and a file that does not hold them.
	let mut file = begin_powers(1);
	file[10] = MAX_POWER;
	assert_eq!(error(&file), CeremonyError::Truncated);
}

#[test]
fn headers_are_checked() {
	let good = powers_file();
	let changed = |at: usize, to: u8| {
		let mut file = good.clone();
		file[at] = to;
		error(&file)
	};
	assert_eq!(changed(0, b'Z'), CeremonyError::Magic("file of powers of tau"));
	assert_eq!(error(b"zkonnxCT"), CeremonyError::Magic("file of powers of tau"));
	assert_eq!(changed(8, 1), CeremonyError::Version { expected: 2, got: 1 });
	assert_eq!(changed(11, 2), CeremonyError::Code { what: "the start", code: 2 });
	assert_eq!(changed(12, 0), CeremonyError::NoTerms);
	assert_eq!(changed(12, 2), CeremonyError::Code { what: "the presence of terms", code: 2 });
	let coordinator = TermsError::Key("the coordinator".into());
	let mut file = good.clone();
	file[45..77].fill(0xff);
	assert_eq!(error(&file), coordinator.into());
	// The terms are part of what is signed.
	let (records, _) = layout(good);
	assert_eq!(changed(records - 1, good[records - 1] ^ 1), {
		// Another participant's key: no point, or not the one that signed.
		let mut key = [0; 32];
		key.copy_from_slice(&good[records - 32..records]);
		key[31] ^= 1;
		match PublicKey::from_bytes(&key) {
			Some(_) => fault(0, Fault::Signature),
			None => TermsError::Key("participant 2".into()).into(),
		}
	});
	assert_eq!(changed(13, 43), fault(0, Fault::Signature), "the nonce");
	assert_eq!(changed(77, 3), fault(0, Fault::Signature), "the least number");
	assert_eq!(changed(81, b'D'), fault(0, Fault::Signature), "the source");
	assert_eq!(changed(85, 8), fault(0, Fault::Signature), "the round");
	assert_eq!(changed(93, 3), fault(0, Fault::Signature), "the delay");
}

#[test]
fn changed_and_missing_bytes_are_noticed() {
	let stages = stages(1);
	let good = &stages[4];
	let (_, points) = layout(good);
	for at in (0..points).step_by(5).chain((points..good.len()).step_by(37)) {
		let mut file = good.clone();
		file[at] ^= 1;
		error(&file);
	}
	for length in (0..good.len()).step_by(31) {
		let error = error(&good[..length]);
		let expected = [CeremonyError::Truncated, CeremonyError::Magic("file of powers of tau")];
		assert!(expected.contains(&error), "{length}: {error}");
	}
	assert_eq!(error(&[&good[..], &[0]].concat()), CeremonyError::Trailing);
}

#[test]
fn changed_points_are_blamed_on_the_last_contribution() {
	let good = powers_file();
	let (_, points) = layout(good);
	let n = 1usize << POWER;
	// A valid point in the place of another: the digest tells.
	let mut file = good.clone();
	file[points + 5 * 96..points + 6 * 96].copy_from_slice(&good[points..points + 96]);
	assert_eq!(error(&file), fault(2, Fault::Digest));
	// No point.
	let sections = [
		("the powers of tau in G1", 96 * 5, 5),
		("the powers of tau in G2", 96 * (2 * n - 1) + 192 * 3, 3),
		("the powers of tau times alpha", 96 * (2 * n - 1) + 192 * n + 96, 1),
		("the powers of tau times beta", 96 * (3 * n - 1) + 192 * n, 0),
		("beta in G2", 96 * (4 * n - 1) + 192 * n, 0),
	];
	for (what, at, index) in sections {
		let mut file = good.clone();
		file[points + at + 50] ^= 1;
		assert_eq!(error(&file), fault(2, Fault::State { what, index }));
	}
}

/// Points that a participant left behind, who signed their digest, and who cheated.
fn cheat(change: impl FnOnce(&mut Vec<u8>, usize)) -> CeremonyError {
	let power = 3;
	let good = contribute_powers(&begin_powers(power), 0).expect("a participant");
	let (records, points) = layout(&good);
	// Contribute again, with the digest of other points.
	let mut bad = good[points..].to_vec();
	change(&mut bad, 1 << power);
	let header = &good[..records];
	let start = [G1Affine::generator(); 3];
	let mut chain = chain::Chain::<3>::new(header, Some(terms()), start);
	let secrets = chain::Secrets::draw(&mut rng(0), b"");
	let state = crate::hash::blake2b_256(&[&bad]);
	chain.contribute(&identity(0), &secrets, state, 0).expect("a participant");
	let mut file = header.to_vec();
	chain.write(&mut file);
	file.extend_from_slice(&bad);
	error(&file)
}

#[test]
fn points_that_are_no_powers_are_refused_even_if_signed() {
	let g1 = encode(&[G1Affine::generator()]);
	let g2 = encode(&[G2Affine::generator()]);
	let sections: [(&str, fn(usize) -> usize, &[u8]); 9] = [
		("the powers of tau in G1", |_| 96, &g1),
		("the powers of tau in G1", |_| 96 * 4, &g1),
		("the powers of tau in G1", |n| 96 * (2 * n - 2), &g1),
		("the powers of tau in G2", |n| 96 * (2 * n - 1) + 192, &g2),
		("the powers of tau in G2", |n| 96 * (2 * n - 1) + 192 * (n - 1), &g2),
		("the powers of tau times alpha", |n| 96 * (2 * n - 1) + 192 * n, &g1),
		("the powers of tau times alpha", |n| 96 * (3 * n - 2) + 192 * n, &g1),
		("the powers of tau times beta", |n| 96 * (4 * n - 2) + 192 * n, &g1),
		("beta in G2", |n| 96 * (4 * n - 1) + 192 * n, &g2),
	];
	for (what, at, point) in sections {
		let error = cheat(|bytes, n| bytes[at(n)..at(n) + point.len()].copy_from_slice(point));
		assert_eq!(error, fault(0, Fault::Inconsistent(what)));
	}
	// The identity everywhere would satisfy the pairings of sequences.
	let error = cheat(|bytes, n| {
		for chunk in bytes[..96 * (2 * n - 1)].chunks_mut(96).skip(2) {
			chunk.fill(0);
			chunk[0] = 0x40;
		}
	});
	assert_eq!(error, fault(0, Fault::Inconsistent("the powers of tau in G1")));
	// Outside the subgroup: the second coordinate of a point of small order, (0, 2).
	let error = cheat(|bytes, _| {
		bytes[96 * 3..96 * 4].fill(0);
		bytes[96 * 4 - 1] = 2;
	});
	let what = "the powers of tau in G1";
	assert_eq!(error, fault(0, Fault::State { what, index: 3 }));
}

#[test]
fn steps_out_of_order_leave_nothing_behind() {
	let stages = stages(1);
	assert_eq!(contribute_powers(&stages[1], 0), Err(CeremonyError::Repeated(0)));
	let stranger = identity(60).public();
	assert_eq!(contribute_powers(&stages[1], 60), Err(CeremonyError::Stranger(stranger)));
	assert_eq!(contribute_powers(&stages[3], 2), Err(CeremonyError::Closed));
	assert_eq!(contribute_powers(&stages[4], 2), Err(CeremonyError::Finished));
	let beacon = |file: &[u8], round, value: &[u8]| {
		step(file, |input, output| powers::beacon(input, output, round, value))
	};
	let few = CeremonyError::TooFew { got: 1, minimum: 2 };
	assert_eq!(beacon(&stages[1], 7, VALUE), Err(few));
	let round = CeremonyError::Round { expected: 7, got: 9 };
	assert_eq!(beacon(&stages[2], 9, VALUE), Err(round));
	let finalize = |file: &[u8], by: u8| {
		step(file, |input, output| powers::finalize(input, output, &identity(by)))
	};
	assert_eq!(finalize(&stages[2], 100), Err(CeremonyError::NoBeacon));
	let (expected, got) = (identity(100).public(), identity(1).public());
	let refused = CeremonyError::Coordinator { expected, got };
	assert_eq!(finalize(&stages[3], 1), Err(refused));
	// Nobody builds on points that do not verify.
	let mut bad = stages[1].clone();
	let last = bad.len() - 1;
	bad[last] ^= 1;
	assert!(matches!(
		contribute_powers(&bad, 1),
		Err(CeremonyError::Contribution { index: 0, fault: Fault::State { .. } })
	));
	let (records, _) = layout(&stages[4]);
	assert_eq!(stages[1].len() - stages[0].len(), RECORD);
	// A dropped contribution.
	let mut short = stages[2].clone();
	short.drain(records + 2 + RECORD..records + 2 + 2 * RECORD);
	short[records] = 1;
	assert_eq!(error(&short), fault(0, Fault::Digest));
}

#[test]
fn contributions_that_are_not_done_before_the_beacon_are_none() {
	let beacon = Beacon { source: Source::Quicknet, round: 2, delay: 0 };
	let round = beacon.time().expect("a time");
	let mut file = Vec::new();
	powers::new(1, Terms { beacon, ..terms() }, &mut file).expect("good terms");
	let contribute = |times: [u64; 2]| {
		let times = std::cell::RefCell::new(times.into_iter());
		let clock = || times.borrow_mut().next().expect("asked twice");
		step(&file, |input, output| {
			powers::contribute(input, output, &identity(0), clock, &mut rng(0), b"")
		})
	};
	assert!(contribute([round - 2, round - 1]).is_ok());
	let late = |seconds| Err(CeremonyError::Late { round: 2, seconds });
	assert_eq!(contribute([round - 2, round + 5]), late(5));
	assert_eq!(contribute([round, round]), late(0));
}

#[test]
fn where_powers_stand_is_told_without_waiting_for_the_delay() {
	let mut file = stages(1).swap_remove(3);
	let (records, _) = layout(&file);
	// Another value of the beacon, which nobody has signed yet.
	file[records + 2 + 2 * RECORD + 2] ^= 1;
	assert!(powers::peek(&mut &file[..]).expect("a head").closed);
	assert_eq!(error(&file), fault(2, Fault::Beacon));
}

#[test]
fn a_failing_disk_is_an_error() {
	struct Broken;
	impl std::io::Read for Broken {
		fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
			Err(std::io::Error::other("the disk is on fire"))
		}
	}
	let file = begin_powers(1);
	let mut input = std::io::Read::chain(&file[..file.len() - 1], Broken);
	let error = Powers::read(&mut input, 1).unwrap_err();
	assert_eq!(error, CeremonyError::Io("the disk is on fire".into()));
}
