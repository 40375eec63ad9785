//! Requests whose input or answer the chain does not see.
//!
//! What commitments are made of is the circuit's matter; here is what the chain makes of them.

use super::world::*;
use crate::*;
use aimodel_primitives::{
	privacy::{Commitment, Privacy, Visibility},
	statement::{self, Known, Scalar},
};
use frame_support::{assert_noop, assert_ok, dispatch::DispatchResultWithPostInfo};
use pallet_zk_verifier::simulator::SimulatedKey;
use sp_core::{ConstU32, H256};
use sp_runtime::AccountId32;

type KeyError = pallet_zk_verifier::Error<Test>;

const COMMITMENT: Scalar = [5; 32];

const BOTH: Privacy = Privacy { input: Visibility::Committed, output: Visibility::Committed };
const INPUT: Privacy = Privacy { input: Visibility::Committed, output: Visibility::Public };
const OUTPUT: Privacy = Privacy { input: Visibility::Public, output: Visibility::Committed };

/// A model that hides this much, with a worker that serves it.
struct Hidden {
	privacy: Privacy,
	key: SimulatedKey,
	out_point: OutPoint,
}

impl Hidden {
	fn new(privacy: Privacy) -> Self {
		let inputs = statement::count_public_inputs(&digits_interface(), privacy, false).unwrap();
		let key = SimulatedKey::new(inputs, 1);
		let id = register_key(&OWNER, ARTIFACT, &key);
		let (model, out_point) = deploy(hidden_digits(id, privacy));
		bond(&WORKER);
		serve(&WORKER, VersionId { model, index: 0 });
		Self { privacy, key, out_point }
	}

	fn input(&self) -> Input<ConstU32<256>> {
		let Input::Inline(bytes) = image() else { unreachable!() };
		match self.privacy {
			OUTPUT => Input::Salted { bytes, commitment: COMMITMENT },
			_ => Input::Committed { commitment: COMMITMENT },
		}
	}

	fn output(&self) -> Output<ConstU32<256>> {
		match self.privacy {
			INPUT => scores(),
			// Three scalars whose highest bytes are zero.
			_ => {
				let byte = |at| if at % 32 == 31 { 0 } else { at };
				Output::Inline((0..96).map(byte).collect::<Vec<u8>>().try_into().unwrap())
			},
		}
	}

	/// A request that the worker has accepted.
	fn accepted(&self) -> RequestId {
		let id = request(self.out_point, PROVEN, self.input(), PRICE);
		next_block();
		assert_ok!(Workers::accept(RuntimeOrigin::signed(operator(&WORKER)), id));
		id
	}

	/// A proof of this answer to the request of this customer.
	fn prove(
		&self,
		request: RequestId,
		customer: &AccountId32,
		output: &Output<ConstU32<256>>,
	) -> ProofBytes {
		let Output::Inline(output) = output else { unreachable!() };
		let Input::Inline(image) = image() else { unreachable!() };
		let known = Known {
			binding: Aimodel::binding(request, &WORKER),
			parameters: None,
			commitment: Some(Commitment::of(&customer.clone().into(), COMMITMENT)),
			input: (self.privacy == OUTPUT).then_some(&image[..]),
			output,
		};
		let inputs = statement::public_inputs(&digits_interface(), self.privacy, known).unwrap();
		self.key.prove(&inputs, 1).try_into().unwrap()
	}
}

fn submit(
	request: RequestId,
	output: Output<ConstU32<256>>,
	proof: ProofBytes,
) -> DispatchResultWithPostInfo {
	let origin = RuntimeOrigin::signed(operator(&WORKER));
	Aimodel::submit_result(origin, request, output, None, Some(proof))
}

#[test]
fn hidden_requests_settle_for_the_same_price() {
	for privacy in [INPUT, OUTPUT, BOTH] {
		run(|| {
			let hidden = Hidden::new(privacy);
			let id = hidden.accepted();
			assert_eq!(held(&CUSTOMER), PRICE);
			let output = hidden.output();
			let proof = hidden.prove(id, &CUSTOMER, &output);
			assert_ok!(submit(id, output.clone(), proof));
			assert_eq!(held(&CUSTOMER), 0);
			let earned: Balance = [PLATFORM, WORKER, OWNER, AUTHOR].iter().map(earned).sum();
			assert_eq!(earned, PRICE);
			assert_eq!(Settlements::<Test>::get(id).unwrap().output, output);
		});
	}
}

#[test]
fn a_lease_of_a_commitment_obliges_only_after_accept() {
	run(|| {
		let hidden = Hidden::new(BOTH);
		let id = request(hidden.out_point, PROVEN, hidden.input(), PRICE);
		next_block();
		let (output, bond) = (hidden.output(), bonded(&WORKER));
		let proof = hidden.prove(id, &CUSTOMER, &output);
		assert_noop!(submit(id, output, proof), Error::<Test>::LeaseNotAccepted);
		advance_to(deadline(id) + 1);
		assert_eq!((held(&CUSTOMER), bonded(&WORKER)), (0, bond), "nobody lost anything");
	});
}

#[test]
fn a_copied_commitment_buys_nothing() {
	run(|| {
		let hidden = Hidden::new(BOTH);
		let id = hidden.accepted();
		let output = hidden.output();
		let for_another = hidden.prove(id, &STRANGER, &output);
		assert_noop!(submit(id, output, for_another), KeyError::ProofRejected);
	});
}

#[test]
fn a_sealed_answer_is_as_long_as_its_scalars_and_canonical() {
	run(|| {
		let hidden = Hidden::new(BOTH);
		let id = hidden.accepted();
		let right = hidden.output();
		let proof = hidden.prove(id, &CUSTOMER, &right);
		let Output::Inline(bytes) = &right else { unreachable!() };
		for length in [0, 32, 40, 64, 95, 97, 128] {
			let mut other = bytes.to_vec();
			other.resize(length, 0);
			let other = Output::Inline(other.try_into().unwrap());
			assert_noop!(submit(id, other, proof.clone()), Error::<Test>::OutputLength);
		}
		for at in (0..96).step_by(5) {
			let mut other = bytes.clone();
			other[at] ^= 1;
			let other = submit(id, Output::Inline(other), proof.clone());
			assert_noop!(other, KeyError::ProofRejected);
		}
		let mut other = bytes.clone();
		other[63] = 0xff;
		assert_noop!(
			submit(id, Output::Inline(other), proof.clone()),
			KeyError::NonCanonicalScalar
		);
		assert_ok!(submit(id, right, proof));
	});
}

#[test]
fn a_request_shows_what_the_version_shows() {
	let Input::Inline(bytes) = image() else { unreachable!() };
	let inline = || image();
	let blob = || Input::Blob { hash: H256::zero(), length: 64 };
	let committed = || Input::Committed { commitment: COMMITMENT };
	let salted = || Input::Salted { bytes: bytes.clone(), commitment: COMMITMENT };
	let refused = |privacy, assurance, input, error: Error<Test>| {
		run(|| {
			let hidden = Hidden::new(privacy);
			let origin = RuntimeOrigin::signed(CUSTOMER);
			assert_noop!(
				Aimodel::request(
					origin,
					hidden.out_point,
					assurance,
					input,
					PRICE,
					None,
					Default::default()
				),
				error
			);
		});
	};
	use Error::*;
	for privacy in [INPUT, BOTH] {
		refused(privacy, PROVEN, inline(), InputNotCommitted);
		refused(privacy, PROVEN, blob(), InputNotCommitted);
		refused(privacy, PROVEN, salted(), InputNotCommitted);
	}
	refused(OUTPUT, PROVEN, inline(), CommitmentMissing);
	refused(OUTPUT, PROVEN, committed(), CommitmentMissing);
	refused(OUTPUT, PROVEN, blob(), InputNotInline);
	refused(Privacy::PUBLIC, PROVEN, committed(), CommitmentUnexpected);
	refused(Privacy::PUBLIC, PROVEN, salted(), CommitmentUnexpected);
	for input in [committed(), salted()] {
		refused(BOTH, Assurance::Attested, input, CommitmentUnexpected);
	}
}

#[test]
fn a_key_for_another_number_of_public_inputs_deploys_nothing() {
	run(|| {
		let key = register_key(&OWNER, ARTIFACT, &SimulatedKey::new(5, 1));
		for privacy in [Privacy::PUBLIC, OUTPUT, BOTH] {
			let origin = RuntimeOrigin::signed(OWNER);
			assert_noop!(
				Aimodel::deploy(origin, hidden_digits(key, privacy), flat(), split()),
				Error::<Test>::KeyOfAnotherStatement
			);
		}
		deploy(hidden_digits(key, INPUT));
	});
}
