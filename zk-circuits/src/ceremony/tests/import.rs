use super::*;
use ark_bls12_381::{Fq, Fq2};
use ark_ff::{BigInteger, PrimeField};

/// A file of `powersoftau`, written with nothing of this crate's encoders: coordinates big-endian,
/// of G2 the second part first; flags in the three highest bits.
struct Writer {
	bytes: Vec<u8>,
	compressed: bool,
}

impl Writer {
	fn coordinates(&mut self, x: &[Fq], y: &[Fq], largest: bool) {
		let at = self.bytes.len();
		let y = if self.compressed { &[] } else { y };
		for coordinate in x.iter().chain(y) {
			self.bytes.extend_from_slice(&coordinate.into_bigint().to_bytes_be());
		}
		if self.compressed {
			self.bytes[at] |= 0x80 | if largest { 0x20 } else { 0 };
		}
	}

	fn g1(&mut self, scalar: Fr) {
		let point = (G1Affine::generator() * scalar).into_affine();
		let largest = point.y.into_bigint() > (-point.y).into_bigint();
		self.coordinates(&[point.x], &[point.y], largest);
	}

	fn g2(&mut self, scalar: Fr) {
		let point = (G2Affine::generator() * scalar).into_affine();
		let key = |y: Fq2| (y.c1.into_bigint(), y.c0.into_bigint());
		let largest = key(point.y) > key(-point.y);
		let parts = |z: Fq2| [z.c1, z.c0];
		self.coordinates(&parts(point.x), &parts(point.y), largest);
	}
}

fn file(n: u64, compressed: bool, [tau, alpha, beta]: [Fr; 3]) -> Vec<u8> {
	let mut writer = Writer { bytes: vec![0xab; 64], compressed };
	(0..2 * n - 1).for_each(|i| writer.g1(tau.pow([i])));
	(0..n).for_each(|i| writer.g2(tau.pow([i])));
	(0..n).for_each(|i| writer.g1(alpha * tau.pow([i])));
	(0..n).for_each(|i| writer.g1(beta * tau.pow([i])));
	writer.g2(beta);
	if compressed {
		writer.bytes.extend_from_slice(&[0xcd; 1152]);
	}
	writer.bytes
}

fn secrets() -> [Fr; 3] {
	[11u64, 12, 13].map(|x| Fr::from(x).pow([77]))
}

fn import(file: &[u8], keep: Option<u8>, terms: Option<Terms>) -> Result<Vec<u8>, CeremonyError> {
	let mut output = Vec::new();
	powers::import(&mut Cursor::new(file), &mut output, keep, terms)?;
	Ok(output)
}

#[test]
fn both_layouts_are_read() {
	let [tau, alpha, beta] = secrets();
	for compressed in [false, true] {
		let file = file(8, compressed, secrets());
		let imported = import(&file, None, None).expect("a good file");
		let powers = read_powers(&imported).expect("what was written");
		assert_eq!(powers.power(), 3);
		assert!(powers.status().finished && powers.status().terms.is_none());
		assert_eq!(powers.reference(), &reference(8, tau, alpha, beta));
		let hash = blake2b_simd::Params::new().hash_length(64).hash(&file);
		assert_eq!(powers.source().map(|source| &source[..]), Some(hash.as_bytes()));
		// A prefix.
		let imported = import(&file, Some(2), None).expect("a good file");
		let powers = read_powers(&imported).expect("what was written");
		assert_eq!(powers.reference(), &reference(4, tau, alpha, beta));
		let none = contribute_powers(&imported, 0);
		assert_eq!(none, Err(CeremonyError::NoTerms));
	}
}

#[test]
fn imported_powers_make_keys() {
	let imported = import(&file(1 << POWER, false, secrets()), None, None).expect("good");
	let powers = read_powers(&imported).expect("what was written");
	let status = powers.status();
	assert_eq!(status.check_imported(None), Err(CeremonyError::Imported(status.hash)));
	let (accepted, got) = ([3; 32], status.hash);
	let other = CeremonyError::Accepted { accepted, got };
	assert_eq!(status.check_imported(Some(accepted)), Err(other));
	assert_eq!(status.check_imported(Some(got)), Ok(()));
	let own = read_powers(powers_file()).expect("valid");
	assert_eq!(own.status().check_imported(None), Ok(()));
	let base = Base::derive(&network(), Privacy::PUBLIC, &powers).expect("large enough");
	let [tau, alpha, beta] = secrets();
	let circuit = Circuit::new(&network(), Privacy::PUBLIC);
	let expected = first_key(&circuit, &reference(1 << POWER, tau, alpha, beta)).expect("enough");
	assert_eq!(base.queries(), [expected.l_query, expected.h_query]);
}

#[test]
fn imported_powers_can_be_where_a_ceremony_starts() {
	let mut file = import(&file(4, true, secrets()), None, Some(terms())).expect("good");
	assert!(!read_powers(&file).expect("valid").status().finished);
	let mut product = secrets();
	for number in 0..2u8 {
		file = contribute_powers(&file, number).expect("a participant");
		let secrets = chain::Secrets::<3>::draw(&mut rng(number.into()), b"");
		product.iter_mut().zip(&secrets.factors).for_each(|(product, x)| *product *= x);
	}
	let [tau, alpha, beta] = product;
	let powers = read_powers(&file).expect("valid");
	assert_eq!(powers.reference(), &reference(4, tau, alpha, beta));
}

#[test]
fn imported_powers_are_compared_with_their_source() {
	let sources = [false, true].map(|compressed| file(4, compressed, secrets()));
	let verify = |powers: &[u8], source: &[u8]| {
		read_powers(powers).expect("valid").verify_source(&mut Cursor::new(source))
	};
	let hash = |file: &[u8]| {
		let hash = blake2b_simd::Params::new().hash_length(64).hash(file);
		Box::new(*hash.as_array())
	};
	for source in &sources {
		let whole = import(source, None, None).expect("good");
		let prefix = import(source, Some(1), None).expect("good");
		let begun = import(source, None, Some(terms())).expect("good");
		let contributed = contribute_powers(&begun, 0).expect("a participant");
		for powers in [&whole, &prefix, &begun, &contributed] {
			assert_eq!(verify(powers, source), Ok(()));
			let mut other = source.clone();
			other[0] ^= 1;
			for other in [&other, &file(2, false, secrets()), &file(8, true, secrets())] {
				let (expected, got) = (hash(source), hash(other));
				assert_eq!(verify(powers, other), Err(CeremonyError::Source { expected, got }));
			}
		}
		assert_eq!(verify(&whole, &source[1..]), {
			Err(CeremonyError::ImportLength(source.len() as u64 - 1))
		});
	}
	// Powers of other secrets, which name the file that they do not come from.
	let mut forged = import(&file(4, false, [3, 5, 7].map(Fr::from)), None, None).expect("good");
	forged[12..76].copy_from_slice(&hash(&sources[0])[..]);
	assert_eq!(verify(&forged, &sources[0]), Err(CeremonyError::SourcePoints));
	assert_eq!(verify(powers_file(), &sources[0]), Err(CeremonyError::NoSource));
}

#[test]
fn files_that_are_no_powers_are_refused() {
	let good = file(4, false, secrets());
	let refused = |file: &[u8]| import(file, None, None).unwrap_err();
	assert_eq!(refused(&good[1..]), CeremonyError::ImportLength(good.len() as u64 - 1));
	assert_eq!(refused(&[]), CeremonyError::ImportLength(0));
	for keep in [0, 3] {
		assert_eq!(import(&good, Some(keep), None), Err(CeremonyError::Power(keep)));
	}
	let changed = |at: usize, bytes: &[u8]| {
		let mut file = good.clone();
		file[at..at + bytes.len()].copy_from_slice(bytes);
		refused(&file)
	};
	let start = CeremonyError::Start;
	let what = "the powers of tau in G1";
	assert_eq!(changed(64 + 2 * 96, &[0xff]), start(Fault::State { what, index: 2 }));
	// Outside the subgroup.
	let mut small = [0; 96];
	small[95] = 2;
	assert_eq!(changed(64 + 3 * 96, &small), start(Fault::State { what, index: 3 }));
	let valid = good[64..64 + 96].to_vec();
	assert_eq!(changed(64 + 3 * 96, &valid), start(Fault::Inconsistent(what)));
	let alpha = 64 + 7 * 96 + 4 * 192;
	let what = "the powers of tau times alpha";
	assert_eq!(changed(alpha + 2 * 96, &valid), start(Fault::Inconsistent(what)));
	let mut zero = [0; 96];
	zero[0] = 0x40;
	assert_eq!(changed(alpha, &zero), start(Fault::Identity));
	// A secret of zero: all points but the first are the identity.
	let mut file = good.clone();
	file[64 + 96..64 + 192].copy_from_slice(&zero);
	assert_eq!(refused(&file), start(Fault::Identity));
}

#[test]
fn the_header_of_imported_powers_is_bound() {
	let good = import(&file(2, false, secrets()), None, None).expect("good");
	for at in 0..good.len() {
		// The hash of the source is a name for people to compare; without terms nobody signs it.
		if (12..76).contains(&at) {
			continue;
		}
		let mut file = good.clone();
		file[at] ^= 1;
		assert!(read_powers(&file).is_err(), "byte {at}");
	}
	let mut file = good.clone();
	file[12] ^= 1;
	let (file, good) = (read_powers(&file).expect("valid"), read_powers(&good).expect("valid"));
	assert!(file.status().hash != good.status().hash, "a phase 2 names it");
}
