//! What can be wrong with a ceremony.

use super::terms::TermsError;

/// What is wrong with one contribution, or with the points that it left behind.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
	/// The record is neither a contribution nor the beacon.
	#[error("it is of the unknown kind {0}")]
	Kind(u8),
	/// A point of the record is not canonical, not on the curve, or not in the subgroup.
	#[error("its record has a point that is not valid")]
	Point,
	/// A point of the record is the identity: a secret is zero.
	#[error("a secret of it is zero")]
	Identity,
	/// A scalar of the record is not canonical.
	#[error("its proof of knowledge has a scalar that is not below the order of the group")]
	Scalar,
	/// It changes nothing: a secret is one.
	#[error("a secret of it is one")]
	Unchanged,
	/// It is by nobody that the terms name.
	#[error("it is by participant {got}, and there are {participants}")]
	Stranger {
		/// Number of the participant, from 0.
		got: u16,
		/// Number of participants.
		participants: usize,
	},
	/// Its participant has contributed before.
	#[error("participant {0} has contributed before")]
	Repeated(u16),
	/// The signature is not the participant's, for this place in this transcript.
	#[error("it is not signed by its participant for this place in this transcript")]
	Signature,
	/// The proof of knowledge fails.
	#[error("its proof of knowing the secrets is not valid in this place of this transcript")]
	Knowledge,
	/// It comes after the beacon.
	#[error("it comes after the beacon")]
	AfterBeacon,
	/// The beacon comes before the least number of contributions.
	#[error("it is the beacon, which needs {minimum} contributions before it")]
	EarlyBeacon {
		/// Least number of contributions.
		minimum: u16,
	},
	/// The beacon's value is not that of the round.
	#[error("its value is not the randomness of the round that the terms name")]
	Value,
	/// The beacon's points do not follow from its value.
	#[error("its points do not follow from the beacon's value")]
	Beacon,
	/// The points in the file are not those that the record names.
	#[error("the points in the file are not those that it left behind")]
	Digest,
	/// A point that it left behind is not canonical, not on the curve, or not in the subgroup.
	#[error("point {index} of {what} is not valid")]
	State {
		/// Which points.
		what: &'static str,
		/// Number of the point, from 0.
		index: usize,
	},
	/// The points that it left behind do not fit together.
	#[error("{0} are not what its secrets make of the points before it")]
	Inconsistent(&'static str),
}

/// Why a ceremony is not valid, or can not go on.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum CeremonyError {
	/// Reading or writing failed.
	#[error("{0}")]
	Io(String),
	/// The file does not begin as a file of this kind.
	#[error("the file is no {0} of zkonnx")]
	Magic(&'static str),
	/// The file has another version of the format.
	#[error("the file has format version {got}; this program reads version {expected}")]
	Version {
		/// The version that is read.
		expected: u16,
		/// The file's.
		got: u16,
	},
	/// The file ends too early.
	#[error("the file is truncated")]
	Truncated,
	/// Bytes are left over.
	#[error("the file does not end where it should")]
	Trailing,
	/// A byte that says yes or no has another value.
	#[error("{what} has the unknown code {code}")]
	Code {
		/// What the byte is of.
		what: &'static str,
		/// The byte.
		code: u8,
	},
	/// The terms are not possible.
	#[error(transparent)]
	Terms(#[from] TermsError),
	/// A contribution is bad.
	#[error("contribution {index} (counted from 0): {fault}")]
	Contribution {
		/// Number of the contribution, from 0; the beacon counts.
		index: usize,
		/// What is wrong with it.
		fault: Fault,
	},
	/// The points that the ceremony starts from are bad.
	#[error("the points that the ceremony starts from: {0}")]
	Start(Fault),
	/// The last signature is not the coordinator's, of this length and head.
	#[error("the coordinator has not signed a transcript of {records} records with this head")]
	Seal {
		/// Contributions, the beacon included.
		records: usize,
	},
	/// There are fewer contributions than the terms ask for.
	#[error("there are {got} contributions; the terms ask for {minimum}")]
	TooFew {
		/// Contributions.
		got: usize,
		/// Least number of contributions.
		minimum: u16,
	},
	/// The beacon has not been applied.
	#[error("the beacon has not been applied")]
	NoBeacon,
	/// The beacon has been applied; nobody can contribute any more.
	#[error("the beacon has been applied; nothing can be added but the coordinator's signature")]
	Closed,
	/// The ceremony has not been finalised.
	#[error("the ceremony has not been finalised by its coordinator")]
	Unfinished,
	/// The ceremony has been finalised.
	#[error("the ceremony has been finalised; nothing can be added")]
	Finished,
	/// The powers were imported without terms.
	#[error("the powers were imported as they are; they take no contributions")]
	NoTerms,
	/// The identity is no participant's.
	#[error("{0} is no participant of this ceremony")]
	Stranger(super::PublicKey),
	/// The participant has contributed already.
	#[error("participant {0} has contributed already; each may once")]
	Repeated(u16),
	/// The beacon's round has been, by the clock: its value is known.
	#[error("round {round} of the beacon was {seconds} s ago: a contribution that is made when its value is known is worth nothing")]
	Late {
		/// The round.
		round: u64,
		/// How long ago it was.
		seconds: u64,
	},
	/// The identity is not the coordinator's.
	#[error("{got} is not the coordinator of this ceremony, {expected} is")]
	Coordinator {
		/// The coordinator.
		expected: super::PublicKey,
		/// Who asked.
		got: super::PublicKey,
	},
	/// The value is of another round.
	#[error("the terms name round {expected} of the beacon, the value is of round {got}")]
	Round {
		/// The round of the terms.
		expected: u64,
		/// The round given.
		got: u64,
	},
	/// The value is not that of the round.
	#[error("the value is not the randomness of the round that the terms name")]
	Value,
	/// The size is not possible.
	#[error("2^{0} powers are asked for; 2^1 to 2^{max} are possible", max = super::MAX_POWER)]
	Power(u8),
	/// The powers are too few for the circuit.
	#[error("the circuit needs 2^{needed} powers; the file was made for 2^{got}, or only so many were read")]
	TooSmall {
		/// Power of two of the circuit.
		needed: u8,
		/// Power of two of the powers.
		got: u8,
	},
	/// The secret of the powers is one for which keys are worthless: a root of unity.
	#[error("the secret of the powers is a root of unity of the circuit's domain")]
	Degenerate,
	/// The transcript is for other powers.
	#[error("the transcript is for the powers {expected}, these are {got}", expected = hex::encode(expected), got = hex::encode(got))]
	Powers {
		/// Hash of the powers in the transcript.
		expected: [u8; 32],
		/// Hash of the powers given.
		got: [u8; 32],
	},
	/// The transcript is for another model file.
	#[error("the transcript is for the artifact {expected}, the model is {got}", expected = hex::encode(expected), got = hex::encode(got))]
	Artifact {
		/// Artifact hash in the transcript.
		expected: [u8; 32],
		/// Artifact hash of the model.
		got: [u8; 32],
	},
	/// The transcript is for proofs that tell more or less.
	#[error("the transcript is for proofs with {expected}; the key was derived for {got}")]
	Privacy {
		/// What is public by the transcript.
		expected: crate::Privacy,
		/// What is public of what the key was derived for.
		got: crate::Privacy,
	},
	/// The transcript is for another circuit of this model, by another version of this program.
	#[error("the transcript is for the circuit {expected}, the model compiles to {got}", expected = hex::encode(expected), got = hex::encode(got))]
	Circuit {
		/// Circuit digest in the transcript.
		expected: [u8; 32],
		/// Circuit digest of the model.
		got: [u8; 32],
	},
	/// The transcript is for another version of the statement.
	#[error("the transcript is for version {0} of the statement; this program proves version {version}", version = crate::statement::VERSION)]
	Statement(u16),
	/// The transcript has another number of points than the circuit needs.
	#[error("the transcript has {got} points for {what}, the circuit needs {expected}")]
	Shape {
		/// What the points are for.
		what: &'static str,
		/// Points needed.
		expected: usize,
		/// Points in the transcript.
		got: usize,
	},
	/// The key that the ceremony gives can not be used.
	#[error("the ceremony gives no usable key: {0}")]
	Key(#[from] crate::KeyError),
	/// A key file can not be read.
	#[error("{0}")]
	KeyFile(crate::KeyError),
	/// A key is of another ceremony, or of none.
	#[error("it is not the key that the ceremony gives")]
	OtherKey,
	/// The powers were imported as they are, and nobody has said that these will do.
	#[error("the powers {} are another ceremony's, as they were imported: compare them with their source, then --accept-imported with this hash", hex::encode(.0))]
	Imported([u8; 32]),
	/// Other imported powers were accepted.
	#[error(
		"the imported powers {} were accepted, these are {}",
		hex::encode(accepted),
		hex::encode(got)
	)]
	Accepted {
		/// Hash of the powers that were accepted.
		accepted: [u8; 32],
		/// Hash of the powers given.
		got: [u8; 32],
	},
	/// The powers do not say that they were imported.
	#[error("the powers were not imported: they have no source")]
	NoSource,
	/// The powers were imported from another file.
	#[error("the powers say that they were imported from the file with blake2b-512 {expected}, this is {got}", expected = hex::encode(**expected), got = hex::encode(**got))]
	Source {
		/// Hash of the file that the powers name.
		expected: Box<[u8; 64]>,
		/// Hash of the file given.
		got: Box<[u8; 64]>,
	},
	/// The powers name a file whose points they do not start from.
	#[error("the powers do not start from the points of the file that they name as their source")]
	SourcePoints,
	/// The file to import has a length that neither layout has.
	#[error("a file of {0} bytes is neither a challenge nor a response of powersoftau")]
	ImportLength(u64),
}
